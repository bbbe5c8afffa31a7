"""What was seen of a host, before anything is said about it.

Everywhere `None` means that the thing was looked for and is not there, `Unknown` that it could not be
looked for, and `Unreached` that an address gave no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing could be learnt, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """An address was dialled and gave no answer, and why. `connected`: it was there, and then broke off."""

    why: str
    connected: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """A Kubernetes object as the API server has it, and its latest Warning events, newest first.

    `unheard` says why its events could not be read.
    """

    body: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    unheard: str = ""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says. Thumbprints are upper-case hex of its DER form; times are in UTC."""

    sha1: str
    sha256: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    self_signed: bool

    @property
    def short(self) -> str:
        """The beginning of the SHA-1 thumbprint, which is what Key Vault shows."""
        return self.sha1[:8]


@dataclass(frozen=True, slots=True)
class VaultVersion:
    """The current version of a certificate in Key Vault."""

    enabled: bool
    certificate: CertificateFacts


@dataclass(frozen=True, slots=True)
class Delegation:
    """Name servers of a zone: those that its parent names, and those that serve it. No final dots."""

    parent: frozenset[str]
    own: frozenset[str]


@dataclass(frozen=True, slots=True)
class Records:
    """What a name means: its addresses, and the names that a chain of CNAMEs passes on the way.

    `outside` tells that the chain leads out of a private zone: only its networks know what is beyond.
    """

    addresses: frozenset[str]
    aliases: tuple[str, ...] = ()
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Handshake:
    """The certificate that a gateway shows. `distrust` is why this machine would not trust it, or nothing."""

    certificate: CertificateFacts
    distrust: str = ""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer to GET /. `from_service` tells that it came from behind the gateway, where that shows."""

    status: int
    location: str = ""
    from_service: bool = False


@dataclass(frozen=True, slots=True)
class CertificateWanted:
    """The gateway answers nobody who shows no certificate."""


@dataclass(frozen=True, slots=True)
class EndpointConnection:
    """A private endpoint's way to a gateway. `endpoint` is its id, `status` Azure's word for its state."""

    endpoint: str
    status: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class AzureGateway:
    """An Application Gateway for Containers as Azure has it, whoever made it.

    `frontends` are their names in the DNS and `associations` the ids of their subnets, each with the state of
    its last operation. `endpoints` are listed for private frontends only.
    """

    id: str
    state: str
    frontends: Mapping[str, str]
    associations: Mapping[str, str]
    endpoints: tuple[EndpointConnection, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything seen of one host.

    `delegation` is for public zones and `networks` (names of the virtual networks linked) for private
    ones; `writer` is the object that makes DNS records be written, if the profile has one. `wire` is what
    the gateway shows, `answer` what it answers to the host's own scheme, and `redirect` what it answers
    to plain HTTP where the host has a certificate. With mutual TLS `answer` is that to a client with a
    certificate, and `anonymous` that to one without. `gateway`
    is what is outside of the cluster.
    """

    front: Live | Unknown | None
    route: Live | Unknown | None
    records: Records | Unknown | None
    answer: HttpAnswer | CertificateWanted | Unreached | Unknown
    writer: Live | Unknown | None = None
    delegation: Delegation | Unknown | None = None
    networks: tuple[str, ...] | Unknown | None = None
    current: VaultVersion | Unknown | None = None
    secret: CertificateFacts | Unknown | None = None
    wire: Handshake | Unreached | Unknown | None = None
    redirect: HttpAnswer | CertificateWanted | Unreached | Unknown | None = None
    anonymous: HttpAnswer | CertificateWanted | Unreached | Unknown | None = None
    gateway: AzureGateway | Unknown | None = None
