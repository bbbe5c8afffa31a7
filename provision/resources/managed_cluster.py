"""The AKS cluster: an object of the platform team's, of which we own the ingress properties.

What we switch on is written down in a tag before it is switched, so that `destroy` can put back what
was there, without a state file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value, plain

APP_ROUTING = "ingressProfile.webAppRouting.enabled"
NGINX_CONTROLLER = "ingressProfile.webAppRouting.nginx.defaultIngressControllerType"
ZONES = "ingressProfile.webAppRouting.dnsZoneResourceIds"
GATEWAY_API = "ingressProfile.gatewayAPI.installation"
APP_ROUTING_ISTIO = "ingressProfile.webAppRouting.gatewayAPIImplementations.appRoutingIstio.mode"
LOAD_BALANCER = "ingressProfile.applicationLoadBalancer.enabled"
OIDC_ISSUER = "oidcIssuerProfile.enabled"
WORKLOAD_IDENTITY = "securityProfile.workloadIdentity.enabled"
SECRETS_PROVIDER = "addonProfiles.azureKeyvaultSecretsProvider.enabled"
SECRET_ROTATION = "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation"  # noqa: S105 - a path
MESH = "serviceMeshProfile.mode"
MESH_REVISIONS = "serviceMeshProfile.istio.revisions"
MESH_EXTERNAL = "serviceMeshProfile.istio.components.ingressGateways[External].enabled"
MESH_INTERNAL = "serviceMeshProfile.istio.components.ingressGateways[Internal].enabled"
MESH_REDIRECTION = "serviceMeshProfile.istio.components.proxyRedirectionMechanism"
MESH_AUTHORITY = "serviceMeshProfile.istio.certificateAuthority.plugin"
"""A member of a list is named by its mode, in brackets."""

OFF: Mapping[str, Value] = {
    APP_ROUTING: False,
    NGINX_CONTROLLER: None,
    ZONES: frozenset(),
    GATEWAY_API: "Disabled",
    APP_ROUTING_ISTIO: "Disabled",
    LOAD_BALANCER: False,
    OIDC_ISSUER: False,
    WORKLOAD_IDENTITY: False,
    SECRETS_PROVIDER: False,
    SECRET_ROTATION: "false",
    MESH: "Disabled",
    MESH_REVISIONS: frozenset(),
    MESH_EXTERNAL: False,
    MESH_INTERNAL: False,
    MESH_REDIRECTION: None,
    MESH_AUTHORITY: None,
}
"""Every property we may own, with the value that AKS means by leaving it out."""

PARENTS: Mapping[str, str] = {
    ZONES: APP_ROUTING,
    SECRET_ROTATION: SECRETS_PROVIDER,
    **dict.fromkeys((MESH_REVISIONS, MESH_EXTERNAL, MESH_INTERNAL, MESH_REDIRECTION, MESH_AUTHORITY), MESH),
}
"""Properties that mean nothing while the one they belong to is off."""

IRREVERSIBLE = frozenset({OIDC_ISSUER})
"""AKS can't switch these off again. Source: "Create an OpenID Connect provider on AKS", 2026-05."""

_ONE_WAY = frozenset({MESH_REVISIONS, MESH_REDIRECTION, MESH_AUTHORITY})
"""A mesh that was there before us keeps what it was upgraded to: AKS refuses the way back. Source: "Upgrade
Istio-based service mesh add-on" and its troubleshooting page, Microsoft Learn, 2025 and 2026."""

_CODES: Mapping[str, str] = {
    APP_ROUTING: "app",
    NGINX_CONTROLLER: "nginx",
    ZONES: "zones",
    GATEWAY_API: "gwapi",
    APP_ROUTING_ISTIO: "gw",
    LOAD_BALANCER: "alb",
    OIDC_ISSUER: "oidc",
    WORKLOAD_IDENTITY: "wi",
    SECRETS_PROVIDER: "kv",
    SECRET_ROTATION: "rot",
    MESH: "mesh",
    MESH_REVISIONS: "rev",
    MESH_EXTERNAL: "gwe",
    MESH_INTERNAL: "gwi",
    MESH_REDIRECTION: "cni",
    MESH_AUTHORITY: "ca",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedCluster(Resource):
    """Ingress settings of an existing AKS cluster.

    `id` is its resource id and `settings` maps paths below `properties` to values; `detached` are zones that
    may not be attached to it, whatever others are. `api_version` is that of a preview, for settings that no
    stable version of the API knows, or empty. Outputs: `id`, `location`,
    `oidcIssuerURL`, `addonObjectId`, `addonClientId` (the app routing add-on's identity), `albObjectId` (that
    of the Application Gateway for Containers add-on), `secretsObjectId` (that of the Secrets Store add-on),
    `nodeGroup` (id of the resource group that AKS keeps), `kubernetesVersion`, `networkPlugin`,
    `networkPluginMode` (`overlay`, or nothing), `identityType`, `meshMode`, `openServiceMesh` (whether that
    add-on is on), `private` (whether its API server is reached from inside its network only), `entra`
    (whether its users are Entra's), `powerState` (`Running` or `Stopped`), `before` (our tag).
    """

    KIND: ClassVar[str] = "managed_cluster"
    SHARED: ClassVar[bool] = True
    MUST_EXIST: ClassVar[bool] = True

    id: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    detached: frozenset[Value] = frozenset()
    api_version: str = ""

    def properties(self) -> Mapping[str, Value]:
        return self.settings

    def declared(self, there: Mapping[str, Value]) -> Mapping[str, Value]:
        attached = there.get(ZONES)
        if not isinstance(attached, frozenset) or not attached & self.detached:
            return self.settings
        return {**self.settings, ZONES: attached - self.detached}


def short_hash(zone_id: str) -> str:
    """Eight characters that stand for a zone id in a tag of at most 256."""
    return hashlib.sha256(zone_id.casefold().encode()).hexdigest()[:8]


def remember(earlier: str, changes: Iterable[tuple[str, Value]]) -> str:
    """The tag `provision-before` after a change: path codes with the values that were there before us.

    `earlier` is the tag as it stands; a value once written down is never overwritten, since a later
    "before" is our own doing.
    """
    entries = dict(entry.split("=", 1) for entry in earlier.split() if "=" in entry)
    for path, before in changes:
        entries.setdefault(_CODES[path], _encode(before))
    return " ".join(f"{code}={value}" for code, value in entries.items())


def _encode(value: Value) -> str:
    if isinstance(value, Mapping):
        return "1"  # that there was one is enough: it is never put back
    if isinstance(value, frozenset):
        return ",".join(sorted(short_hash(str(plain(member))) for member in value)) or "-"
    if isinstance(value, bool):
        return "1" if value else "0"
    return "-" if value is None else str(value)


def released(tag: str, current: Mapping[str, Value]) -> dict[str, Value]:
    """The settings that put back what the tag says was there before us.

    Leaves out what AKS can't take back, and what means nothing once its parent is off.
    """
    wanted: dict[str, Value] = {}
    entries = dict(entry.split("=", 1) for entry in tag.split() if "=" in entry)
    for path, code in _CODES.items():
        if code in entries and path not in IRREVERSIBLE | _ONE_WAY:
            wanted[path] = _decode(path, entries[code], current.get(path))

    def is_on(path: str) -> bool:
        return wanted.get(path, current.get(path)) not in (None, OFF[path])

    return {path: value for path, value in wanted.items() if path not in PARENTS or is_on(PARENTS[path])}


def _decode(path: str, text: str, current: Value) -> Value:
    if path == ZONES:
        kept = set(text.split(","))
        members = current if isinstance(current, frozenset) else frozenset()
        return frozenset(CaseInsensitive(str(zone)) for zone in members if short_hash(str(zone)) in kept)
    if isinstance(OFF[path], bool):
        return text == "1"
    if path == NGINX_CONTROLLER and text == "-":
        # What a cluster gets that has never heard of it, so that a later `approuting enable` acts as usual.
        return "AnnotationControlled"
    return OFF[path] if text == "-" else text
