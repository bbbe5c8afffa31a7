"""One look of all add-ons at all clusters. The order follows what each step needs of those before it."""

from __future__ import annotations

from collections.abc import Callable

from provision.sandbox.addons import (
    alb_balancers,
    alb_controller,
    alb_gateways,
    alb_ingresses,
    alb_policies,
    certificates,
    definitions,
    events,
    external_dns,
    gateways,
    istio,
    load_balancer,
    nginx,
    secrets_store,
)
from provision.sandbox.addons.site import Site, sites
from provision.sandbox.azure import Azure, Json
from provision.sandbox.kubernetes import base, crds, kinds


def _base(site: Site) -> None:
    base.ensure_base(site.objects, site.document)


_STEPS: tuple[Callable[[Site], None], ...] = (
    _base,
    definitions.reconcile,
    nginx.reconcile,
    istio.reconcile,
    certificates.reconcile,
    secrets_store.reconcile,
    gateways.reconcile_infrastructure,
    load_balancer.reconcile,
    gateways.reconcile_status,
    nginx.reconcile_ingresses,
    alb_controller.reconcile,
    alb_balancers.reconcile,
    alb_gateways.reconcile,
    alb_ingresses.reconcile,
    alb_policies.reconcile,
    external_dns.reconcile,
    events.expire,
)


_LOOKED = "kubernetes:looked"
"""How a cluster was when nothing was left to do in it that depends on anything but itself."""


def reconcile(azure: Azure) -> None:
    """Bring every settled cluster in line with its add-ons. Writes nothing when nothing changed.

    A cluster that was never used, with all add-ons off, is passed by.
    """
    for site in sites(azure):
        if site.in_use and azure.store.get(_LOOKED, site.objects.uid) != _state(site):
            for step in _STEPS:
                step(site)
            if _self_contained(site):
                azure.store.put(_LOOKED, site.objects.uid, _state(site))


def _state(site: Site) -> Json:
    return {"cluster": site.document["eTag"], "objects": site.objects.version()}


def _self_contained(site: Site) -> bool:
    """Whether nothing outside of the cluster matters to it: no certificate, no zone, no event to expire."""
    depends = [crds.SECRET_PROVIDER_CLASS, crds.CLUSTER_EXTERNAL_DNS, crds.EXTERNAL_DNS]
    zones = (site.routing or {}).get("dnsZoneResourceIds") or alb_controller.find(site)
    return not (zones or site.objects.list(kinds.EVENT) or any(site.named(kind) for kind in depends))
