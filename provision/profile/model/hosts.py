"""Hosts and where their requests go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import CERTIFICATE_NAME, KUBERNETES_NAME, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Kubernetes Service and one of its ports."""

    name: str = field(metadata=key("Name of the Service.", pattern=KUBERNETES_NAME))
    port: int = field(metadata=key("Its port.", minimum=1, maximum=65535))


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host name and where its requests go."""

    namespace: str = field(metadata=key("Namespace of the service.", pattern=KUBERNETES_NAME))
    service: Service = field(metadata=key("Where requests go."))
    certificate: str | None = field(
        default=None,
        metadata=key("Name of its certificate, one of `certificates`.", pattern=CERTIFICATE_NAME),
    )
    service_account: str | None = field(
        default=None,
        metadata=key(
            "Service account through which the certificate is read; <profile name>-ingress without it.",
            pattern=KUBERNETES_NAME,
        ),
    )
    tls: Literal["terminate", "mutual", "passthrough"] = field(
        default="terminate", metadata=key("What happens to TLS at the gateway.")
    )
    create_namespace: bool = field(
        default=False, metadata=key("Create the namespace when it does not exist; false: it must exist.")
    )
