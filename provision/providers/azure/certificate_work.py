"""What certificates need by hand: signing requests, their answers, giving up, purging."""

from __future__ import annotations

import base64
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from provision.apply.handler import Mark
from provision.errors import ConflictError, ForeignError, NotFoundError, UsageError
from provision.ingress.certificate_files import names_of
from provision.ingress.certificate_rules import covers
from provision.providers.azure.certificate_policy import policy_of
from provision.providers.azure.certificate_requests import (
    Tell,
    of_another_issuer,
    outdated,
    request,
    running,
)
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import inner_code_of, translating
from provision.providers.azure.reading import PROFILE_TAG, tags_of
from provision.resources.certificate import UNKNOWN, Certificate

if TYPE_CHECKING:
    from azure.keyvault.certificates import CertificateOperation, KeyVaultCertificate
    from azure.keyvault.certificates.aio import CertificateClient
    from cryptography import x509


async def signing_request(clients: Clients, resource: Certificate, mark: Mark) -> str:
    """The request in PEM: that which is under way, else a new one. Raises UsageError for another issuer."""
    if resource.issuer != UNKNOWN or not resource.by_policy:
        raise UsageError(
            f"requesting {resource.address}",
            "only a certificate with issuer: Unknown is signed outside of the vault",
            "Write issuer: Unknown, or let apply make it.",
        )
    doing = f"requesting {resource.address}"
    client = clients.certificates(resource.vault)
    with translating(doing):
        operation = await running(client, resource.certificate_name)
        if operation is None:
            operation = await _requested(client, resource, mark)
        elif operation.issuer_name != UNKNOWN:
            raise of_another_issuer(resource, operation)
        elif stale := outdated(resource, operation):
            raise stale
    if not operation.csr:
        raise NotFoundError(doing, "Key Vault gave no signing request")
    lines = textwrap.wrap(base64.b64encode(operation.csr).decode(), 64)
    return "\n".join(("-----BEGIN CERTIFICATE REQUEST-----", *lines, "-----END CERTIFICATE REQUEST-----", ""))


async def _requested(client: CertificateClient, resource: Certificate, mark: Mark) -> CertificateOperation:
    """A new request: of a new certificate, or of a new version, which keeps the tags that others set."""
    try:
        made = await client.create_certificate(
            resource.certificate_name,
            policy_of(resource),
            enabled=resource.enabled,
            tags={**_tags(await _current(client, resource)), **resource.tags, **tags_of(mark)},
        )
    except HttpResponseError as error:
        if inner_code_of(error) != "ObjectIsDeletedButRecoverable":
            raise
        raise ConflictError(
            f"requesting {resource.address}",
            "a deleted certificate holds the name",
            "Apply the profile, which recovers one of ours; or have ours removed for ever:",
            f"provision certificate purge PROFILE {resource.certificate_name}",
        ) from error
    return cast("CertificateOperation", made)  # with issuer Unknown there can't be a certificate yet


async def _current(client: CertificateClient, resource: Certificate) -> KeyVaultCertificate | None:
    """The current version, None where there is none."""
    try:
        return await client.get_certificate(resource.certificate_name)
    except ResourceNotFoundError:
        return None


def _tags(current: KeyVaultCertificate | None) -> dict[str, str]:
    return dict(current.properties.tags or {}) if current and current.properties else {}


def _thumbprint(made: KeyVaultCertificate) -> str:
    thumbprint = made.properties.x509_thumbprint if made.properties else None
    return thumbprint.hex().upper() if thumbprint else "no thumbprint was answered"


async def merge(clients: Clients, resource: Certificate, content: bytes, file: str, mark: Mark) -> str:
    """Give the vault what an authority made of its request. Returns the thumbprint of the new version.

    Raises UsageError when the file holds no certificate for the request's key, or one for other names.
    """
    client = clients.certificates(resource.vault)
    doing = f"merging {file} into {resource.address}"
    with translating(doing):
        operation = await running(client, resource.certificate_name)
    if operation is None:
        raise NotFoundError(
            doing,
            "no request is under way for it",
            "Make one:",
            f"provision certificate csr PROFILE {resource.certificate_name}",
        )
    if stale := outdated(resource, operation):
        raise stale
    chain = _chain(doing, content)
    _check(doing, resource, chain, operation)
    with translating(doing):
        tags = _tags(await _current(client, resource))
        made = await client.merge_certificate(
            resource.certificate_name,
            [_der(each) for each in chain],
            enabled=resource.enabled,
            tags={**tags, **resource.tags, **tags_of(mark)},
        )
    return _thumbprint(made)


async def renew(clients: Clients, resource: Certificate, mark: Mark, tell: Tell) -> str:
    """Have a version made now by the profile's policy. Returns its thumbprint.

    Raises UsageError for a certificate that no vault makes, ForeignError for one of somebody else's, and what
    `request` raises.
    """
    doing = f"renewing {resource.address}"
    if not resource.by_policy:
        fix = "Put a new file in place of the old one and apply." if resource.source else "Ask who keeps it."
        raise UsageError(doing, "no policy of the profile makes it", fix)
    client = clients.certificates(resource.vault)
    with translating(doing):
        current = await _current(client, resource)
        if current is None:
            raise NotFoundError(doing, "it does not exist yet", "Make it:", "provision apply PROFILE")
        tags = _tags(current)
        if tags.get(PROFILE_TAG) != mark.profile:
            raise ForeignError(
                doing, "it does not carry our mark", "Take it over:", "provision apply PROFILE --adopt"
            )
        made, _ = await request(clients, resource, {**tags, **resource.tags, **tags_of(mark)}, tell)
    return _thumbprint(made)


async def cancel(clients: Clients, resource: Certificate) -> str:
    """Give up the request that is under way, or forget one that ended without a certificate, which the vault
    keeps in the way of the next. Returns what became of it."""
    client = clients.certificates(resource.vault)
    with translating(f"cancelling the request for {resource.address}"):
        try:
            operation = await client.get_certificate_operation(resource.certificate_name)
            if operation.status == "completed":
                return "no request is under way, the last one is completed"
            if operation.status == "inProgress":
                await client.cancel_certificate_operation(resource.certificate_name)
            await client.delete_certificate_operation(resource.certificate_name)
        except ResourceNotFoundError:
            return "no request is under way"
    became = (
        "given up" if operation.status == "inProgress" else f"forgotten; it had ended as {operation.status}"
    )
    return f"the request to {operation.issuer_name} is {became}"


async def purge(clients: Clients, resource: Certificate, profile: str) -> None:
    """Remove a deleted certificate of ours for ever. Raises ForeignError for one of somebody else's."""
    client = clients.certificates(resource.vault)
    doing = f"purging {resource.address}"
    with translating(doing):
        deleted = await client.get_deleted_certificate(resource.certificate_name)
        tags = (deleted.properties.tags if deleted.properties else None) or {}
        if tags.get(PROFILE_TAG) != profile:
            raise ForeignError(doing, "the deleted certificate of that name is not ours")
        await client.purge_deleted_certificate(resource.certificate_name)


def _chain(doing: str, content: bytes) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        raise UsageError(
            doing,
            "it holds no certificate",
            "Have it in PEM, with its issuers' certificates, or DER.",
        ) from None


def _check(
    doing: str, resource: Certificate, chain: list[x509.Certificate], operation: CertificateOperation
) -> None:
    from cryptography import x509

    key = x509.load_der_x509_csr(operation.csr or b"").public_key() if operation.csr else None
    own = next((each for each in chain if each.public_key() == key), None)
    if key is not None and own is None:
        raise ConflictError(
            doing,
            "none of its certificates is for the key of the request that is under way",
            "Merge the answer to this request:",
            f"provision certificate csr PROFILE {resource.certificate_name}",
        )
    names = names_of(own) if own else ()
    if own and own.not_valid_after_utc <= datetime.now(UTC):
        ended = own.not_valid_after_utc.date()
        raise ConflictError(doing, f"it expired on {ended}", "Have the authority sign the request anew.")
    missing = [str(each) for each in resource.dns_names if not any(covers(name, str(each)) for name in names)]
    if own and missing:
        raise ConflictError(
            doing,
            f"it is for {', '.join(names) or 'no name'}, not for {', '.join(sorted(missing))}",
            "Have the authority sign the request with its names.",
        )


def _der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)
