"""The certificates in a cluster's Secrets, without the rest of a host's chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.providers.azure.clients import Clients
from provision.providers.kubernetes.access import Ways
from provision.providers.network import in_cluster
from provision.resources.manifest import Manifest
from provision.verify.evidence import CertificateFacts, Unknown
from provision.verify.probes import SecretName


async def certificates(
    clients: Clients, beside: Manifest, names: Sequence[SecretName]
) -> Mapping[SecretName, CertificateFacts | Unknown | None]:
    """What the Secrets hold, in the cluster of `beside`. Of each only its certificate is read."""
    way = Ways(clients).into(
        beside.cluster_id, access=beside.access, private=beside.private is True, entra=beside.entra is True
    )
    return (await in_cluster.read(way, (), names)).secrets
