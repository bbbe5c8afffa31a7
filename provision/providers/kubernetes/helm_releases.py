"""Releases of Helm charts: `helm upgrade --install`, whose description carries our mark."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provision.apply.handler import Mark, Reading, Work
from provision.errors import ProvisionError, ServiceError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import Clients
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, read_each
from provision.providers.kubernetes.helm import Helm, helm_for
from provision.resources.helm_release import HelmRelease
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import Value, plain

_NOT_FOUND = "release: not found"
_WAIT = "10m"


class HelmReleases:
    """Charts in the clusters that the resources name."""

    def __init__(self, clients: Clients, on_wait: Callable[[str], None] | None = None) -> None:
        self._clients = clients
        self._on_wait = on_wait

    async def read(self, resources: Sequence[HelmRelease], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: HelmRelease) -> Observed:
        place = ("--namespace", resource.namespace)
        listing = ("list", *place, "--filter", f"^{resource.release}$", "--output", "json")
        status = ("status", resource.release, *place, "--output", "json")
        listed, shown = await self._helm(resource).run([listing, status])
        doing = f"reading {resource.address}"
        rows, status = _json(doing, listed), _json(doing, shown)
        if not rows and not status:
            return Absent()
        # What an interrupted install left pending is in no list.
        return _present(rows[0] if rows else {}, status)

    async def create(self, resource: HelmRelease, work: Work) -> Present:
        return await self._upgrade(resource, work)

    async def update(
        self, resource: HelmRelease, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self._upgrade(resource, work)

    async def _upgrade(self, resource: HelmRelease, work: Work) -> Present:
        command = [
            *("upgrade", resource.release, resource.chart, "--install", "--create-namespace"),
            *("--namespace", resource.namespace, "--version", resource.version),
            *("--wait", "--timeout", _WAIT, "--description", described(work.mark)),
        ]
        for key, value in resource.values.items():
            command += [
                "--set-string" if value not in ("true", "false") else "--set",
                f"{key}={plain(value)}",
            ]
        work.progress(f"helm upgrade --install {resource.release}, version {resource.version}")
        [(code, output)] = await self._helm(resource).run([command])
        doing = f"installing {resource.address}"
        if code != 0:
            raise _failed(doing, output)
        observed = await self._read(resource)
        if not isinstance(observed, Present):
            raise ServiceError(doing, "helm ended well, and the release is not there")
        return observed

    async def delete(self, resource: HelmRelease, observed: Present, work: Work) -> None:
        command = ["uninstall", resource.release, "--namespace", resource.namespace, "--wait"]
        [(code, output)] = await self._helm(resource).run([command])
        if code != 0 and _NOT_FOUND not in output:
            raise _failed(f"deleting {resource.address}", output)

    def _helm(self, resource: HelmRelease) -> Helm:
        return helm_for(self._clients, resource, self._on_wait)


def described(mark: Mark) -> str:
    """The mark as a release's description."""
    return f"{PROFILE_TAG}={mark.profile} {DIGEST_TAG}={mark.digest}"


def _json(doing: str, answered: tuple[int, str]) -> Any:
    code, output = answered
    if code != 0:
        if _NOT_FOUND in output:
            return None
        raise _failed(doing, output)
    # Warnings of helm's go ahead of what it was asked for.
    start = min((at for at in (output.find("{"), output.find("[")) if at >= 0), default=-1)
    try:
        return json.loads(output[start:]) if start >= 0 else None
    except ValueError:
        raise ServiceError(doing, f"helm answered no JSON: {output.strip()[:200]}") from None


def _failed(doing: str, output: str) -> ProvisionError:
    last = [line for line in output.strip().splitlines() if line.strip()][-3:]
    return ServiceError(
        doing,
        f"helm failed: {' '.join(last) or 'no output'}",
        "The chart comes from mcr.microsoft.com: see that the cluster gets there, then apply again.",
    )


def _present(row: Mapping[str, Any], status: Mapping[str, Any] | None) -> Present:
    told = status or {}
    description = str((told.get("info") or {}).get("description") or "")
    marks = dict(part.split("=", 1) for part in description.split() if "=" in part)
    version = re.search(r"-(\d+\.\d+\.\d+\S*)$", str(row.get("chart") or ""))
    state = str(row.get("status") or (told.get("info") or {}).get("status") or "")
    return Present(
        # A release that failed is installed again, whatever version it has.
        properties={
            "version": version[1] if version and state == "deployed" else f"{row.get('chart', '')} ({state})",
            **{f"values.{key}": value for key, value in _flat(told.get("config") or {}, "")},
        },
        owner=marks.get(PROFILE_TAG),
        digest=marks.get(DIGEST_TAG),
        changed_at=str(row.get("updated") or ""),
    )


def _flat(values: Mapping[str, Any], above: str) -> list[tuple[str, Value]]:
    found: list[tuple[str, Value]] = []
    for key, value in values.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping):
            found += _flat(value, f"{path}.")
        else:
            found.append((path, str(value).lower() if isinstance(value, bool) else str(value)))
    return found
