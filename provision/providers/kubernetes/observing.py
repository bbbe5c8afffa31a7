"""A live object, and what a dry run would make of it, in our vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provision.apply.handler import Mark
from provision.plan.diff import same
from provision.providers.kubernetes.calls import Json
from provision.providers.kubernetes.fields import Manager, at, joined, managers, manages, surplus, value
from provision.providers.kubernetes.readiness import addresses
from provision.resources.manifest import (
    ADDRESSED,
    APPLICATION_LOAD_BALANCER,
    DIGEST_ANNOTATION,
    PROFILE_LABEL,
    Manifest,
    hosts_of,
)
from provision.resources.observed import Present
from provision.resources.values import Value


def marked(resource: Manifest, mark: Mark) -> Json:
    """The document to apply, with our mark."""
    document = resource.document()
    metadata = document["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), PROFILE_LABEL: mark.profile}
    metadata["annotations"] = {**metadata.get("annotations", {}), DIGEST_ANNOTATION: mark.digest}
    return document


def observed(resource: Manifest, live: Json, dry: Json | None) -> Present:
    """A live object. `dry` is what applying the resource would make of it, None where that is not known.

    Without it what is declared counts as there when the live value contains it: then a value that the API
    server writes in another form looks different.
    """
    declared = resource.properties()
    properties = {
        path: wanted if _as_declared(path, wanted, live, dry) else at(live, path)
        for path, wanted in declared.items()
    }
    differing = [path for path, wanted in declared.items() if not same(wanted, properties[path])]
    others = [manager for manager in managers(live) if not manager.is_ours]
    authors = {path: _latest(others, path) for path in differing}
    known = {path: (who.name, who.time) for path, who in authors.items() if who is not None}
    by, when = max(known.values(), key=lambda each: each[1], default=("", ""))
    mark = Mark(owner_of(live) or "", digest_of(live) or "")
    return Present(
        properties=properties,
        outputs=outputs(resource, live),
        owner=owner_of(live),
        digest=digest_of(live),
        changed_by=by,
        changed_at=when,
        surplus={
            **surplus(live, _structure(resource, mark)),
            **dict(_dropped(resource.body, live, dry or live, "")),
        },
        claimed=_claims(others, differing),
        authors=known,
    )


def outputs(resource: Manifest, live: Json) -> dict[str, Value]:
    """`uid`; the first `address` of a Gateway, an Ingress or a Service of a load balancer, none while it has
    none; the `hosts` of a route or an Ingress; the `gateway` in Azure of an ApplicationLoadBalancer."""
    found: dict[str, Value] = {"uid": live["metadata"].get("uid")}
    status = live.get("status") or {}
    if resource.api in ADDRESSED:
        found["address"] = next(iter(addresses(resource.api, live)), None)
    elif resource.api == APPLICATION_LOAD_BALANCER:
        found["gateway"] = _gateway_made(status)
    if hosts := hosts_of(resource.api, live):
        found["hosts"] = hosts
    return found


def _gateway_made(status: Mapping[str, Any]) -> str | None:
    """Id of what the ALB controller made in Azure, which it tells in the message of a condition."""
    for condition in status.get("conditions") or ():
        message = str(condition.get("message") or "")
        if condition.get("type") == "Deployment" and message.startswith("alb-id="):
            return message.removeprefix("alb-id=").strip()
    return None


def owner_of(live: Mapping[str, Any]) -> str | None:
    """The profile in the object's mark."""
    found: str | None = (live["metadata"].get("labels") or {}).get(PROFILE_LABEL)
    return found


def digest_of(live: Mapping[str, Any]) -> str | None:
    """The digest in the object's mark."""
    found: str | None = (live["metadata"].get("annotations") or {}).get(DIGEST_ANNOTATION)
    return found


def made_by_us(live: Mapping[str, Any]) -> bool:
    """Whether we applied the object itself. Controllers copy labels from what they work for: Istio those of a
    Gateway to its Deployment, Service and ServiceAccount."""
    return not live["metadata"].get("ownerReferences") and any(each.is_ours for each in managers(live))


def _as_declared(path: str, wanted: Value, live: Json, dry: Json | None) -> bool:
    there = at(live, path)
    if wanted is None:  # to be absent: applying takes away only what was ours
        return there is None
    return contains(there, wanted) if dry is None else same(at(dry, path), there)


def contains(there: Value, wanted: Value) -> bool:
    """Whether a value has everything that is declared of it."""
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        return all(contains(there.get(key), each) for key, each in wanted.items())
    if isinstance(wanted, tuple) and isinstance(there, tuple):
        return len(wanted) == len(there) and all(map(contains, there, wanted))
    return same(there, wanted)


def _dropped(declared: Any, live: Any, dry: Any, above: str) -> Iterator[tuple[str, Value]]:
    """Members of lists that applying would remove: a list that is replaced whole loses what others added."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping) and isinstance(dry, Mapping):
        for key, inner in declared.items():
            yield from _dropped(inner, live.get(key), dry.get(key), joined(above, key))
    elif isinstance(declared, tuple) and isinstance(live, list) and isinstance(dry, list):
        named = all(isinstance(each, Mapping) and "name" in each for each in (*declared, *live))
        if named and len(live) > len(dry):
            yield from ((f"{above}[{each['name']}]", value(each)) for each in live if each not in dry)


def _latest(others: Sequence[Manager], path: str) -> Manager | None:
    holding = [manager for manager in others if manages(manager.fields, path)]
    return max(holding, key=lambda each: each.time, default=None)


def _claims(others: Sequence[Manager], differing: Sequence[str]) -> dict[str, str]:
    """Differing paths that another manager applies, who would set them back after us."""
    return {
        path: manager.name
        for path in differing
        for manager in others
        if manager.applied and manages(manager.fields, path)
    }


def _structure(resource: Manifest, mark: Mark) -> Mapping[str, Any]:
    """What would be applied, refs left as they are: only its structure counts."""
    body = dict(resource.body)
    metadata: Any = body.get("metadata") or {}
    body["metadata"] = {
        **metadata,
        "labels": {**metadata.get("labels", {}), PROFILE_LABEL: mark.profile},
        "annotations": {**metadata.get("annotations", {}), DIGEST_ANNOTATION: mark.digest},
    }
    return body
