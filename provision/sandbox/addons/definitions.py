"""CustomResourceDefinitions that add-ons install. Switching an add-on off leaves them, and what they define.

Source of the bundle versions: "Managed Gateway API installation", Microsoft Learn, 2026-08.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.sandbox.addons import alb_controller
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.writing import ADDON_MANAGER, OPERATOR, ensure, note_applied, set_status
from provision.sandbox.azure import Json
from provision.sandbox.documents import copied
from provision.sandbox.kubernetes import crds, kinds

_BUNDLES = (((1, 36), "v1.5.1"), ((1, 35), "v1.4.1"), ((1, 34), "v1.3.0"))
_OLDEST_BUNDLE = "v1.2.1"
_CHART_BUNDLE = "v1.3.0"
"""What the ALB controller's chart brings; a guess: its page names no version (2026-06)."""

_INSTALLED = "kubernetes:installed"
"""Names of what add-ons installed, by cluster, and for which entity tag of it."""


def bundle_version(version: tuple[int, ...]) -> str:
    """The Gateway API bundle that AKS manages on a Kubernetes version."""
    return next((bundle for least, bundle in _BUNDLES if version >= least), _OLDEST_BUNDLE)


def reconcile(site: Site) -> None:
    """Install what the add-ons that are on bring along.

    One that someone removed comes back; one that someone edited is put right when the cluster changes.
    """
    site.definitions.update(site.objects.texts(kinds.CRD))
    store, uid = site.azure.store, site.objects.uid
    version = f"{site.document['eTag']} {alb_controller.find(site)}"
    before = store.get(_INSTALLED, uid) or {}
    if before.get("version") == version and site.definitions.issuperset(before["names"]):
        return
    installed = list(_install_all(site))
    site.definitions.update(installed)
    store.put(_INSTALLED, uid, {"version": version, "names": installed})


def _install_all(site: Site) -> Iterator[str]:
    if site.gateway_api:
        yield from _install(site, crds.GATEWAY_API(bundle_version(site.version)), ADDON_MANAGER)
    if site.routing:
        yield from _install(site, _of_operator(site), OPERATOR)
    if site.secrets_store is not None:
        yield from _install(site, crds.SECRETS_STORE, ADDON_MANAGER)
    if site.mesh_revisions:
        yield from _install(site, crds.ISTIO, ADDON_MANAGER)
    yield from _of_load_balancer(site)


def _of_load_balancer(site: Site) -> Iterator[str]:
    """The chart brings the Gateway API along where nobody has brought it yet, unless told not to."""
    controller = alb_controller.find(site)
    if controller is None:
        return
    yield from _install(site, crds.ALB, alb_controller.MANAGER)
    if controller.installs_gateway_api and not site.gateway_api:
        for document in crds.GATEWAY_API(_CHART_BUNDLE):
            name = document["metadata"]["name"]
            if site.objects.get(kinds.CRD, name) is None:
                yield from _install(site, [document], alb_controller.MANAGER)


def istio_leftovers(site: Site) -> list[str]:
    """Names of the `*.istio.io` definitions in the cluster, whoever brought them."""
    return sorted(name for name in site.definitions if name.endswith(".istio.io"))


def _of_operator(site: Site) -> Iterable[Json]:
    """DNS objects come only with workload identity. Source: the operator's pkg/controller/crd.go (2026)."""
    for crd in crds.APP_ROUTING:
        if site.workload_identity or not crd["spec"]["names"]["kind"].endswith("ExternalDNS"):
            yield crd


def _install(site: Site, documents: Iterable[Json], manager: str) -> Iterator[str]:
    for document in documents:
        name = document["metadata"]["name"]
        if site.objects.get(kinds.CRD, name) is None and (id(document), manager) in _installed:
            _, body = _installed[id(document), manager]
            note_applied(site, kinds.CRD, document, manager)
            site.objects.put(kinds.CRD, _as_of(body, site.objects.now()))
        else:
            live = ensure(site, kinds.CRD, document, manager)
            if not (live.get("status") or {}).get("conditions"):
                live = set_status(
                    site, kinds.CRD, live, _established(live, site.objects.now()), "kube-apiserver"
                )
                _installed[id(document), manager] = document, live
        yield name


_installed: dict[tuple[int, str], tuple[Json, Json]] = {}
"""What became of a definition (held, so that its id stays its own) that a manager installed: to work that out
takes 5 ms, and each sandbox has a dozen of them."""


def _as_of(body: Json, now: str) -> Json:
    """A definition as if it had been installed at that time."""
    body = copied(body)
    for entry in body["metadata"]["managedFields"]:
        entry["time"] = now
    for condition in body["status"]["conditions"]:
        condition["lastTransitionTime"] = now
    del body["metadata"]["creationTimestamp"]
    return body


def _established(crd: Json, now: str) -> Json:
    conditions = [
        {"type": "NamesAccepted", "reason": "NoConflicts", "message": "no conflicts found"},
        {
            "type": "Established",
            "reason": "InitialNamesAccepted",
            "message": "the initial names have been accepted",
        },
    ]
    return {
        "acceptedNames": crd["spec"]["names"],
        "conditions": [{**each, "status": "True", "lastTransitionTime": now} for each in conditions],
        "storedVersions": [each["name"] for each in crd["spec"]["versions"] if each.get("storage")],
    }
