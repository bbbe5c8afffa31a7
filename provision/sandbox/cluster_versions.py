"""What AKS offers in a region: Kubernetes versions and revisions of the Istio add-on.

Source: AKS release notes and the add-on's support table as of August 2026; the shape of both lists is that
of the az CLI recordings test_aks_get_versions (2024) and test_aks_azure_service_mesh_with_ingress_gateway
(2024). Patch numbers are examples.
"""

from __future__ import annotations

from provision.sandbox.azure import Answer, Azure, Json, Request, not_found
from provision.sandbox.http import Route

PATCHES: dict[str, tuple[str, ...]] = {
    "1.32": ("1.32.11",),
    "1.33": ("1.33.7", "1.33.8"),
    "1.34": ("1.34.6", "1.34.7"),
    "1.35": ("1.35.3", "1.35.4"),
    "1.36": ("1.36.1",),
}
"""Patch releases of every minor version on offer, oldest first."""
LONG_TERM_ONLY = ("1.32",)
DEFAULT_VERSION = "1.35"

REVISIONS = ("asm-1-28", "asm-1-29", "asm-1-30")
CHAINS_BY_DEFAULT = (1, 30)
"""New installations from this revision on use Istio CNI ("Enable Istio CNI", Microsoft Learn, 2026-05)."""
DEFAULT_REVISION = "asm-1-29"
"""A new installation gets the revision before the newest (Microsoft Learn, 2026)."""

_COMPATIBLE = {
    "asm-1-28": ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35"),
    "asm-1-29": ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36"),
    "asm-1-30": ("1.32", "1.33", "1.34", "1.35", "1.36"),
}
_LOCATION = "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}"


def minor(version: str) -> str:
    """`1.34` of `1.34` or `1.34.7`."""
    return ".".join(version.split(".")[:2])


def ordered(version: str) -> tuple[int, ...]:
    """A version as numbers, for comparison; `(0,)` for what is no version."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (0,)


def offered(version: str) -> bool:
    """Whether a cluster may ask for this version, as minor or as patch."""
    return version in PATCHES or version in PATCHES.get(minor(version), ())


def patch_of(version: str) -> str:
    """The patch that AKS runs for a version: the newest one of a minor."""
    return PATCHES[version][-1] if version in PATCHES else version


def compatible(revision: str, kubernetes: str) -> bool:
    """Whether a mesh revision runs on a Kubernetes version."""
    return minor(kubernetes) in _COMPATIBLE.get(revision, ())


def revision_order(revision: str) -> tuple[int, ...]:
    """A mesh revision as numbers, for comparison: `asm-1-29` is (1, 29); empty for what is none."""
    parts = revision.removeprefix("asm-").split("-")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def compatible_with(revision: str) -> list[Json]:
    """Kubernetes versions that a mesh revision runs on, by support plan.

    One entry `kubernetes` until 2025. Source: "Support policy for Istio-based service mesh add-on", 2026-05.
    """
    versions = list(_COMPATIBLE.get(revision, ()))
    return [{"name": plan, "versions": versions} for plan in ("KubernetesOfficial", "AKSLongTermSupport")]


def upgrades(revision: str, kubernetes: str) -> list[str]:
    """Revisions that one may be upgraded to: the next two that are supported and run on the version.

    From one that is out of support, as the one after it is, only the nearest. Source: "Upgrade Istio-based
    service mesh add-on", Microsoft Learn, 2026-08.
    """
    at = revision_order(revision)
    later = [each for each in REVISIONS if revision_order(each) > at]
    if revision not in REVISIONS and later and revision_order(later[0])[1] > at[1] + 1:
        later = later[:1]
    within = [each for each in later if revision_order(each)[1] <= at[1] + 2 or len(later) == 1]
    return [each for each in within if compatible(each, kubernetes)]


def _kubernetes_version(name: str) -> Json:
    later = [
        patch for other, patches in PATCHES.items() if ordered(other) > ordered(name) for patch in patches
    ]
    next_minor = [patch for patch in later if ordered(minor(patch))[1] == ordered(name)[1] + 1]
    patches = PATCHES[name]
    plans = ["AKSLongTermSupport"] if name in LONG_TERM_ONLY else ["KubernetesOfficial", "AKSLongTermSupport"]
    listed: Json = {
        "version": name,
        "capabilities": {"supportPlan": plans},
        "patchVersions": {
            patch: {"upgrades": [*patches[index + 1 :], *next_minor]} for index, patch in enumerate(patches)
        },
    }
    return {**listed, "isDefault": True} if name == DEFAULT_VERSION else listed


def list_kubernetes_versions(request: Request, azure: Azure) -> Answer:
    """`{"values": […]}`: this list of AKS has no `value`."""
    return Answer(200, {"values": [_kubernetes_version(name) for name in PATCHES]})


def _mesh_profile(request: Request) -> Json:
    revisions: list[Json] = []
    for index, revision in enumerate(REVISIONS):
        listed: Json = {
            "revision": revision,
            "compatibleWith": compatible_with(revision),
        }
        if later := list(REVISIONS[index + 1 : index + 3]):  # the newest has no such key, not an empty list
            listed["upgrades"] = later
        revisions.append(listed)
    scope = _LOCATION.format(
        subscription=request.params["subscription"], location=request.params["location"].lower()
    )
    return {
        "id": f"{scope}/meshRevisionProfiles/istio",
        "name": "istio",
        "type": "Microsoft.ContainerService/locations/meshRevisionProfiles",
        "properties": {"meshRevisions": revisions},
    }


def list_mesh_revisions(request: Request, azure: Azure) -> Answer:
    return Answer(200, {"value": [_mesh_profile(request)]})


def get_mesh_revisions(request: Request, azure: Azure) -> Answer:
    if request.params["mode"].lower() != "istio":
        raise not_found(request.path)
    return Answer(200, _mesh_profile(request))


_READ = "Microsoft.ContainerService/locations"

ROUTES = (
    Route(
        "GET", f"{_LOCATION}/kubernetesVersions", list_kubernetes_versions, f"{_READ}/kubernetesVersions/read"
    ),
    Route(
        "GET", f"{_LOCATION}/meshRevisionProfiles", list_mesh_revisions, f"{_READ}/meshRevisionProfiles/read"
    ),
    Route(
        "GET",
        f"{_LOCATION}/meshRevisionProfiles/{{mode}}",
        get_mesh_revisions,
        f"{_READ}/meshRevisionProfiles/read",
    ),
)
