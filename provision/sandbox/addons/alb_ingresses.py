"""Ingresses of class `azure-alb-external`: their frontend's name in their status.

One with TLS listens at port 443 and at no other: its status tells so, and plain HTTP takes another Ingress.
Sources: "SSL offloading with Application Gateway for Containers - Ingress API", Microsoft Learn, 2024-02, and
"URL Redirect … - Ingress API", 2024-05.
"""

from __future__ import annotations

from provision.sandbox.addons import alb_controller, alb_frontends, events
from provision.sandbox.addons.alb_arm import ArmError
from provision.sandbox.addons.alb_balancers import arm
from provision.sandbox.addons.alb_controller import CLASS, MANAGER
from provision.sandbox.addons.alb_frontends import PendingError
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.addons.writing import set_status
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds


def reconcile(site: Site) -> None:
    controller = alb_controller.find(site)
    owned = [
        each for each in site.objects.list(kinds.INGRESS) if each["spec"].get("ingressClassName") == CLASS
    ]
    if controller is None:
        return
    for ingress in owned:
        try:
            claimed = alb_frontends.claim(site, arm(site, controller), ingress)
        except (AccessError, ArmError, PendingError) as error:
            # the controller only logs it; an event is what a user of the sandbox gets to see
            events.warn(site, ingress, "FrontendNotReady", str(error), MANAGER)
            continue
        status = {"loadBalancer": {"ingress": [{"hostname": claimed.fqdn, "ports": _ports(ingress)}]}}
        set_status(site, kinds.INGRESS, ingress, status, MANAGER)


def _ports(ingress: Json) -> list[Json]:
    return [{"port": 443 if ingress["spec"].get("tls") else 80, "protocol": "TCP"}]
