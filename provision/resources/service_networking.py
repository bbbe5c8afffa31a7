"""Application Gateway for Containers: the traffic controller and what is inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from provision.resources.arm import ArmId
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

TRAFFIC_CONTROLLERS = "Microsoft.ServiceNetworking/trafficControllers"

WAF = "wafSecurityPolicy"
IP_ACCESS = "ipAccessRulesSecurityPolicy"
"""What kinds of security policies a frontend refers to. Source: API version 2026-03-01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficController(Resource):
    """The gateway's control plane. Outputs: `id`, and ids of its `associations` and `frontends`, whoever made
    them."""

    KIND: ClassVar[str] = "traffic_controller"

    id: CaseInsensitive
    location: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Child(Resource):
    """Something inside a traffic controller. `name` is `controller/name`."""

    id: CaseInsensitive
    location: Value

    def inside(self) -> str:
        return str(self.id).rpartition("/")[0].rpartition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend(_Child):
    """Where clients come in. `policies` are ids of security policies by what refers to them, `association` is
    the id of the association in whose subnet a private one is.

    Outputs: `id`, `fqdn`.
    """

    KIND: ClassVar[str] = "frontend"
    TOLD: ClassVar[tuple[str, ...]] = ("fqdn",)

    public: bool = True
    policies: Mapping[str, Value] = field(default_factory=dict)
    association: CaseInsensitive | None = None

    def properties(self) -> Mapping[str, Value]:
        return {
            "publicNetworkAccess": "Enabled" if self.public else "Disabled",
            **({"association": self.association} if self.association else {}),
            **{f"securityPolicyConfigurations.{kind}": id_ for kind, id_ in self.policies.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Association(_Child):
    """Ties the gateway to a subnet. Written once: another write of it restarts the data plane.

    Source: Azure/AKS, issues on restarts after an association was updated, 2025.
    """

    KIND: ClassVar[str] = "association"
    FIXED: ClassVar[frozenset[str]] = frozenset({"subnet"})

    subnet: Value

    def properties(self) -> Mapping[str, Value]:
        return {"subnet": self.subnet}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy(_Child):
    """What a frontend lets through: a web application firewall policy, or rules for addresses.

    `rules` are in order of priority, each with `name`, `priority`, `action` and `sourceAddressPrefixes`.
    """

    KIND: ClassVar[str] = "security_policy"
    IMMUTABLE: ClassVar[frozenset[str]] = frozenset({"policyType"})

    waf_policy: CaseInsensitive | None = None
    rules: tuple[Value, ...] = ()

    def properties(self) -> Mapping[str, Value]:
        if self.waf_policy:
            return {"policyType": "waf", "wafPolicy": self.waf_policy}
        return {"policyType": "ipAccessRules", "rules": self.rules}


APPROVED = "Approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointConnection(Resource):
    """A private endpoint's way in, which its owner asks for and the gateway's owner grants.

    It comes into being with the endpoint and has no tags: what is ours of it is the approval. `endpoint` is
    the id of the endpoint, `gateway` that of the traffic controller, `frontends` are ids of the frontends to
    which there is a way. Outputs: `id`, `description`.
    Source: azure-mgmt-servicenetworking 2.1.0 (2026-03-01).
    """

    KIND: ClassVar[str] = "private_endpoint_connection"
    SHARED: ClassVar[bool] = True
    MUST_EXIST: ClassVar[bool] = True
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"frontends"})

    gateway: CaseInsensitive
    endpoint: CaseInsensitive
    frontends: tuple[Value, ...] = ()

    def properties(self) -> Mapping[str, Value]:
        return {"status": APPROVED}

    def noun(self) -> str:
        return "private endpoint"

    def inside(self) -> str:
        return str(self.gateway)

    def remedy(self) -> str:
        endpoint = ArmId.parse(self.endpoint)
        names = [str(each).rpartition("/")[2] for each in self.frontends]
        return endpoint_command(str(self.gateway), names, endpoint)


def endpoint_command(gateway: str, frontends: Sequence[str], endpoint: ArmId | None = None) -> str:
    """How a private endpoint to one of the frontends is made, with capitals for what is not known here."""
    where = (
        f"--subscription {endpoint.subscription} --resource-group {endpoint.group} --name {endpoint.name}"
        if endpoint
        else "--resource-group GROUP --name NAME"
    )
    group = frontends[0] if len(frontends) == 1 else "FRONTEND"
    return (
        f"az network private-endpoint create {where} --subnet SUBNET_ID"
        f" --private-connection-resource-id {gateway} --group-id {group}"
        f" --connection-name {endpoint.name if endpoint else 'NAME'} --manual-request true"
    )
