"""What `provision verify --format json` told."""

from __future__ import annotations

from typing import Any

from command_line import Ran


def links(ran: Ran) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Host → status → links."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for host in ran.json()["hosts"]:
        by_status = found.setdefault(host["host"], {})
        for link in host["links"]:
            by_status.setdefault(link["status"], []).append(link)
    return found


def broken(ran: Ran) -> dict[str, set[str]]:
    """Host → subjects of the links that are broken or could not be checked."""
    return {
        host: {link["subject"] for status in ("broken", "not checked") for link in found.get(status, [])}
        for host, found in links(ran).items()
    }
