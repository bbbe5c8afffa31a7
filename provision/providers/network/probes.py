"""Looks at the live world: cluster, vault, name servers, gateways."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from provision.errors import ProvisionError
from provision.providers.azure.clients import Clients
from provision.providers.azure.reading import found
from provision.providers.kubernetes.access import Ways
from provision.providers.network import azure_gateways, gateways, in_cluster, private_zones
from provision.providers.network.certificates import facts
from provision.providers.network.reach import Reach
from provision.providers.network.resolving import Resolving
from provision.resources.certificate import Certificate
from provision.resources.dns import PrivateDnsZone
from provision.resources.manifest import Manifest
from provision.verify.evidence import (
    AzureGateway,
    CertificateWanted,
    Handshake,
    HttpAnswer,
    Records,
    Unknown,
    Unreached,
    VaultVersion,
)
from provision.verify.probes import InCluster, SecretName

_HTTPS = 443
_HTTP = 80


class LiveProbes:
    """The probes of one run. Implements `provision.verify.probes.Probes`. `client` holds the certificate that
    is shown to gateways that ask for one."""

    def __init__(self, clients: Clients, reach: Reach, client: ssl.SSLContext | None = None) -> None:
        self._client = client
        self._clients = clients
        self._reach = reach
        self._ways = Ways(clients)
        self._resolving = Resolving(reach)

    async def in_cluster(self, manifests: Sequence[Manifest], secrets: Sequence[SecretName]) -> InCluster:
        first = manifests[0]
        way = self._ways.into(
            first.cluster_id,
            access=first.access,
            private=first.private is True,
            entra=first.entra is True,
        )
        return await in_cluster.read(way, manifests, secrets)

    async def vault_version(self, certificate: Certificate) -> VaultVersion | Unknown | None:
        client = self._clients.certificates(certificate.vault)
        doing = f"reading {certificate.address}"
        try:
            current = await found(doing, client.get_certificate(certificate.certificate_name))
        except ProvisionError as error:
            return Unknown(str(error))
        if current is None:
            return None
        if not current.cer or current.properties is None:
            return Unknown(f"{doing}: no version is finished yet")
        return VaultVersion(bool(current.properties.enabled), facts(bytes(current.cer)))

    async def azure_gateway(self, id_: str, private: bool) -> AzureGateway | Unknown | None:
        return await azure_gateways.read(self._clients, id_, private=private)

    async def parent_servers(self, zone: str) -> frozenset[str] | Unknown:
        return await self._resolving.parent_servers(zone)

    async def linked_networks(self, zone: PrivateDnsZone) -> tuple[str, ...] | Unknown | None:
        return await private_zones.linked_networks(self._clients, zone)

    async def public_records(self, host: str, servers: frozenset[str]) -> Records | Unknown | None:
        return await self._resolving.records(host, servers)

    async def private_records(self, host: str, zone: PrivateDnsZone) -> Records | Unknown | None:
        return await private_zones.records(self._clients, host, zone)

    async def handshake(self, address: str, host: str) -> Handshake | Unreached | Unknown:
        found = await self._resolving.address(address)
        if not isinstance(found, str):
            return found
        return await gateways.handshake(self._reach, found, _HTTPS, host)

    async def request(
        self, address: str, host: str, secure: bool, known: bool = False
    ) -> HttpAnswer | CertificateWanted | Unreached | Unknown:
        if known and self._client is None:
            return Unknown("it takes a client certificate: give one with --client-certificate")
        found = await self._resolving.address(address)
        if not isinstance(found, str):
            return found
        return await gateways.request(
            self._reach, found, _HTTPS if secure else _HTTP, host, secure, self._client if known else None
        )
