"""What a cluster serves, as clients discover it: /version, /api, /apis and below."""

from __future__ import annotations

from collections.abc import Iterable

from provision.sandbox.azure import Answer, Json, Request
from provision.sandbox.kubernetes import catalog, kinds
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.kubernetes.refusals import no_such_path

_AGGREGATED = ("v2", "v2beta1")
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_PART_VERBS = ["get", "patch", "update"]


def answer(request: Request, cluster: Cluster, document: Json, segments: list[str]) -> Answer:
    """Answer a discovery path, given as its segments."""
    if segments == ["version"]:
        return Answer(200, version(document))
    served = catalog.served(cluster)
    if segments[0] == "api":
        served = [kind for kind in served if not kind.group]
    elif segments[0] == "apis":
        served = [kind for kind in served if kind.group]
    elif segments == [""]:
        return Answer(200, {"paths": _paths(served)})
    else:
        raise no_such_path()
    if len(segments) == 1 and (aggregated := _aggregated(request, served)):
        return aggregated
    if segments == ["api"]:
        return Answer(200, {"kind": "APIVersions", "versions": ["v1"], **_ADDRESS})
    if segments == ["apis"]:
        groups = [_group(name, served) for name in _groups(served)]
        return Answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    if segments[0] == "apis" and len(segments) == 2 and segments[1] in _groups(served):
        return Answer(200, {"kind": "APIGroup", "apiVersion": "v1", **_group(segments[1], served)})
    api_version = "/".join(segments[1:])
    found = [kind for kind in served if kind.api_version == api_version]
    if not found:
        raise no_such_path()
    return Answer(200, _resources(api_version, found))


def version(document: Json) -> Json:
    """`/version`: the cluster's Kubernetes version, as AKS builds it."""
    patch = str(document["properties"]["currentKubernetesVersion"])
    major, minor = patch.split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{patch}",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-06-01T00:00:00Z",
        "goVersion": "go1.24.9",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


_ADDRESS: Json = {"serverAddressByClientCIDRs": []}


def _groups(served: Iterable[Kind]) -> list[str]:
    return list(dict.fromkeys(kind.group for kind in served))


def _paths(served: list[Kind]) -> list[str]:
    versions = [f"/apis/{kind.api_version}" for kind in served if kind.group]
    groups = [f"/apis/{name}" for name in _groups(served) if name]
    fixed = [
        "/api",
        "/api/v1",
        "/apis",
        "/healthz",
        "/livez",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz",
        "/version",
    ]
    return sorted({*fixed, *groups, *versions})


def _versions(name: str, served: Iterable[Kind]) -> list[str]:
    return list(dict.fromkeys(kind.version for kind in served if kind.group == name))


def _group(name: str, served: list[Kind]) -> Json:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version} for version in _versions(name, served)
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(api_version: str, served: list[Kind]) -> Json:
    listed: list[Json] = []
    for kind in served:
        entry: Json = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": _verbs(kind),
        }
        listed.append({**entry, **_names(kind)})
        listed += [
            {**entry, "name": f"{kind.plural}/{part}", "singularName": "", "verbs": verbs}
            for part, verbs in _parts(kind)
        ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def _verbs(kind: Kind) -> list[str]:
    return [verb for verb in _VERBS if verb != "deletecollection" or kind != kinds.NAMESPACE]


def _names(kind: Kind) -> Json:
    names: Json = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {key: value for key, value in names.items() if value}


def _parts(kind: Kind) -> list[tuple[str, list[str]]]:
    parts = [("status", _PART_VERBS)] if kind.status else []
    return [*parts, ("finalize", ["update"])] if kind == kinds.NAMESPACE else parts


def _aggregated(request: Request, served: list[Kind]) -> Answer | None:
    """Everything in one answer, for clients that ask for it (kubectl from 1.27)."""
    accept = request.headers.get("accept", "")
    for edition in _AGGREGATED:
        media = f"application/json;g=apidiscovery.k8s.io;v={edition};as=APIGroupDiscoveryList"
        if media in accept:
            body = {
                "kind": "APIGroupDiscoveryList",
                "apiVersion": f"apidiscovery.k8s.io/{edition}",
                "metadata": {},
                "items": [_discovered(name, served) for name in _groups(served)],
            }
            return Answer(200, body, {"Content-Type": media})
    return None


def _discovered(name: str, served: list[Kind]) -> Json:
    versions: list[Json] = []
    for version_ in _versions(name, served):
        of = [kind for kind in served if (kind.group, kind.version) == (name, version_)]
        versions.append(
            {
                "version": version_,
                "freshness": "Current",
                "resources": [_discovered_kind(kind) for kind in of],
            }
        )
    metadata: Json = {"creationTimestamp": None, **({"name": name} if name else {})}
    return {"metadata": metadata, "versions": versions}


def _discovered_kind(kind: Kind) -> Json:
    of = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    parts = [{"subresource": part, "responseKind": of, "verbs": verbs} for part, verbs in _parts(kind)]
    return {
        "resource": kind.plural,
        "responseKind": of,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind),
        **_names(kind),
        **({"subresources": parts} if parts else {}),
    }
