"""The load balancer and the pods of a Gateway that Istio runs: annotations of its Service, and a ConfigMap
with what else is to be changed of the objects that Istio makes.

Sources: "Application routing add-on with Gateway API" and "Configure Istio ingress with the Kubernetes
Gateway API", Microsoft Learn, 2026-06 (their allow list has these settings); "Use a public Standard Load
Balancer in AKS", 2026, for the annotations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from provision.profile.model import AppRouting, GatewayResources, GatewayScaling, Istio
from provision.resources.manifest import BALANCER, INTERNAL, PINNED
from provision.resources.values import Value

ALLOWED_RANGES = "service.beta.kubernetes.io/azure-allowed-ip-ranges"
_PROBE = "service.beta.kubernetes.io/port_{}_health-probe_{}"
_PROBE_SETTINGS = ("port", "protocol", "request-path")
_ISTIOS_PROBE = tuple(_PROBE.format(80, each) for each in _PROBE_SETTINGS)
PROBES = (*_ISTIOS_PROBE, *(_PROBE.format(443, each) for each in _PROBE_SETTINGS))
"""With externalTrafficPolicy Local the load balancer asks the nodes' own health port, so that settings of the
probe must go: those which Istio makes for port 80, and those that anybody wrote at a Service by hand."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How a gateway is reached, and what its pods get. `keep_source`: backends see the client's address."""

    internal: bool = False
    static_ip: str | None = None
    ranges: tuple[str, ...] = ()
    subnet: str | None = None
    keep_source: bool = False
    scaling: GatewayScaling | None = None
    resources: GatewayResources | None = None

    @classmethod
    def of(cls, ingress: AppRouting | Istio, where: str = "") -> GatewaySettings:
        """Those of app routing's Gateways, or of the mesh's gateway `external` or `internal`."""
        keep = ingress.client_source_ip == "preserve"
        if isinstance(ingress, AppRouting):
            return cls(ingress.load_balancer == "internal", ingress.static_ip, keep_source=keep)
        where = where or ingress.load_balancer
        asked = ingress.gateway(where)
        return cls(
            where == "internal",
            asked.static_ip,
            asked.allowed_ip_ranges,
            asked.subnet,
            keep,
            asked.scaling,
            asked.resources,
        )

    def annotations(self) -> dict[str, Value]:
        """What the cloud provider reads of the Service, but that it is internal."""
        found: dict[str, Value] = {}
        if self.static_ip:
            found[PINNED] = self.static_ip
        if self.subnet:
            found[f"{BALANCER}-internal-subnet"] = self.subnet
        if self.ranges:
            found[ALLOWED_RANGES] = ",".join(self.ranges)
        return found

    def infrastructure(self) -> dict[str, Value]:
        """Of a Gateway's spec; empty where nothing is asked for."""
        annotations = self.annotations()
        if self.internal:
            annotations = {INTERNAL: "true", **annotations}
        return {"annotations": annotations} if annotations else {}

    def overlays(self) -> dict[str, Value]:
        """Data of the ConfigMap that a Gateway's `parametersRef` names; empty where nothing is asked for.

        Istio merges each document into the object of that kind.
        """
        found: dict[str, Value] = {}
        if self.keep_source:
            found["service"] = _KEEP_SOURCE
        if self.scaling:
            least, most = self.scaling.min_replicas, self.scaling.max_replicas
            found["horizontalPodAutoscaler"] = f"spec:\n  minReplicas: {least}\n  maxReplicas: {most}\n"
        if self.resources:
            found["deployment"] = _deployment(self.resources)
        return found


_KEEP_SOURCE = (
    "metadata:\n  annotations:\n"
    + "".join(f"    {probe}: null\n" for probe in _ISTIOS_PROBE)
    + "spec:\n  externalTrafficPolicy: Local\n"
)


def _deployment(asked: GatewayResources) -> str:
    requests: Mapping[str, str | None] = {"cpu": asked.cpu, "memory": asked.memory}
    given = {key: value for key, value in requests.items() if value}
    return (
        "spec:\n  template:\n    spec:\n      containers:\n      - name: istio-proxy\n        resources:\n"
        f"          requests: {json.dumps(given)}\n"
    )
