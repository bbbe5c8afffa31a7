"""Application Gateway for Containers: traffic controllers, frontends, associations, security policies.

Source: az CLI recording test_alb_resources of the alb extension, 2023; azure-mgmt-servicenetworking 2.1.0
(2026-03-01). The first state of everything is `Updating`, and what others need of it appears at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from provision.apply.handler import Reading, Work
from provision.errors import ConflictError, ServiceError
from provision.plan.change import FieldChange
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, found, read_each, tags_of
from provision.providers.azure.searching import Tagged
from provision.resources.arm import ArmId
from provision.resources.observed import Absent, Observed, Present
from provision.resources.resource import Resource
from provision.resources.service_networking import (
    TRAFFIC_CONTROLLERS,
    Association,
    Frontend,
    SecurityPolicy,
    TrafficController,
)
from provision.resources.values import CaseInsensitive, Value, plain

Body = dict[str, Any]
_Kind = TypeVar("_Kind", TrafficController, Frontend, Association, SecurityPolicy)


@dataclass(frozen=True, slots=True)
class _Shape(Generic[_Kind]):
    """How one kind is called and written: its group of operations, its ARM type, its properties."""

    operations: str
    type: str
    declare: Callable[[CaseInsensitive, str, Present], _Kind]
    written: Callable[[_Kind], Body]
    observed: Callable[[Body], Mapping[str, Value]]
    outputs: Callable[[Body], Mapping[str, Value]]


class ServiceNetworking(Generic[_Kind]):
    """One of the four kinds. Created by a long operation, changed by a patch, deleted by a long operation."""

    def __init__(self, clients: Clients, shape: _Shape[_Kind], tagged: Tagged | None = None) -> None:
        self._clients = clients
        self._shape: _Shape[_Kind] = shape
        self._tagged = tagged or Tagged(clients)

    async def read(self, resources: Sequence[_Kind], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: _Kind) -> Observed:
        return await self._look(str(resource.id), f"reading {resource.address}")

    async def _look(self, id_: str, doing: str) -> Observed:
        arm = ArmId.parse(id_)
        body = await found(doing, self._operations(id_).get(arm.group, *arm.names))
        return Absent() if body is None else self._present(body.as_dict())

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Those of ours that are not declared, whether what they are inside of is or not."""

        async def look(id_: str) -> Sequence[Orphan]:
            observed = await self._look(id_, f"reading {id_}")
            if not isinstance(observed, Present) or observed.owner != profile:
                return ()
            name = "/".join(ArmId.parse(id_).names)
            return ((self._shape.declare(CaseInsensitive(id_), name, observed), observed),)

        return await self._tagged.search(self._shape.type, resources, profile, look)

    async def create(self, resource: _Kind, work: Work) -> Present:
        arm = ArmId.parse(resource.id)
        body = {
            "location": str(resource.location),
            "tags": tags_of(work.mark),
            "properties": self._shape.written(resource),
        }
        with translating(f"creating {resource.address}"):
            poller = await self._operations(resource.id).begin_create_or_update(arm.group, *arm.names, body)
            made = self._present((await poller.result()).as_dict())
        _refuse_failed(resource, made)
        return made

    async def update(
        self, resource: _Kind, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """A patch: tags are replaced as a whole by one, so that those of others go along."""
        if isinstance(resource, Association):
            raise ConflictError(
                f"updating {resource.address}",
                "another write of an association restarts the data plane",
                "Bring the profile in line with it.",
            )
        arm = ArmId.parse(resource.id)
        operations = self._operations(resource.id)
        tags = {**dict(_tags(observed)), **tags_of(work.mark)}
        body = {"tags": tags, "properties": self._shape.written(resource)}
        with translating(f"updating {resource.address}"):
            return self._present((await operations.update(arm.group, *arm.names, body)).as_dict())

    async def delete(self, resource: _Kind, observed: Present, work: Work) -> None:
        arm = ArmId.parse(resource.id)
        with translating(f"deleting {resource.address}"):
            await (await self._operations(resource.id).begin_delete(arm.group, *arm.names)).result()

    def _operations(self, id_: str) -> Any:
        client = self._clients.service_networking(ArmId.parse(id_).subscription)
        return getattr(client, self._shape.operations)

    def _present(self, body: Body) -> Present:
        tags = body.get("tags") or {}
        system = body.get("systemData") or {}
        return Present(
            properties=self._shape.observed(body.get("properties") or {}),
            outputs={
                "id": CaseInsensitive(body.get("id") or ""),
                "location": body.get("location"),
                "tags": tuple(sorted(tags.items())),
                "state": (body.get("properties") or {}).get("provisioningState"),
                **self._shape.outputs(body.get("properties") or {}),
            },
            owner=tags.get(PROFILE_TAG),
            digest=tags.get(DIGEST_TAG),
            changed_by=str(system.get("lastModifiedBy") or ""),
            changed_at=str(system.get("lastModifiedAt") or ""),
        )


def _tags(observed: Present) -> tuple[tuple[str, str], ...]:
    found_tags: Any = observed.outputs.get("tags") or ()
    return tuple(found_tags)


def _refuse_failed(resource: Resource, made: Present) -> None:
    if str(made.outputs.get("state")).casefold() == "failed":
        raise ServiceError(
            f"creating {resource.address}",
            "the operation succeeded, and what it made is Failed",
            "Delete it, and apply again; ask Microsoft's support if it fails again.",
        )


_CONTROLLER: _Shape[TrafficController] = _Shape(
    "traffic_controller_interface",
    TRAFFIC_CONTROLLERS,
    lambda id_, name, present: TrafficController(name=name, id=id_, location=present.outputs["location"]),
    lambda resource: {},
    lambda body: {},
    lambda body: {kind: _children(body, kind) for kind in ("associations", "frontends")},
)


def _children(body: Body, kind: str) -> frozenset[CaseInsensitive]:
    """Ids of what is inside a controller, which lists each twice in two casings once it is made."""
    return frozenset(CaseInsensitive(each.get("id") or "") for each in body.get(kind) or ())


def _frontend(id_: CaseInsensitive, name: str, present: Present) -> Frontend:
    return Frontend(name=name, id=id_, location=present.outputs["location"])


def _written_frontend(resource: Frontend) -> Body:
    body: Body = {"publicNetworkAccess": "Enabled" if resource.public else "Disabled"}
    if resource.association:
        body["association"] = {"id": str(resource.association)}
    # Null takes a policy away: what a patch leaves out stays.
    body["securityPolicyConfigurations"] = {
        kind: {"id": str(id_)} for kind, id_ in resource.policies.items()
    } or None
    return body


def _seen_frontend(body: Body) -> Mapping[str, Value]:
    policies = body.get("securityPolicyConfigurations") or {}
    return {
        "publicNetworkAccess": body.get("publicNetworkAccess") or "Enabled",
        "association": CaseInsensitive((body.get("association") or {}).get("id") or ""),
        **{
            f"securityPolicyConfigurations.{kind}": CaseInsensitive((each or {}).get("id") or "")
            for kind, each in policies.items()
        },
    }


_FRONTEND: _Shape[Frontend] = _Shape(
    "frontends_interface",
    f"{TRAFFIC_CONTROLLERS}/frontends",
    _frontend,
    _written_frontend,
    _seen_frontend,
    lambda body: {"fqdn": body.get("fqdn")},
)


def _subnet(body: Body) -> CaseInsensitive:
    return CaseInsensitive((body.get("subnet") or {}).get("id") or "")


_ASSOCIATION: _Shape[Association] = _Shape(
    "associations_interface",
    f"{TRAFFIC_CONTROLLERS}/associations",
    lambda id_, name, present: Association(
        name=name, id=id_, location=present.outputs["location"], subnet=present.properties["subnet"]
    ),
    lambda resource: {"associationType": "subnets", "subnet": {"id": str(resource.subnet)}},
    lambda body: {"subnet": _subnet(body)},
    lambda body: {},
)


def _written_policy(resource: SecurityPolicy) -> Body:
    if resource.waf_policy:
        return {"wafPolicy": {"id": str(resource.waf_policy)}}
    return {"ipAccessRulesPolicy": {"rules": plain(resource.rules)}}


def _seen_policy(body: Body) -> Mapping[str, Value]:
    waf = (body.get("wafPolicy") or {}).get("id")
    rules = (body.get("ipAccessRulesPolicy") or {}).get("rules") or ()
    return {
        "policyType": body.get("policyType") or ("waf" if waf else "ipAccessRules"),
        "wafPolicy": CaseInsensitive(waf or ""),
        "rules": tuple(_rule(each) for each in sorted(rules, key=lambda each: each.get("priority") or 0)),
    }


def _rule(rule: Body) -> Mapping[str, Value]:
    return {
        "name": rule.get("name"),
        "priority": rule.get("priority"),
        "action": str(rule.get("action") or "").lower(),
        "sourceAddressPrefixes": tuple(rule.get("sourceAddressPrefixes") or ()),
    }


def _policy(id_: CaseInsensitive, name: str, present: Present) -> SecurityPolicy:
    rules: Any = present.properties["rules"]
    waf = CaseInsensitive(str(present.properties["wafPolicy"]))
    location = present.outputs["location"]
    return SecurityPolicy(name=name, id=id_, location=location, waf_policy=waf or None, rules=rules)


_POLICY: _Shape[SecurityPolicy] = _Shape(
    "security_policies_interface",
    f"{TRAFFIC_CONTROLLERS}/securityPolicies",
    _policy,
    _written_policy,
    _seen_policy,
    lambda body: {},
)


def service_networking(clients: Clients, tagged: Tagged) -> dict[str, ServiceNetworking[Any]]:
    """A handler for each kind."""
    return {
        TrafficController.KIND: ServiceNetworking(clients, _CONTROLLER, tagged),
        Frontend.KIND: ServiceNetworking(clients, _FRONTEND, tagged),
        Association.KIND: ServiceNetworking(clients, _ASSOCIATION, tagged),
        SecurityPolicy.KIND: ServiceNetworking(clients, _POLICY, tagged),
    }
