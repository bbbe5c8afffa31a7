"""What helm prints of releases."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import yaml

from provision.sandbox.helm.flags import Flags, HelmError
from provision.sandbox.helm.releases import Releases
from provision.sandbox.http import Json
from provision.sandbox.kubectl.output import table
from provision.sandbox.shell.process import Process

VERSION = "v3.18.4"
_HEADERS = ("NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION")


def list_releases(process: Process, releases: Releases, flags: Flags) -> None:
    namespace = "" if flags.has("all-namespaces") else flags.namespace
    wanted = re.compile(flags.given.get("filter", ""))
    rows = [_row(each) for each in releases.all(namespace) if wanted.search(each["name"])]
    if flags.has("short"):
        process.write("".join(f"{row['name']}\n" for row in rows))
    elif not _formatted(process, rows, flags):
        process.write(table(_HEADERS, [list(row.values()) for row in rows]))


def status(process: Process, releases: Releases, flags: Flags) -> None:
    show(process, _latest(releases, flags, flags.words[0] if flags.words else ""), flags)


def get(process: Process, releases: Releases, flags: Flags) -> None:
    """`helm get values|manifest|notes NAME`."""
    if len(flags.words) != 2:
        raise HelmError('"helm get" requires 2 arguments: values, manifest or notes, and a name')
    what, name = flags.words
    release = _latest(releases, flags, name)
    if what == "values":
        if not _formatted(process, release["config"], flags):
            text = yaml.safe_dump(release["config"]) if release["config"] else "null\n"
            process.write(f"USER-SUPPLIED VALUES:\n{text}")
    elif what in ("manifest", "notes"):
        process.write(release["manifest"] if what == "manifest" else f"NOTES:\n{release['info']['notes']}")
    else:
        raise HelmError(f"helm get {what} is not in the sandbox")


def history(process: Process, releases: Releases, flags: Flags) -> None:
    name = flags.words[0] if flags.words else ""
    rows = [
        {
            "revision": each["version"],
            "updated": each["info"]["last_deployed"],
            "status": each["info"]["status"],
            "chart": _chart(each),
            "app_version": each["chart"]["metadata"]["appVersion"],
            "description": each["info"]["description"],
        }
        for each in releases.revisions(flags.namespace, name)
    ]
    if not rows:
        raise HelmError("release: not found")
    if not _formatted(process, rows, flags):
        headers = ("REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION")
        process.write(table(headers, [[str(value) for value in row.values()] for row in rows]))


def version(process: Process, _releases: Releases, flags: Flags) -> None:
    process.write(f"{VERSION}\n" if flags.has("short") else f'version.BuildInfo{{Version:"{VERSION}"}}\n')


def show(process: Process, release: Json, flags: Flags) -> None:
    """A release as `status`, `install` and `upgrade` print it."""
    shown = {key: value for key, value in release.items() if key != "chart"}
    if _formatted(process, shown, flags):
        return
    deployed = datetime.fromisoformat(release["info"]["last_deployed"]).astimezone(UTC)
    process.write(
        f"NAME: {release['name']}\nLAST DEPLOYED: {deployed.strftime('%a %b %e %H:%M:%S %Y')}\n"
        f"NAMESPACE: {release['namespace']}\nSTATUS: {release['info']['status']}\n"
        f"REVISION: {release['version']}\nTEST SUITE: None\nNOTES:\n{release['info']['notes']}"
    )


def _latest(releases: Releases, flags: Flags, name: str) -> Json:
    found = releases.revisions(flags.namespace, name)
    if not found:
        raise HelmError("release: not found")
    return found[-1]


def _row(release: Json) -> dict[str, str]:
    deployed = datetime.fromisoformat(release["info"]["last_deployed"]).astimezone(UTC)
    return {
        "name": release["name"],
        "namespace": release["namespace"],
        "revision": str(release["version"]),
        "updated": f"{deployed.strftime('%Y-%m-%d %H:%M:%S.%f')} +0000 UTC",
        "status": release["info"]["status"],
        "chart": _chart(release),
        "app_version": release["chart"]["metadata"]["appVersion"],
    }


def _chart(release: Json) -> str:
    metadata = release["chart"]["metadata"]
    return f"{metadata['name']}-{metadata['version']}"


def _formatted(process: Process, document: object, flags: Flags) -> bool:
    form = flags.given.get("output", "table")
    if form == "json":
        process.write(json.dumps(document, separators=(",", ":")) + "\n")
    elif form == "yaml":
        process.write(yaml.safe_dump(document))
    elif form != "table":
        raise HelmError(f"invalid format type {form}")
    return form in ("json", "yaml")
