"""When a look of the add-ons can be left out: nothing has changed since one that found nothing to do.

A look goes by the documents in the state and by the time. The first are compared by the store's revision; the
moments at which time alone makes a difference are known beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from provision.sandbox import certificate_store, rbac, vault_plain_secrets
from provision.sandbox.addons import events
from provision.sandbox.azure import Azure
from provision.sandbox.kubernetes import kinds

_NOTE = "addons:quiet"
_LONGEST = 86400.0


def holds(azure: Azure) -> bool:
    """Whether a look now would find nothing to do."""
    note = azure.store.note(_NOTE)
    return (
        note is not None
        and note["revision"] == azure.store.revision()
        and note["speed"] == azure.clock.speed
        and note["from"] <= azure.clock.now() < note["until"]
    )


def remember(azure: Azure, revision: int, began: float) -> None:
    """After a look that began at `began`, with the store at `revision`: whether the next can be left out."""
    if azure.store.revision() == revision:
        until = min((each for each in _moments(azure) if each > began), default=began + _LONGEST)
        note = {"revision": revision, "speed": azure.clock.speed, "from": began, "until": until}
        azure.store.put_note(_NOTE, note)


def _moments(azure: Azure) -> Iterator[float]:
    """When a role assignment becomes effective, a certificate is recovered, an event expires."""
    for assignment in azure.store.list(rbac.ASSIGNMENT):
        yield rbac.effective(azure, assignment["properties"])
    for kind in (certificate_store.CERTIFICATE, vault_plain_secrets.SECRET):
        for document in azure.store.list(kind):
            yield document.get("recovered", 0.0)
    for event in azure.store.list(f"kubernetes:{kinds.EVENT.resource}"):
        seen = event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
        yield datetime.fromisoformat(seen).timestamp() + events.KEPT_SECONDS / azure.clock.speed
