"""A cluster with the Application Gateway for Containers add-on, and a shop behind it."""

from __future__ import annotations

from typing import Any

from addon_bench import Bench

from provision.sandbox import cluster_network
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds
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
        for _ in range(int(seconds // 10)):
            self.clock.moment[0] += 10
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
