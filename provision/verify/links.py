"""The result: each host's links, in the order in which a request passes them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from provision.plan.change import FieldChange


class Status(StrEnum):
    """How a link is. `NOT_CHECKED` says that nothing is known, which is never the same as `OK`."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a host's chain.

    `kind` is for programs (resource, delegation, record, gateway, frontend, endpoint, route, events,
    certificate, secret, wire, trust, http), `subject` names the link to a reader. `detail` is what was
    found, `fields` what differs of a resource, `notes` further lines such as events. `fix` and `command` say
    what to do.
    """

    kind: str
    subject: str
    status: Status
    detail: str = ""
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()
    fix: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class HostReport:
    """The links of one host."""

    host: str
    links: tuple[Link, ...]

    def count(self) -> Counter[Status]:
        """How many links of each status."""
        return Counter(link.status for link in self.links)

    def status(self) -> Status:
        """The worst of its links: what is broken, else what could not be told, else warnings."""
        counted = self.count()
        order = (Status.BROKEN, Status.NOT_CHECKED, Status.WARNING)
        return next((status for status in order if counted[status]), Status.OK)


@dataclass(frozen=True, slots=True)
class Report:
    """The result for one profile."""

    profile: str
    hosts: tuple[HostReport, ...]

    def exit_code(self) -> int:
        """2 when a link is broken, 3 when one could not be checked, else 0: a warning lets traffic pass."""
        statuses = {host.status() for host in self.hosts}
        if Status.BROKEN in statuses:
            return 2
        return 3 if Status.NOT_CHECKED in statuses else 0


def ok(kind: str, subject: str, detail: str = "") -> Link:
    """A link that holds."""
    return Link(kind, subject, Status.OK, detail)


def not_checked(kind: str, subject: str, why: str) -> Link:
    """A link about which nothing can be said."""
    return Link(kind, subject, Status.NOT_CHECKED, why)
