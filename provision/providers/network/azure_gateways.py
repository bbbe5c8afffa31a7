"""Looks at an Application Gateway for Containers in Azure, be it ours or made by the ALB controller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from provision.errors import ProvisionError
from provision.providers.azure.clients import Clients
from provision.providers.azure.endpoint_connections import connections, endpoint_of, state_of
from provision.providers.azure.reading import found
from provision.resources.arm import ArmId
from provision.verify.evidence import AzureGateway, EndpointConnection, Unknown

Body = Mapping[str, Any]


async def read(clients: Clients, id_: str, *, private: bool) -> AzureGateway | Unknown | None:
    """The gateway and its parts."""
    arm = ArmId.parse(id_)
    doing = f"reading {arm.name} in resource group {arm.group}"
    client = clients.service_networking(arm.subscription)

    async def listed(operations: Any) -> list[Body]:
        pages = operations.list_by_traffic_controller(arm.group, arm.name)
        return [each.as_dict() async for each in pages]

    async def endpoints() -> list[Body]:
        return [*await connections(clients, id_)] if private else []

    try:
        controller, frontends, associations, connected = await asyncio.gather(
            found(doing, client.traffic_controller_interface.get(arm.group, arm.name)),
            found(doing, listed(client.frontends_interface)),
            found(doing, listed(client.associations_interface)),
            endpoints(),
        )
    except ProvisionError as error:
        return Unknown(str(error))
    if controller is None:
        return None
    return AzureGateway(
        id=id_,
        state=_state(controller.as_dict()),
        frontends={
            str(_properties(each).get("fqdn") or each["name"]): _state(each) for each in frontends or ()
        },
        associations={_subnet(each): _state(each) for each in associations or ()},
        endpoints=tuple(
            EndpointConnection(endpoint_of(dict(each)), *state_of(dict(each))) for each in connected
        ),
    )


def _properties(body: Body) -> Body:
    return body.get("properties") or {}


def _state(body: Body) -> str:
    return str(_properties(body).get("provisioningState") or "")


def _subnet(body: Body) -> str:
    return str((_properties(body).get("subnet") or {}).get("id") or body.get("id") or "")
