"""Autospecced SDK clients, real SDK models and the errors the SDKs really raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from azure.core.async_paging import AsyncItemPaged, AsyncList
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    map_error,
)
from azure.core.polling import AsyncLROPoller
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.keyvault.certificates.aio import CertificateClient
from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
from azure.mgmt.authorization.v2022_04_01.aio.operations import (
    RoleAssignmentsOperations,
    RoleDefinitionsOperations,
)
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.aio.operations import ManagedClustersOperations
from azure.mgmt.core.exceptions import ARMErrorFormat
from azure.mgmt.dns.aio import DnsManagementClient
from azure.mgmt.dns.aio import operations as public
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.keyvault.aio.operations import VaultsOperations
from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient
from azure.mgmt.msi.v2024_11_30.aio.operations import (
    FederatedIdentityCredentialsOperations,
    UserAssignedIdentitiesOperations,
)
from azure.mgmt.privatedns.aio import PrivateDnsManagementClient
from azure.mgmt.privatedns.aio import operations as private
from azure.mgmt.resource.resources.aio import ResourceManagementClient
from azure.mgmt.resource.resources.aio.operations import ProvidersOperations, ResourcesOperations
from azure.mgmt.servicenetworking.aio import ServiceNetworkingMgmtClient
from azure.mgmt.servicenetworking.aio import operations as networking

from providers.autospec import autospec
from provision.apply.handler import Mark, Work
from provision.providers.azure.clients import Clients
from provision.providers.azure.cloud import CLOUDS

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GROUP = "rg-web"
PREFIX = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"
PROFILE = "prod"
MARK = Mark(PROFILE, "0123456789abcdef")
TAGS = {"provision-profile": PROFILE, "provision-digest": MARK.digest}

_RAISED = {
    401: ClientAuthenticationError,
    404: ResourceNotFoundError,
    409: ResourceExistsError,
}
"""What every generated operation maps before it falls back to HttpResponseError."""


class Bench:
    """One autospecced operation group for each that the handlers call, behind `clients`.

    Each is made when it is first wanted.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.tagged: list[dict[str, str]] = []
        self.page = 1000
        self.listing_status = 200
        self.listings: list[HttpRequest] = []
        self.features = ["NotRegistered"]
        self.asked: list[tuple[str, str]] = []
        self.clients = self._clients()

    def work(self, *, release: bool = False) -> Work:
        """Work whose progress is kept in `told`."""
        return Work(MARK, self.told.append, release)

    def waits(self) -> list[float]:
        """Seconds of each wait that a handler asked for; none of them is waited."""
        return [call.args[0] for call in self.clients.sleep.await_args_list]

    @cached_property
    def clusters(self) -> Any:
        return autospec(ManagedClustersOperations)

    @cached_property
    def public_zones(self) -> Any:
        return autospec(public.ZonesOperations)

    @cached_property
    def public_records(self) -> Any:
        return autospec(public.RecordSetsOperations)

    @cached_property
    def private_zones(self) -> Any:
        return autospec(private.PrivateZonesOperations)

    @cached_property
    def private_records(self) -> Any:
        return autospec(private.RecordSetsOperations)

    @cached_property
    def links(self) -> Any:
        return autospec(private.VirtualNetworkLinksOperations)

    @cached_property
    def vaults(self) -> Any:
        return autospec(VaultsOperations)

    @cached_property
    def identities(self) -> Any:
        return autospec(UserAssignedIdentitiesOperations)

    @cached_property
    def credentials(self) -> Any:
        return autospec(FederatedIdentityCredentialsOperations)

    @cached_property
    def roles(self) -> Any:
        return autospec(RoleAssignmentsOperations)

    @cached_property
    def definitions(self) -> Any:
        return autospec(RoleDefinitionsOperations)

    @cached_property
    def certificates(self) -> Any:
        return autospec(CertificateClient)

    @cached_property
    def traffic_controllers(self) -> Any:
        return autospec(networking.TrafficControllerInterfaceOperations)

    @cached_property
    def frontends(self) -> Any:
        return autospec(networking.FrontendsInterfaceOperations)

    @cached_property
    def associations(self) -> Any:
        return autospec(networking.AssociationsInterfaceOperations)

    @cached_property
    def security_policies(self) -> Any:
        return autospec(networking.SecurityPoliciesInterfaceOperations)

    @cached_property
    def connections(self) -> Any:
        return autospec(networking.PrivateEndpointConnectionsInterfaceOperations)

    @cached_property
    def any_resources(self) -> Any:
        return autospec(ResourcesOperations)

    @cached_property
    def providers(self) -> Any:
        return autospec(ProvidersOperations)

    def _clients(self) -> Any:
        clients = autospec(Clients)
        clients.cloud = CLOUDS["public"]
        clients.assigned_roles = False
        clients.containers.side_effect = lambda *_: self._containers()
        clients.dns.side_effect = lambda _: _client(
            DnsManagementClient, zones=self.public_zones, record_sets=self.public_records
        )
        clients.private_dns.side_effect = lambda _: _client(
            PrivateDnsManagementClient,
            private_zones=self.private_zones,
            record_sets=self.private_records,
            virtual_network_links=self.links,
        )
        clients.vaults.side_effect = lambda _: _client(KeyVaultManagementClient, vaults=self.vaults)
        clients.identities.side_effect = lambda _: _client(
            ManagedServiceIdentityClient,
            user_assigned_identities=self.identities,
            federated_identity_credentials=self.credentials,
        )
        clients.authorization.side_effect = lambda _: _client(
            AuthorizationManagementClient, role_assignments=self.roles, role_definitions=self.definitions
        )
        clients.certificates.side_effect = lambda _: self.certificates
        clients.service_networking.side_effect = lambda _: _client(
            ServiceNetworkingMgmtClient,
            traffic_controller_interface=self.traffic_controllers,
            frontends_interface=self.frontends,
            associations_interface=self.associations,
            security_policies_interface=self.security_policies,
            private_endpoint_connections_interface=self.connections,
        )
        clients.resources.side_effect = lambda _: self._resources()
        return clients

    def _containers(self) -> Any:
        client = _client(ContainerServiceClient, managed_clusters=self.clusters)
        client.send_request.side_effect = self._list
        return client

    def _resources(self) -> Any:
        client = _client(ResourceManagementClient, resources=self.any_resources, providers=self.providers)
        client.send_request.side_effect = self._feature
        return client

    async def _feature(self, request: HttpRequest) -> Any:
        """The next of `features`, the states that a preview feature is in one after the other."""
        self.asked.append((request.method, request.url))
        response = autospec(AsyncHttpResponse)
        response.status_code = 200
        state = self.features.pop(0) if len(self.features) > 1 else self.features[0]
        response.json.return_value = {"properties": {"state": state}}
        return response

    async def _list(self, request: HttpRequest) -> Any:
        """A page of `tagged`, as Microsoft.Resources lists it."""
        self.listings.append(request)
        at = int(request.url.partition("from=")[2] or 0)
        following = at + self.page
        response = autospec(AsyncHttpResponse)
        response.status_code = self.listing_status
        response.text.return_value = '{"error": {"code": "Refused", "message": "No."}}'
        response.json.return_value = {
            "value": self.tagged[at:following],
            **({"nextLink": f"/next?from={following}"} if following < len(self.tagged) else {}),
        }
        return response


def _client(spec: type, **groups: Any) -> Any:
    # Operation groups are attributes that a client sets when it is made, so its spec lacks them.
    client = autospec(spec)
    for name, group in groups.items():
        setattr(client, name, group)
    return client


def finished(result: Any = None) -> Any:
    """A poller whose operation ends with `result`, or with an error if that is one."""
    poller = autospec(AsyncLROPoller)
    poller.result.side_effect = [result]
    return poller


def paged(*members: Any) -> AsyncItemPaged[Any]:
    """A listing with every member on a page of its own. One that is an error is raised instead."""

    async def page(token: str | None) -> int:
        at = int(token or 0)
        if at < len(members) and isinstance(members[at], Exception):
            raise members[at]
        return at

    async def contents(at: int) -> tuple[str | None, AsyncList[Any]]:
        following = str(at + 1) if at + 1 < len(members) else None
        return following, AsyncList(list(members[at : at + 1]))

    return AsyncItemPaged(page, contents)


def refusal(
    status: int,
    code: str,
    message: str = "No.",
    *,
    bare: bool = False,
    headers: Mapping[str, str] | None = None,
) -> HttpResponseError:
    """The error of an ARM client. `bare` leaves out the envelope, as the DNS services do."""
    inner = {"code": code, "message": message}
    return raised(status, json.dumps(inner if bare else {"error": inner}), headers)


def raised(status: int, text: str, headers: Mapping[str, str] | None = None) -> HttpResponseError:
    """What a generated operation raises for an answer, the way it does it."""
    response = autospec(AsyncHttpResponse)
    response.status_code = status
    response.reason = HTTPStatus(status).phrase
    response.headers = dict(headers or {})
    response.text.return_value = text
    try:
        map_error(status, response, _RAISED)
    except HttpResponseError as error:
        return error
    return HttpResponseError(response=response, error_format=ARMErrorFormat)
