"""What the edge offers to look with. Every method is bounded in time and puts a failure into its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from provision.resources.certificate import Certificate
from provision.resources.dns import PrivateDnsZone
from provision.resources.manifest import Manifest
from provision.verify.evidence import (
    AzureGateway,
    CertificateFacts,
    CertificateWanted,
    Handshake,
    HttpAnswer,
    Live,
    Records,
    Unknown,
    Unreached,
    VaultVersion,
)

SecretName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class InCluster:
    """Objects by address, and the certificates in Secrets by namespace and name."""

    objects: Mapping[str, Live | Unknown | None] = field(default_factory=dict)
    secrets: Mapping[SecretName, CertificateFacts | Unknown | None] = field(default_factory=dict)


class Probes(Protocol):
    """The ways to look at a host's chain."""

    async def in_cluster(self, manifests: Sequence[Manifest], secrets: Sequence[SecretName]) -> InCluster:
        """The objects as the API server has them, with their events; of a Secret its certificate only."""
        ...

    async def vault_version(self, certificate: Certificate) -> VaultVersion | Unknown | None:
        """The current version of a certificate."""
        ...

    async def azure_gateway(self, id_: str, private: bool) -> AzureGateway | Unknown | None:
        """The Application Gateway for Containers with an id; with `private` its private endpoints too."""
        ...

    async def parent_servers(self, zone: str) -> frozenset[str] | Unknown:
        """The name servers that the zone's parent names for it."""
        ...

    async def linked_networks(self, zone: PrivateDnsZone) -> tuple[str, ...] | Unknown | None:
        """Names of the virtual networks that a private zone is linked to."""
        ...

    async def public_records(self, host: str, servers: frozenset[str]) -> Records | Unknown | None:
        """The host's addresses, asked of the zone's own name servers; found by name where none are given."""
        ...

    async def private_records(self, host: str, zone: PrivateDnsZone) -> Records | Unknown | None:
        """The host's addresses in a private zone."""
        ...

    async def handshake(self, address: str, host: str) -> Handshake | Unreached | Unknown:
        """The certificate shown at port 443 for the host's name."""
        ...

    async def request(
        self, address: str, host: str, secure: bool, known: bool = False
    ) -> HttpAnswer | CertificateWanted | Unreached | Unknown:
        """The answer to GET / with the host's name, at port 443 or 80. `known`: with the client certificate
        that the run was given."""
        ...
