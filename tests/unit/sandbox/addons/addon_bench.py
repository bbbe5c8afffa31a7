"""A cluster with everything that a host needs, so that a test can take one link away."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from provision.sandbox import (
    addons,
    authorization,
    certificates,
    dns,
    identities,
    managed_clusters,
    private_dns,
    roles,
    services,
    vaults,
)
from provision.sandbox.azure import SUBSCRIPTION, Answer, Azure, Clock, Json
from provision.sandbox.cluster_document import KIND
from provision.sandbox.dns_flavours import PRIVATE, PUBLIC
from provision.sandbox.http import Principal, Request
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.rbac import ASSIGNMENT
from provision.sandbox.store import Store

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test"
OFFICER = Principal("11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000001", "officer")
URI = "kubernetes.azure.com/tls-cert-keyvault-uri"
ACCOUNT = "kubernetes.azure.com/tls-cert-service-account"
ISTIO = {"gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}}}
ROUTING: Json = {"enabled": True, **ISTIO}
INGRESS_PROFILE: Json = {"gatewayAPI": {"installation": "Standard"}, "webAppRouting": ROUTING}
SECRETS = {"enableSecretRotation": "true"}


@dataclass(frozen=True, slots=True)
class HandClock(Clock):
    """Moves only when told to; a second is a second."""

    speed: float = 1.0
    moment: list[float] = field(default_factory=lambda: [1_800_000_000.25])

    def now(self) -> float:
        return self.moment[0]


_looked_at: dict[str, bytes] = {}
"""States of new clusters after the first look, which takes 30 ms, by what was wanted of the cluster."""


class Bench:
    """`cluster` is its ARM document, `objects` what is in it; nothing happens until `look`."""

    def __init__(self, *, secrets: Json | None = SECRETS, **properties: Any) -> None:
        self.clock = HandClock()
        self.azure = Azure(Store(":memory:"), self.clock, services.SETTLERS)
        addon = {"azureKeyvaultSecretsProvider": {"enabled": secrets is not None, "config": secrets}}
        wanted = {
            "kubernetesVersion": "1.34",
            "ingressProfile": INGRESS_PROFILE,
            "addonProfiles": addon,
            **properties,
        }
        known = json.dumps(wanted, sort_keys=True)
        if known in _looked_at:
            self.azure.store._db.deserialize(_looked_at[known])
        else:
            managed_clusters.new_cluster(
                self.azure, SUBSCRIPTION, "rg-test", "aks-test", "westeurope", properties=wanted
            )
            self.look()
            _looked_at[known] = self.azure.store._db.serialize()
        (self.cluster,) = self.azure.store.list(KIND)
        self.objects = Cluster(self.azure, self.cluster["properties"]["resourceUID"])

    def look(self) -> None:
        """One look of the add-ons."""
        addons.reconcile(self.azure)

    def alter(self, **properties: Any) -> None:
        """Change properties of the cluster, as a finished update does."""
        current = self.azure.store.get(KIND, self.cluster["id"]) or {}
        current["properties"].update(properties)
        current["eTag"] = self.azure.guid()
        self.azure.store.put(KIND, current["id"], current)
        self.cluster = current

    def put(self, kind: Kind, name: str, namespace: str = "", **body: Any) -> Json:
        """Write an object as a user would, metadata by `labels` and `annotations`."""
        metadata = {key: body.pop(key) for key in ("labels", "annotations") if key in body}
        place = {"name": name, **({"namespace": namespace} if namespace else {})}
        return self.objects.put(kind, {"metadata": {**place, **metadata}, **body})

    def need(self, kind: Kind, name: str, namespace: str = "") -> Json:
        """An object that must be there."""
        found = self.objects.get(kind, name, namespace)
        assert found is not None, f"{kind.kind} {namespace}/{name} is missing"
        return found

    def told(self, reason: str, about: str = "") -> str:
        """Messages of all events with a reason, about objects of a name."""
        return "\n".join(
            event["message"]
            for event in self.objects.list(kinds.EVENT)
            if event["reason"] == reason and about in ("", event["involvedObject"]["name"])
        )

    def dump(self) -> Json:
        """The whole state, for comparisons."""
        return self.azure.store.dump()

    def zone(self, name: str, *, private: bool = False) -> Json:
        if private:
            return private_dns.new_zone(self.azure, f"{GROUP}/providers/{PRIVATE.kind}/{name}")
        return dns.new_zone(self.azure, SUBSCRIPTION, "rg-test", name)

    def records(self, zone: Json) -> dict[str, list[str]]:
        """A and TXT record sets of a zone: values by `A name`."""
        flavour = PRIVATE if "privateDnsZones" in zone["id"] else PUBLIC
        found: dict[str, list[str]] = {}
        for document in self.azure.store.list(flavour.record_kind, f"{zone['id']}/"):
            kind = document["type"].rpartition("/")[2]
            content = document["properties"].get(flavour.fields[kind])
            if kind == "A":
                found[f"A {document['name']}"] = [each["ipv4Address"] for each in content]
            elif kind == "TXT":
                found[f"TXT {document['name']}"] = [each["value"][0] for each in content]
        return found

    def assign(self, role: str, scope: str, identity: Json) -> Json:
        """A role assignment that is effective at once."""
        return authorization.new_assignment(
            self.azure,
            scope,
            role,
            identity["properties"]["principalId"],
            created=authorization.LONG_AGO,
        )

    def unassign(self) -> None:
        """Take all roles away."""
        for assignment in self.azure.store.list(ASSIGNMENT):
            self.azure.store.delete(ASSIGNMENT, assignment["id"])

    def identity(self, name: str = "id-ingress") -> Json:
        return identities.new_identity(self.azure, SUBSCRIPTION, "rg-test", name, "westeurope")

    def federate(self, identity: Json, account: str, namespace: str = "shop", **changed: Any) -> None:
        id_ = f"{identity['id']}/federatedIdentityCredentials/{namespace}-{account}"
        properties = {
            "issuer": self.cluster["properties"]["oidcIssuerProfile"]["issuerURL"],
            "subject": f"system:serviceaccount:{namespace}:{account}",
            "audiences": ["api://AzureADTokenExchange"],
            **changed,
        }
        credential = {"id": id_, "name": f"{namespace}-{account}", "properties": properties}
        self.azure.store.put(identities.CREDENTIAL, id_, credential)

    def account(
        self, identity: Json, name: str = "shop-ingress", namespace: str = "shop", **body: Any
    ) -> None:
        labels = {"azure.workload.identity/use": "true"}
        annotations = {"azure.workload.identity/client-id": identity["properties"]["clientId"]}
        metadata = {"labels": labels, "annotations": annotations, **body}
        self.put(kinds.SERVICE_ACCOUNT, name, namespace, **metadata)

    def vault(self, name: str = "kv-test", *, rbac: bool = True) -> Json:
        made = vaults.new_vault(
            self.azure, SUBSCRIPTION, "rg-test", name, rbac=rbac, administrators=(OFFICER.object_id,)
        )
        if rbac:
            authorization.new_assignment(
                self.azure,
                made["id"],
                roles.KEY_VAULT_ADMINISTRATOR,
                OFFICER.object_id,
                created=authorization.LONG_AGO,
            )
        return made

    def certificate(
        self,
        name: str = "shop-tls",
        *,
        vault: str = "kv-test",
        content_type: str = "application/x-pem-file",
        **policy: Any,
    ) -> str:
        """A new version of a certificate, complete; returns its name. `policy` overrides key properties."""
        body: Json = {
            "policy": {
                "issuer": {"name": "Self"},
                "key_props": {"kty": "EC", "crv": "P-256", "exportable": True, **policy},
                "secret_props": {"contentType": content_type},
                "x509_props": {"subject": "CN=shop.contoso.com"},
            }
        }
        self.data_plane("POST", f"/certificates/{name}/create", body, vault)
        self.clock.moment[0] += 60
        self.azure.settle()
        bundle = self.data_plane("GET", f"/certificates/{name}", None, vault).body
        return str(bundle["id"]).rsplit("/", 1)[-1]

    def data_plane(self, method: str, path: str, body: Json | None, vault: str = "kv-test") -> Answer:
        """One request to a vault, as an officer who may do everything."""
        for route in certificates.ROUTES:
            match = route.pattern().fullmatch(path)
            if match and route.method == method:
                params = {**match.groupdict(), "vault": vault}
                base = f"https://{vault}.vault.localhost:8443"
                request = Request(method, path, {"api-version": "7.6"}, {}, body, base, OFFICER, params)
                answer = route.handle(request, self.azure)
                assert isinstance(answer, Answer)
                return answer
        raise AssertionError(path)


class Shop(Bench):
    """shop.contoso.com behind a Gateway, with all it needs; not looked at yet."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.contoso = self.zone("contoso.com")
        self.kv = self.vault()
        self.version = self.certificate()
        self.reader = self.identity()
        self.assign(roles.KEY_VAULT_SECRETS_USER, self.kv["id"], self.reader)
        self.assign(roles.DNS_ZONE_CONTRIBUTOR, self.contoso["id"], self.reader)
        self.federate(self.reader, "shop-ingress")
        self.put(kinds.NAMESPACE, "shop")
        self.account(self.reader)
        self.put(kinds.SERVICE, "shop", "shop", spec={"type": "ClusterIP", "ports": [{"port": 80}]})
        self.gateway()
        self.route("shop")
        self.writer()

    def gateway(
        self, uri: str = "https://kv-test.vault.localhost:8443/certificates/shop-tls", **spec: Any
    ) -> None:
        options = {URI: uri, ACCOUNT: "shop-ingress"}
        secure = {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "shop.contoso.com"}
        secure["tls"] = {"mode": "Terminate", "options": options}
        listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}, secure]
        wanted = {"gatewayClassName": "approuting-istio", "listeners": listeners, **spec}
        self.put(crds.GATEWAY, "shop", "shop", spec=wanted)

    def route(self, name: str, host: str = "shop.contoso.com", namespace: str = "shop", **body: Any) -> None:
        spec: Json = {
            "parentRefs": [{"name": "shop", "namespace": "shop"}],
            "hostnames": [host],
            "rules": [{"backendRefs": [{"name": "shop", "port": 80}]}],
        }
        self.put(crds.HTTP_ROUTE, name, namespace, **{"spec": {**spec, **body.pop("spec", {})}, **body})

    def writer(self, name: str = "public", zones: tuple[Json, ...] = (), **spec: Any) -> None:
        chosen = [zone["id"] for zone in zones or (self.contoso,)]
        wanted = {
            "resourceName": name,
            "resourceNamespace": "shop",
            "dnsZoneResourceIDs": chosen,
            "resourceTypes": ["gateway"],
            "identity": {"type": "workloadIdentity", "serviceAccount": "shop-ingress"},
            **spec,
        }
        self.put(crds.CLUSTER_EXTERNAL_DNS, name, spec=wanted)

    def address(self) -> str:
        service = self.need(kinds.SERVICE, "shop-approuting-istio", "shop")
        return str(service["status"]["loadBalancer"]["ingress"][0]["ip"])

    def listener(self, name: str = "https") -> dict[str, Json]:
        """Conditions of a listener by type."""
        status = self.need(crds.GATEWAY, "shop", "shop")["status"]
        found = next(each for each in status["listeners"] if each["name"] == name)
        return {each["type"]: each for each in found["conditions"]}


def conditions(body: Json) -> dict[str, Json]:
    """Conditions of an object's status by type."""
    return {each["type"]: each for each in body["status"]["conditions"]}
