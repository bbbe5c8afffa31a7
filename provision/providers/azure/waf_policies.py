"""Web application firewall policies, which are only looked at; through the generic resources client.

Source of the document: "Web Application Firewall Policies", Azure networking REST reference, 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provision.apply.handler import Reading, Work
from provision.errors import ProvisionError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import Clients
from provision.providers.azure.reading import found, read_each
from provision.providers.azure.subnets import API_VERSION
from provision.resources.arm import ArmId
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import CaseInsensitive
from provision.resources.waf_policy import WafPolicy


class WafPolicies:
    """Policies that must exist."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[WafPolicy], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: WafPolicy) -> Observed:
        resources = self._clients.resources(ArmId.parse(resource.id).subscription).resources
        call = resources.get_by_id(str(resource.id).lstrip("/"), api_version=API_VERSION)
        policy = await found(f"reading {resource.address}", call)
        if policy is None:
            return Absent()
        body = policy.as_dict()
        properties: dict[str, Any] = body.get("properties") or {}
        sets = (properties.get("managedRules") or {}).get("managedRuleSets") or ()
        return Present(
            outputs={
                "id": CaseInsensitive(body.get("id") or ""),
                "ruleSets": tuple(f"{each.get('ruleSetType')} {each.get('ruleSetVersion')}" for each in sets),
                "state": (properties.get("policySettings") or {}).get("state"),
            }
        )

    async def create(self, resource: WafPolicy, work: Work) -> Present:
        raise ProvisionError(f"creating {resource.address}", "firewall policies are not made by provision")

    async def update(
        self, resource: WafPolicy, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise ProvisionError(f"updating {resource.address}", "firewall policies are not changed by provision")

    async def delete(self, resource: WafPolicy, observed: Present, work: Work) -> None:
        raise ProvisionError(f"deleting {resource.address}", "firewall policies are not deleted by provision")
