"""The table of all handlers: Azure's kinds and Kubernetes objects."""

from __future__ import annotations

from collections.abc import Callable

from provision.apply.handler import Handlers
from provision.providers.azure.clients import Clients
from provision.providers.azure.handlers import azure_handlers
from provision.providers.azure.patience import patient
from provision.providers.kubernetes.helm_releases import HelmReleases
from provision.providers.kubernetes.istio_traces import IstioTraces
from provision.providers.kubernetes.manifests import Manifests
from provision.resources.helm_release import HelmRelease
from provision.resources.manifest import Manifest
from provision.resources.mesh import IstioTraces as Traces


def all_handlers(clients: Clients, on_wait: Callable[[str], None] | None = None) -> Handlers:
    """One handler a kind. With `on_wait` reads wait for what is busy, and tell so. Changes wait for rights
    that were given a moment ago."""
    handlers = {
        **azure_handlers(clients, on_wait),
        Manifest.KIND: Manifests(clients, on_wait),
        Traces.KIND: IstioTraces(clients, on_wait),
        HelmRelease.KIND: HelmReleases(clients, on_wait),
    }
    return {kind: patient(handler, clients) for kind, handler in handlers.items()}
