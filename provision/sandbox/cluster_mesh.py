"""The service mesh of a cluster: what AKS refuses of `serviceMeshProfile`, and its upgrade profile.

Sources, all Microsoft Learn: "Deploy Istio-based service mesh add-on" (2026), "Upgrade Istio-based service
mesh add-on" (2026-08), its troubleshooting page (2025: no downgrade but a rollback), "Plug-in CA
certificates" (2025-03), "Enable Istio CNI" (2026-05), "Deploy egress gateways" (2025-04). The text about
revisions is AKS's, quoted in MicrosoftDocs/azure-docs#120606 (2024); other texts are ours. The upgrade
profile has the shape of azure-rest-api-specs' example ManagedClustersList_MeshUpgradeProfiles; that it has no
upgrades while one is under way is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.sandbox import cluster_versions
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, not_found
from provision.sandbox.cluster_document import KIND, istio_gateway
from provision.sandbox.cluster_rules import refusal
from provision.sandbox.http import Route

_PROFILE = "serviceMeshProfile"
_REVISIONS = f"{_PROFILE}.istio.revisions"
_PLUGIN_FIELDS = (
    "keyVaultId",
    "certObjectName",
    "keyObjectName",
    "rootCertObjectName",
    "certChainObjectName",
)
_VAULT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.KeyVault/vaults/[^/]+", re.IGNORECASE
)
_EGRESS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MOST_EGRESS = 500
_MECHANISMS = ("InitContainers", "CNIChaining")
_CHAINS_SINCE = (1, 25)


def check(new: Json, old: Json | None) -> None:
    """Refuse the mesh that a PUT would make of a cluster; `old` is None when it is being created."""
    properties = new["properties"]
    mesh = properties.get(_PROFILE) or {}
    if mesh.get("mode") != "Istio":
        return
    was = ((old or {}).get("properties") or {}).get(_PROFILE) or {}
    before: Json = was["istio"] if was.get("mode") == "Istio" else {}
    _check_others(properties)
    _check_revisions(properties, before)
    _check_components(mesh["istio"], properties)
    _check_authority(mesh["istio"], before, properties)


def _check_others(properties: Json) -> None:
    """What the mesh can't stand beside."""
    if istio_gateway(properties.get("ingressProfile") or {}):
        raise refusal(
            400,
            "BadRequest",
            "The application routing Istio gateway implementation cannot be enabled together with the Istio"
            " service mesh add-on. Disable one of them before enabling the other.",
            f"{_PROFILE}.mode",
        )
    if _addon(properties, "openServiceMesh"):
        raise refusal(
            400,
            "BadRequest",
            "The Istio service mesh add-on cannot be enabled while the Open Service Mesh add-on is enabled."
            " Disable the Open Service Mesh add-on first.",
            f"{_PROFILE}.mode",
        )


def _addon(properties: Json, name: str) -> bool:
    addons = properties.get("addonProfiles") or {}
    return any(key.lower() == name.lower() and each.get("enabled") for key, each in addons.items())


def _check_revisions(properties: Json, before: Json) -> None:
    after: list[str] = properties[_PROFILE]["istio"]["revisions"]
    reason = _wrong_step(before.get("revisions") or [], after, properties["currentKubernetesVersion"])
    if reason:
        raise _not_allowed(reason)
    asked = properties["kubernetesVersion"]
    for revision in after:
        known = revision in cluster_versions.REVISIONS
        if known and not cluster_versions.compatible(revision, asked):
            raise _not_allowed(f"Revision {revision} is not compatible with cluster version {asked}.")


def _wrong_step(before: list[str], after: list[str], kubernetes: str) -> str:
    """Why revisions can't become others, empty when they can: one starts, is upgraded beside, and goes."""
    if set(after) == set(before) and len(after) == len(before):
        return ""
    if len(after) > 2 or len(set(after)) < len(after):
        return "At most two different revisions are allowed."
    added = [each for each in after if each not in before]
    for revision in added:
        if revision not in cluster_versions.REVISIONS:
            return f"Revision {revision} is not supported by the service mesh add-on."
        if not cluster_versions.compatible(revision, kubernetes):
            return f"Revision {revision} is not compatible with cluster version {kubernetes}."
    if not before:
        return "A new installation has one revision." if len(after) > 1 else ""
    if len(before) == 2:
        return "Complete or roll back the upgrade in progress first." if added else ""
    if not added:
        return ""
    if before[0] not in after:
        return f"Revision {before[0]} must stay until the upgrade to {added[0]} is completed."
    targets = cluster_versions.upgrades(before[0], kubernetes)
    if added[0] not in targets:
        listed = ", ".join(targets) or "none"
        return f"Revision {before[0]} cannot be upgraded to {added[0]}. Available upgrades: {listed}."
    return ""


def _not_allowed(reason: str) -> Refusal:
    message = f"Requested change in revisions is not allowed. Reason: {reason}"
    return refusal(400, "BadRequest", message, _REVISIONS)


def _check_components(istio: Json, properties: Json) -> None:
    components = istio.get("components") or {}
    modes = [each.get("mode") for each in components.get("ingressGateways") or ()]
    target = f"{_PROFILE}.istio.components"
    for mode in modes:
        if mode not in ("External", "Internal"):
            raise refusal(
                400,
                "InvalidParameter",
                f"The value of parameter {target}.ingressGateways.mode is invalid. Error details: '{mode}' is"
                " not one of External, Internal.",
                f"{target}.ingressGateways",
            )
    if len(set(modes)) < len(modes):
        what = "Only one internal and one external ingress gateway are allowed."
        raise refusal(400, "BadRequest", what, f"{target}.ingressGateways")
    mechanism = components.get("proxyRedirectionMechanism")
    if mechanism is not None and mechanism not in _MECHANISMS:
        raise refusal(
            400,
            "InvalidParameter",
            f"The value of parameter {target}.proxyRedirectionMechanism is invalid. Error details:"
            f" '{mechanism}' is not one of {', '.join(_MECHANISMS)}.",
            f"{target}.proxyRedirectionMechanism",
        )
    for revision in istio["revisions"] if mechanism == "CNIChaining" else ():
        if cluster_versions.revision_order(revision) < _CHAINS_SINCE:
            what = f"CNIChaining is not supported on revision {revision}. It needs asm-1-25 or later."
            raise refusal(400, "BadRequest", what, f"{target}.proxyRedirectionMechanism")
    for what in _wrong_egress(components.get("egressGateways") or [], properties):
        raise refusal(400, "BadRequest", what, f"{target}.egressGateways")


def _wrong_egress(gateways: list[Json], properties: Json) -> Iterator[str]:
    places = [(each.get("namespace") or "aks-istio-egress", each.get("name", "")) for each in gateways]
    if len(gateways) > _MOST_EGRESS:
        yield f"At most {_MOST_EGRESS} egress gateways are allowed."
    if len(set(places)) < len(places):
        yield "The names of egress gateways must be unique in their namespace."
    for gateway in gateways:
        name = gateway.get("name") or ""
        if len(name) > 53 or not _EGRESS_NAME.fullmatch(name):
            yield f"The egress gateway name '{name}' is invalid: it must be a DNS name of 1 to 53 characters."
        if not gateway.get("enabled"):
            continue
        if not gateway.get("gatewayConfigurationName"):
            yield f"The egress gateway '{name}' needs a gatewayConfigurationName."
        static = (properties.get("networkProfile") or {}).get("staticEgressGatewayProfile") or {}
        if not static.get("enabled"):
            yield "Istio egress gateways require the Static Egress Gateway to be enabled on the cluster."


def _check_authority(istio: Json, before: Json, properties: Json) -> None:
    plugin = (istio.get("certificateAuthority") or {}).get("plugin")
    if not plugin:
        return
    target = f"{_PROFILE}.istio.certificateAuthority.plugin"
    missing = [field for field in _PLUGIN_FIELDS if not plugin.get(field)]
    if missing:
        what = f"Required parameter {target}.{missing[0]} is missing (null)."
        raise refusal(400, "InvalidParameter", what, f"{target}.{missing[0]}")
    if not _VAULT.fullmatch(plugin["keyVaultId"]):
        what = f"'{plugin['keyVaultId']}' is not a valid Key Vault resource ID."
        raise refusal(400, "InvalidParameter", what, f"{target}.keyVaultId")
    if not _addon(properties, "azureKeyvaultSecretsProvider"):
        what = "The plug-in certificate authority requires the azureKeyvaultSecretsProvider add-on."
        raise refusal(400, "BadRequest", what, target)
    if before and not (before.get("certificateAuthority") or {}).get("plugin"):
        what = (
            "Switching from the self-signed certificate authority to a plug-in one is not supported. Disable"
            " the service mesh, then enable it with the plug-in certificate authority."
        )
        raise refusal(400, "BadRequest", what, target)


def _profile(cluster: Json) -> Json | None:
    """The upgrade profile of a cluster, None while it has no mesh."""
    properties = cluster["properties"]
    mesh = properties.get(_PROFILE) or {}
    if mesh.get("mode") != "Istio":
        return None
    revisions = sorted(mesh["istio"]["revisions"], key=cluster_versions.revision_order)
    shown: Json = {
        "revision": revisions[-1],
        "compatibleWith": cluster_versions.compatible_with(revisions[-1]),
    }
    targets = cluster_versions.upgrades(revisions[-1], properties["currentKubernetesVersion"])
    if targets and len(revisions) == 1:
        shown["upgrades"] = targets
    return {
        "id": f"{cluster['id']}/meshUpgradeProfiles/istio",
        "name": "istio",
        "type": f"{KIND}/meshUpgradeProfiles",
        "properties": shown,
    }


def _cluster(request: Request, azure: Azure) -> Json:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    found = azure.store.get(KIND, f"{group}/providers/{KIND}/{params['name']}")
    if found is None:
        raise not_found(request.path)
    return found


def list_upgrades(request: Request, azure: Azure) -> Answer:
    profile = _profile(_cluster(request, azure))
    return Answer(200, {"value": [profile] if profile else []})


def get_upgrades(request: Request, azure: Azure) -> Answer:
    profile = _profile(_cluster(request, azure))
    if profile is None or request.params["mode"].lower() != "istio":
        raise not_found(request.path)
    return Answer(200, profile)


_CLUSTER = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{KIND}/{{name}}"
_PATH = f"{_CLUSTER}/meshUpgradeProfiles"
_READ = f"{KIND}/meshUpgradeProfiles/read"

ROUTES = (
    Route("GET", _PATH, list_upgrades, _READ),
    Route("GET", f"{_PATH}/{{mode}}", get_upgrades, _READ),
)
