"""A cluster with the Application Gateway for Containers add-on, and a shop behind it."""

from __future__ import annotations

from typing import Any

from addon_bench import GROUP, Bench

from provision.sandbox import (
    authorization,
    cluster_network,
    identities,
    roles,
    virtual_networks,
    waf_policies,
)
from provision.sandbox.addons.alb_arm import Arm
from provision.sandbox.azure import Json
from provision.sandbox.helm import chart
from provision.sandbox.http import Principal
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.rbac import ASSIGNMENT
from provision.sandbox.service_networking_kinds import ASSOCIATION, CONTROLLER, FRONTEND

ADDON: Json = {"gatewayAPI": {"installation": "Standard"}, "applicationLoadBalancer": {"enabled": True}}
OWN: Json = {"gatewayAPI": {"installation": "Standard"}}
ID = "alb.networking.azure.io/alb-id"
MANAGED = {"alb.networking.azure.io/alb-namespace": "infra", "alb.networking.azure.io/alb-name": "alb"}


class Balanced(Bench):
    """The add-on is on; `balancer` and `gateway` are up to the test."""

    def __init__(self, profile: Json = ADDON, **options: Any) -> None:
        super().__init__(ingressProfile=profile, **options)
        for namespace in ("infra", "shop"):
            self.put(kinds.NAMESPACE, namespace)
        self.put(kinds.SERVICE, "shop", "shop", spec={"type": "ClusterIP", "ports": [{"port": 80}]})

    @property
    def group(self) -> str:
        group = self.cluster["properties"]["nodeResourceGroup"]
        return f"{self.cluster['id'].split('/resource')[0]}/resourceGroups/{group}"

    @property
    def subnet(self) -> str:
        return f"{cluster_network.network_id(self.cluster, self.group)}/subnets/aks-appgateway"

    def pass_(self, seconds: float) -> None:
        """Time goes by in steps, with a look after each."""
        for _ in range(int(seconds // 40)):
            self.clock.moment[0] += 40
            self.azure.settle()
            self.look()

    def balancer(self, subnet: str = "") -> None:
        self.put(
            crds.APPLICATION_LOAD_BALANCER, "alb", "infra", spec={"associations": [subnet or self.subnet]}
        )
        self.look()

    def gateway(self, *listeners: Json, annotations: Json = MANAGED, name: str = "web", **spec: Any) -> None:
        chosen = list(listeners) or [{"name": "http", "port": 80, "protocol": "HTTP"}]
        wanted = {"gatewayClassName": "azure-alb-external", "listeners": chosen, **spec}
        self.put(crds.GATEWAY, name, "shop", spec=wanted, annotations=annotations)
        self.look()

    def route(self, name: str = "shop", **spec: Any) -> None:
        wanted = {
            "parentRefs": [{"name": "web"}],
            "rules": [{"backendRefs": [{"name": "shop", "port": 80}]}],
            **spec,
        }
        self.put(crds.HTTP_ROUTE, name, "shop", spec=wanted)
        self.look()

    def chart(self, client_id: str, namespace: str = "azure-alb-system") -> None:
        """What the chart leaves behind."""
        self.put(kinds.NAMESPACE, namespace)
        values = {"albController": {"namespace": namespace, "podIdentity": {"clientID": client_id}}}
        for body in chart.objects(values, "1.9.13", "alb-controller", namespace):
            kind = {"ServiceAccount": kinds.SERVICE_ACCOUNT, "Deployment": kinds.DEPLOYMENT}[body["kind"]]
            self.objects.put(kind, body)
        self.look()

    def up(self) -> None:
        """A managed gateway with a route, programmed."""
        self.balancer()
        self.gateway()
        self.route()
        self.pass_(400)

    def controllers(self) -> list[Json]:
        return self.azure.store.list(CONTROLLER)

    def associations(self) -> list[Json]:
        return self.azure.store.list(ASSOCIATION)

    def frontends(self) -> list[Json]:
        return self.azure.store.list(FRONTEND)


class Charted(Balanced):
    """The chart is installed instead, with an identity that has all its rights but where a test takes one
    away; networks and traffic controllers are the user's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(OWN, **options)
        self.user = self.identity("azure-alb-identity")
        credential = f"{self.user['id']}/federatedIdentityCredentials/azure-alb-identity"
        properties = {
            "issuer": self.cluster["properties"]["oidcIssuerProfile"]["issuerURL"],
            "subject": "system:serviceaccount:azure-alb-system:alb-controller-sa",
            "audiences": ["api://AzureADTokenExchange"],
        }
        named = {"id": credential, "name": "azure-alb-identity", "properties": properties}
        self.azure.store.put(identities.CREDENTIAL, credential, named)
        self.place = f"{GROUP}/providers/{virtual_networks.NETWORK}/vnet"
        self.own_subnet = f"{self.place}/subnets/alb"
        virtual_networks.new_network(self.azure, self.place, "westeurope", ["10.0.0.0/8"], {})
        virtual_networks.new_subnet(self.azure, self.own_subnet, "10.1.0.0/24", CONTROLLER)
        self.assign(roles.READER, self.group, self.user)
        self.assign(roles.AGC_CONFIGURATION_MANAGER, self.group, self.user)
        self.assign(roles.AGC_CONFIGURATION_MANAGER, GROUP, self.user)
        self.assign(roles.NETWORK_CONTRIBUTOR, self.own_subnet, self.user)
        self.chart(self.user["properties"]["clientId"])

    @property
    def subnet(self) -> str:
        return self.own_subnet

    def take(self, role: str, scope: str) -> None:
        """Take one role away."""
        for each in self.azure.store.list(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/"):
            if each["properties"]["roleDefinitionId"].endswith(role):
                self.azure.store.delete(ASSIGNMENT, each["id"])

    def own(self) -> str:
        """A traffic controller of the user's own with an association and the frontend `fe`; its id."""
        identifier = f"{GROUP}/providers/{CONTROLLER}/tc"
        access = Arm(self.azure, Principal("owner", "owner", "owner"))
        authorization.new_assignment(self.azure, GROUP, roles.OWNER, "owner", created=authorization.LONG_AGO)
        here = {"location": "westeurope"}
        access.put(identifier, here)
        self.pass_(80)
        access.put(f"{identifier}/frontends/fe", here)
        subnet = {"subnet": {"id": self.own_subnet}}
        access.put(f"{identifier}/associations/as", {**here, "properties": subnet})
        self.pass_(200)
        return identifier

    def firewall(self) -> str:
        """A firewall policy in prevention mode; its id."""
        identifier = f"{GROUP}/providers/{waf_policies.WAF_POLICY}/waf"
        sets = [{"ruleSetType": "Microsoft_DefaultRuleSet", "ruleSetVersion": "2.1"}]
        properties = {
            "customRules": [],
            "managedRules": {"managedRuleSets": sets},
            "policySettings": {"state": "Enabled", "mode": "Prevention"},
        }
        document = {"id": identifier, "name": "waf", "location": "westeurope", "properties": properties}
        self.azure.store.put(waf_policies.WAF_POLICY, identifier, document)
        return identifier
