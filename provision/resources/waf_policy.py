"""Web application firewall policies, which are the security team's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive

FIREWALL_POLICIES = "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies"


@dataclass(frozen=True, slots=True, kw_only=True)
class WafPolicy(Resource):
    """A policy that must exist. Outputs: `id`, `ruleSets` (such as `Microsoft_DefaultRuleSet 2.1`),
    `state`."""

    KIND: ClassVar[str] = "waf_policy"
    MUST_EXIST: ClassVar[bool] = True

    id: CaseInsensitive

    @classmethod
    def of(cls, id_: str) -> Self:
        return cls(name=id_.rsplit("/", 1)[-1], id=CaseInsensitive(id_))

    def noun(self) -> str:
        return "web application firewall policy"
