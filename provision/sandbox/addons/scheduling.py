"""When add-ons look at their clusters: soon after a change, and when something under way takes effect."""

from __future__ import annotations

from provision.sandbox import rbac
from provision.sandbox.azure import Azure

NAME = "addons"
SECONDS = 3.0
"""How long controllers take to notice a change; a guess of the right size."""

_MOMENT = 1e-6
"""Makes sure that what add-ons wait for settles before they look."""


def after_write(azure: Azure) -> None:
    """Have the add-ons look a few (scaled) seconds from now, unless they do so anyway."""
    _schedule(azure, azure.clock.after(SECONDS))


def look_again(azure: Azure, since: float) -> None:
    """After a look that was due at `since`: have another when what was under way then has taken effect.

    That is a long operation (a cluster, a certificate, a zone) or a role assignment that becomes effective.
    """
    now = azure.clock.now()
    moments = [each["due"] for each in azure.store.running_operations() if each["settler"] != NAME]
    moments += [rbac.effective(azure, each["properties"]) for each in azure.store.list(rbac.ASSIGNMENT)]
    over = [moment for moment in moments if since < moment <= now]
    coming = [moment for moment in moments if moment > now]
    if over:
        _schedule(azure, max(over) + _MOMENT)
    elif coming:
        _schedule(azure, min(coming) + _MOMENT)


def _schedule(azure: Azure, due: float) -> None:
    """Pull the pending look forward, or start one."""
    now = azure.clock.now()
    running = azure.store.running_operations()
    pending = [each for each in running if each["settler"] == NAME and each["due"] > now]
    if not pending:
        azure.start_operation(NAME, (due - now) * azure.clock.speed)
    elif due < pending[0]["due"]:
        azure.store.put_operation(pending[0]["name"], due, {**pending[0], "due": due})
