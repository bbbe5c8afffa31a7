"""helm install, upgrade and uninstall."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from provision.sandbox.helm import chart, showing
from provision.sandbox.helm.flags import Flags, HelmError
from provision.sandbox.helm.releases import Releases
from provision.sandbox.http import Json
from provision.sandbox.shell.process import Process

_PATHS = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}
_KEPT = 10
_MANAGER = {"fieldManager": "helm"}


def install(process: Process, releases: Releases, flags: Flags) -> None:
    name, reference = _words(flags, "install")
    if any(each["info"]["status"] != "uninstalled" for each in releases.revisions(flags.namespace, name)):
        raise HelmError("INSTALLATION FAILED: cannot re-use a name that is still in use")
    _deploy(process, releases, flags, name, reference, [], "INSTALLATION FAILED")


def upgrade(process: Process, releases: Releases, flags: Flags) -> None:
    """`upgrade --install` installs what is not there."""
    name, reference = _words(flags, "upgrade")
    before = releases.revisions(flags.namespace, name)
    if not before:
        if not flags.has("install"):
            raise HelmError(f'UPGRADE FAILED: "{name}" has no deployed releases')
        process.write(f'Release "{name}" does not exist. Installing it now.\n')
    _deploy(process, releases, flags, name, reference, before, "UPGRADE FAILED" if before else "")


def uninstall(process: Process, releases: Releases, flags: Flags) -> None:
    """What the chart made goes; definitions, the class and the namespace stay (Microsoft Learn, 2026)."""
    if not flags.words:
        raise HelmError('"helm uninstall" requires at least 1 argument')
    for name in flags.words:
        found = releases.revisions(flags.namespace, name)
        if not found:
            if flags.has("ignore-not-found"):
                continue
            raise HelmError(f"uninstall: Release not loaded: {name}: release: not found")
        _remove(releases, _documents(found[-1]))
        for each in found:
            releases.drop(each)
        process.write(f'release "{name}" uninstalled\n')


def _words(flags: Flags, command: str) -> tuple[str, str]:
    if len(flags.words) != 2:
        raise HelmError(f'"helm {command}" requires 2 arguments: name and chart')
    return flags.words[0], flags.words[1]


def _deploy(
    process: Process,
    releases: Releases,
    flags: Flags,
    name: str,
    reference: str,
    before: list[Json],
    doing: str,
) -> None:
    version = chart.chosen(reference, flags.given.get("version", ""))
    process.err.extend(f"Pulled: {chart.CHART.removeprefix('oci://')}:{version}\n".encode())
    values = flags.values
    if before and flags.has("reuse-values"):
        values = _merged(before[-1]["config"], values)
    wanted = chart.objects(values, version, name, flags.namespace)
    _check(releases, wanted, name, flags.namespace, doing)
    _namespaces(releases, flags, values)
    release = _release(releases, flags, name, version, values, wanted, before)
    for each in wanted:
        _apply(releases, each)
    if before:
        kept = {_place(each) for each in wanted}
        _remove(releases, [each for each in _documents(before[-1]) if _place(each) not in kept])
    for each in before:
        if each["info"]["status"] == "deployed":
            each["info"]["status"] = "superseded"
            releases.save(each)
    for each in before[: max(len(before) + 1 - _KEPT, 0)]:
        releases.drop(each)
    releases.save(release)
    if before and not flags.given.get("output"):
        process.write(f'Release "{name}" has been upgraded. Happy Helming!\n')
    showing.show(process, release, flags)


def _release(
    releases: Releases,
    flags: Flags,
    name: str,
    version: str,
    values: Json,
    wanted: list[Json],
    before: list[Json],
) -> Json:
    """The next revision's document."""
    described = flags.given.get("description")
    moment = releases.moment()
    return {
        "name": name,
        "info": {
            "first_deployed": before[0]["info"]["first_deployed"] if before else moment,
            "last_deployed": moment,
            "deleted": "",
            "description": described or ("Upgrade complete" if before else "Install complete"),
            "status": "deployed",
            "notes": chart.NOTES,
        },
        "chart": {"metadata": {"name": "alb-controller", "version": version, "appVersion": version}},
        "config": values,
        "manifest": "".join(f"---\n{yaml.safe_dump(each)}" for each in wanted),
        "version": int(before[-1]["version"]) + 1 if before else 1,
        "namespace": flags.namespace,
    }


def _check(releases: Releases, wanted: Iterable[Json], name: str, namespace: str, doing: str) -> None:
    """Objects of others are not taken over."""
    for each in wanted:
        metadata = each["metadata"]
        live = releases.find(_place(each))
        if live is None:
            continue
        marks = live["metadata"].get("annotations") or {}
        owner = (marks.get("meta.helm.sh/release-name"), marks.get("meta.helm.sh/release-namespace"))
        if owner != (name, namespace):
            raise HelmError(
                f"{doing}: "
                * bool(doing)
                + f'Unable to continue with install: {each["kind"]} "{metadata["name"]}" in namespace'
                f' "{metadata["namespace"]}" exists and cannot be imported into the current release: invalid'
                ' ownership metadata; annotation validation error: key "meta.helm.sh/release-name" must equal'
                f' "{name}": current value is "{owner[0] or ""}"'
            )


def _namespaces(releases: Releases, flags: Flags, values: Json) -> None:
    """The release's with --create-namespace; the controller's own comes with the chart."""
    for name in dict.fromkeys((flags.namespace, chart.controller_namespace(values))):
        if releases.find(f"/api/v1/namespaces/{name}") is not None:
            continue
        if name == flags.namespace and not flags.has("create-namespace"):
            raise HelmError(f'create: failed to create: namespaces "{name}" not found')
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}}}
        releases.client.send("POST", "/api/v1/namespaces", body=body)


def _apply(releases: Releases, wanted: Json) -> None:
    path = _place(wanted)
    if releases.find(path) is None:
        releases.client.send("POST", path.rpartition("/")[0], query=_MANAGER, body=wanted)
    else:
        kind = "application/merge-patch+json"
        releases.client.send("PATCH", path, query=_MANAGER, body=wanted, content_type=kind)


def _remove(releases: Releases, documents: Iterable[Json]) -> None:
    for each in documents:
        if releases.find(_place(each)) is not None:
            releases.client.send("DELETE", _place(each))


def _documents(release: Json) -> list[Json]:
    return [each for each in yaml.safe_load_all(release["manifest"]) if each]


def _place(body: Json) -> str:
    metadata = body["metadata"]
    return f"{_PATHS[body['kind']].format(metadata['namespace'])}/{metadata['name']}"


def _merged(base: Json, over: Json) -> Json:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(below, value) if isinstance(below, dict) and both else value
    return merged
