"""What AKS add-ons do inside a cluster, as far as a user of the cluster sees it.

`reconcile` brings every settled cluster in line with what is switched on: definitions, classes, gateways and
their addresses, certificates as Secrets, DNS records. It is driven as a long operation: the gateway calls
`after_write` for each change it has made, and `SETTLERS` carries the operation out a few seconds later.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.addons import quiet, scheduling, site_work
from provision.sandbox.azure import Azure, Json, Settle

reconcile = site_work.reconcile
after_write = scheduling.after_write


def _settle(azure: Azure, operation: Json) -> Json | None:
    if not quiet.holds(azure):
        revision, began = azure.store.revision(), azure.clock.now()
        reconcile(azure)
        quiet.remember(azure, revision, began)
    scheduling.look_again(azure, operation["due"])
    return None


SETTLERS: Mapping[str, Settle] = {scheduling.NAME: _settle}

__all__ = ["SETTLERS", "after_write", "reconcile"]
