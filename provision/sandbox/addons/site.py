"""One settled cluster as its add-ons see it: the ARM document, the objects inside, what is switched on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from provision.sandbox import cluster_versions
from provision.sandbox.azure import Azure, Json
from provision.sandbox.cluster_document import KIND, istio_gateway
from provision.sandbox.kubernetes.objects import Cluster, Kind

ROUTING_NAMESPACE = "app-routing-system"
ISTIO_NAMESPACE = "aks-istio-system"
MESH_GATEWAY_NAMESPACE = "aks-istio-ingress"

_UNSETTLED = ("Creating", "Updating", "Deleting")


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster with its add-ons.

    `document` is what ARM shows of it, `objects` what its API server holds. `raised` collects the events
    that are still being raised (namespace and name), so that others can expire, `definitions` the names of
    the CRDs that are there.
    """

    azure: Azure
    document: Json
    objects: Cluster
    raised: set[tuple[str, str]] = field(default_factory=set)
    definitions: set[str] = field(default_factory=set)

    @property
    def properties(self) -> Json:
        found: Json = self.document["properties"]
        return found

    @property
    def in_use(self) -> bool:
        """Whether an add-on is on or anyone has been inside."""
        switched_on = self.ingress or self.mesh_revisions or self.secrets_store is not None
        return bool(switched_on) or self.objects.version() > 1

    @property
    def ingress(self) -> Json:
        return self.properties.get("ingressProfile") or {}

    @property
    def routing(self) -> Json | None:
        """The app routing add-on's profile while it is on, with `identity`; the operator runs only then."""
        routing: Json = self.ingress.get("webAppRouting") or {}
        return routing if routing.get("enabled") else None

    @property
    def gateway_api(self) -> bool:
        """Whether AKS manages the Gateway API's CRDs."""
        return bool((self.ingress.get("gatewayAPI") or {}).get("installation") == "Standard")

    @property
    def routing_istio(self) -> bool:
        """Whether the class `approuting-istio` is on."""
        return istio_gateway(self.ingress)

    @property
    def load_balancer(self) -> Json | None:
        """The Application Gateway for Containers add-on's profile while it is on, with `identity`."""
        balancer: Json = self.ingress.get("applicationLoadBalancer") or {}
        return balancer if balancer.get("enabled") else None

    @property
    def mesh_revisions(self) -> list[str]:
        """Revisions of the Istio mesh add-on, the oldest first, empty while it is off."""
        mesh = self.properties.get("serviceMeshProfile") or {}
        revisions = mesh["istio"]["revisions"] if mesh.get("mode") == "Istio" else ()
        return sorted(revisions, key=cluster_versions.revision_order)

    def addon(self, name: str) -> Json | None:
        """An add-on profile that is enabled, by its name in any case."""
        for key, addon in (self.properties.get("addonProfiles") or {}).items():
            if key.lower() == name.lower() and addon.get("enabled"):
                found: Json = addon
                return found
        return None

    @property
    def secrets_store(self) -> Json | None:
        """The Secrets Store add-on's settings while it is on: strings such as `enableSecretRotation`."""
        addon = self.addon("azureKeyvaultSecretsProvider")
        return addon.get("config") or {} if addon else None

    @property
    def workload_identity(self) -> bool:
        profile = (self.properties.get("securityProfile") or {}).get("workloadIdentity") or {}
        return bool(profile.get("enabled"))

    @property
    def token_issuer(self) -> str:
        """Issuer of the tokens of service accounts.

        Without the OIDC issuer it is the API server's own address, which Entra trusts for nobody.
        """
        profile = self.properties.get("oidcIssuerProfile") or {}
        return str(profile["issuerURL"]) if profile.get("enabled") else f"https://{self.properties['fqdn']}"

    @property
    def version(self) -> tuple[int, ...]:
        """The Kubernetes version as numbers."""
        return cluster_versions.ordered(self.properties["currentKubernetesVersion"])

    @property
    def subscription(self) -> str:
        return str(self.document["id"].split("/")[2])

    def serves(self, kind: Kind) -> bool:
        """Whether the CRD of the kind is in the cluster."""
        return kind.resource in self.definitions

    def named(self, kind: Kind, namespace: str = "") -> list[Json]:
        """Objects of the kind, none where its CRD is missing."""
        return self.objects.list(kind, namespace) if self.serves(kind) else []


def sites(azure: Azure) -> Iterator[Site]:
    """Every settled cluster; one that changes keeps its objects as they are until it has changed."""
    for document in azure.store.list(KIND):
        properties = document["properties"]
        if properties["provisioningState"] not in _UNSETTLED:
            yield Site(azure, document, Cluster(azure, properties["resourceUID"]))
