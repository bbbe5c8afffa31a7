"""Events, by which components tell what is wrong. They are kept for an hour, as AKS keeps them."""

from __future__ import annotations

import hashlib
from datetime import datetime

from provision.sandbox.addons.site import Site
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds

KEPT_SECONDS = 3600.0
_MESSAGE_LIMIT = 1024


def warn(site: Site, about: Json, reason: str, message: str, component: str) -> None:
    """A Warning about an object. The same message about the same object is one event, written once."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace") or "default"
    message = message[:_MESSAGE_LIMIT]
    told = "\n".join((metadata["uid"], reason, message, component))
    name = f"{metadata['name']}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    site.raised.add((namespace, name))
    if site.objects.get(kinds.EVENT, name, namespace) is not None:
        return
    now = site.objects.now()
    event: Json = {
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": metadata.get("namespace", ""),
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "reportingComponent": component,
        "reportingInstance": "",
    }
    site.objects.put(kinds.EVENT, event)


def expire(site: Site) -> None:
    """Forget events of an hour (of Azure's time) ago that nothing raises any more."""
    clock = site.azure.clock
    oldest = clock.now() - KEPT_SECONDS / clock.speed
    for event in site.objects.list(kinds.EVENT):
        metadata = event["metadata"]
        key = (metadata["namespace"], metadata["name"])
        seen = event.get("lastTimestamp") or metadata["creationTimestamp"]
        if key not in site.raised and datetime.fromisoformat(seen).timestamp() < oldest:
            site.objects.delete(kinds.EVENT, metadata["name"], metadata["namespace"])
