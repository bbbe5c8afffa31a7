"""Hosts and where their requests go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import (
    CERTIFICATE_NAME,
    HOST_NAME,
    KUBERNETES_NAME,
    OBJECT_NAME,
    STATUS_CODES,
    URL_PATH,
    key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Kubernetes Service and one of its ports."""

    name: str = field(metadata=key("Name of the Service.", pattern=KUBERNETES_NAME))
    port: int = field(metadata=key("Its port.", minimum=1, maximum=65535))
    weight: int | None = field(
        default=None,
        metadata=key("Its share of the requests among the services of `split`.", minimum=0, maximum=1000000),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How the gateway finds out which pods of a service can answer."""

    path: str = field(default="/", metadata=key("Path that is asked for.", pattern=URL_PATH))
    port: int | None = field(
        default=None, metadata=key("Port of the pods; the service's without it.", minimum=1, maximum=65535)
    )
    interval_seconds: int = field(default=5, metadata=key("Between two checks.", minimum=1, maximum=300))
    timeout_seconds: int = field(
        default=30, metadata=key("Until a check counts as failed.", minimum=1, maximum=300)
    )
    healthy_threshold: int = field(
        default=1, metadata=key("Good answers until a pod is used again.", minimum=1, maximum=100)
    )
    unhealthy_threshold: int = field(
        default=3, metadata=key("Bad answers until a pod is left out.", minimum=1, maximum=100)
    )
    status_codes: str = field(
        default="200-399", metadata=key("Which answers are good.", pattern=STATUS_CODES)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendTls:
    """TLS between the gateway and the service."""

    server_name: str = field(
        metadata=key(
            "Name that the gateway asks for and the service's certificate is for.", pattern=HOST_NAME
        )
    )
    ca: str | None = field(
        default=None,
        metadata=key(
            "Secret with the authority (ca.crt) that signed the service's certificate; well-known ones"
            " without it.",
            pattern=OBJECT_NAME,
        ),
    )
    client_certificate: str | None = field(
        default=None,
        metadata=key(
            "Secret (kubernetes.io/tls) with the certificate that the gateway shows to the service.",
            pattern=OBJECT_NAME,
        ),
    )


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
    load_balancer: Literal["external", "internal"] | None = field(
        default=None,
        metadata=key(
            "Which ingress gateway serves it, where there are two (istio-service-mesh with api: istio);"
            " ingress.loadBalancer without it."
        ),
    )
    tls: Literal["terminate", "mutual", "passthrough"] = field(
        default="terminate", metadata=key("What happens to TLS at the gateway.")
    )
    client_ca: str | None = field(
        default=None,
        metadata=key(
            "With tls: mutual, the Secret of the namespace (with api: istio that of the gateways,"
            " aks-istio-ingress) whose ca.crt holds the authorities of clients.",
            pattern=OBJECT_NAME,
            name="clientCA",
        ),
    )
    split: tuple[Service, ...] = field(
        default=(), metadata=key("Further services that get a share of the requests, by weight.")
    )
    backend_tls: BackendTls | None = field(
        default=None, metadata=key("TLS to the service; plain HTTP without it.", name="backendTLS")
    )
    health_check: HealthCheck | None = field(
        default=None, metadata=key("How the gateway checks the service; by its own defaults without it.")
    )
    timeout_seconds: int | None = field(
        default=None,
        metadata=key("Until a request must be answered; the gateway's own limit without it.", minimum=1),
    )
    create_namespace: bool = field(
        default=False, metadata=key("Create the namespace when it does not exist; false: it must exist.")
    )
