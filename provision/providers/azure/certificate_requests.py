"""Requests for certificates that take their time: begun, found again, waited for.

A request stays in the vault whatever becomes of us, so an apply that was interrupted goes on with it.
Source: "Monitor and manage certificate creation", Key Vault documentation, Microsoft Learn, 2026-05.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from provision.errors import ConflictError, ServiceError
from provision.ingress.certificate_files import names_of
from provision.providers.azure.certificate_policy import policy_of
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import inner_code_of
from provision.resources.certificate import SELF, UNKNOWN, Certificate

if TYPE_CHECKING:
    from azure.keyvault.certificates import CertificateOperation, KeyVaultCertificate
    from azure.keyvault.certificates.aio import CertificateClient

_POLL_SECONDS = 5.0
"""Between looks at a pending certificate. A self-signed one takes about 12 s (recording, 2023)."""
_PATIENCE = 600.0
"""Seconds for which an authority is waited for: some look at a request by hand, which takes days."""

_LEAST_PATIENCE = 30.0
"""Real seconds, however fast the cloud is: making a key takes time of its own."""

Tell = Callable[[str], None]


async def request(
    clients: Clients, resource: Certificate, tags: dict[str, str], tell: Tell
) -> tuple[KeyVaultCertificate, bool]:
    """Have a version made by the policy, or go on with the request that is under way.

    Returns it once it is there, and whether this call asked for it: otherwise it is what an earlier apply
    asked for, or the vault itself when it renews. Raises ConflictError while it waits for somebody: its
    authority, or, with issuer Unknown, whoever brings the request there; ServiceError when the request ended
    otherwise.
    """
    client = clients.certificates(resource.vault)
    under_way = None if resource.issuer == SELF else await running(client, resource.certificate_name)
    if under_way is None:
        try:
            return await _begin(clients, client, resource, tags), True
        except HttpResponseError as error:
            # Two requests at a time are refused without a code of their own inside.
            if error.status_code != 409 or inner_code_of(error):
                raise
            under_way = await _latest(client, resource.certificate_name)
            if under_way is None or under_way.status not in ("inProgress", "completed"):
                raise
    if under_way.issuer_name != resource.issuer:
        raise of_another_issuer(resource, under_way)
    if resource.issuer == UNKNOWN:
        raise outdated(resource, under_way) or waits_for_authority(resource)
    tell("going on with the request that is under way")
    await _ended(clients, client, resource, tell)
    return await client.get_certificate(resource.certificate_name), False


async def running(client: CertificateClient, name: str) -> CertificateOperation | None:
    """The request that is under way for a certificate, if there is one."""
    operation = await _latest(client, name)
    return operation if operation and operation.status == "inProgress" else None


async def _latest(client: CertificateClient, name: str) -> CertificateOperation | None:
    """The last request, which a vault keeps when it has ended."""
    try:
        return await client.get_certificate_operation(name)
    except ResourceNotFoundError:
        return None


def waits_for_authority(resource: Certificate) -> ConflictError:
    """The error of a certificate of issuer Unknown whose request nobody has answered yet."""
    return ConflictError(
        f"creating {resource.address}",
        "its request waits in the vault for a certification authority",
        "Get the request, have it signed, and merge what comes back:",
        f"provision certificate csr PROFILE {resource.certificate_name} -o request.csr\n"
        f"    provision certificate merge PROFILE {resource.certificate_name} CHAIN.pem",
    )


def outdated(resource: Certificate, operation: CertificateOperation) -> ConflictError | None:
    """The error when the request that is under way is for other names than the profile's by now: an authority
    would sign what can't be merged. A vault keeps a request as it was made."""
    from cryptography import x509

    if not operation.csr:
        return None
    names = names_of(x509.load_der_x509_csr(operation.csr))
    if not names or {name.casefold() for name in names} == {
        str(name).casefold() for name in resource.dns_names
    }:
        return None
    return ConflictError(
        f"requesting {resource.address}",
        f"the request that is under way is for {', '.join(names)}, and the profile says"
        f" {', '.join(sorted(map(str, resource.dns_names)))}",
        "Give it up, then have a new one made:",
        f"provision certificate cancel PROFILE {resource.certificate_name}\n"
        f"    provision certificate csr PROFILE {resource.certificate_name} -o request.csr",
    )


async def _begin(
    clients: Clients, client: CertificateClient, resource: Certificate, tags: dict[str, str]
) -> KeyVaultCertificate:
    from azure.keyvault.certificates import KeyVaultCertificate

    try:
        # The SDK waits for the end of a request, however long that takes.
        async with asyncio.timeout(max(_PATIENCE * clients.cloud.pace, _LEAST_PATIENCE)):
            made = await client.create_certificate(
                resource.certificate_name,
                policy_of(resource),
                enabled=resource.enabled,
                tags=tags,
                # The SDK's only way to set the interval; it ignores Retry-After here.
                _polling_interval=_POLL_SECONDS * clients.cloud.pace,
            )
    except TimeoutError:
        raise _still_waiting(resource, None) from None
    if isinstance(made, KeyVaultCertificate):
        return made
    if resource.issuer == UNKNOWN:
        raise waits_for_authority(resource)
    raise _failed(resource, made)


async def _ended(clients: Clients, client: CertificateClient, resource: Certificate, tell: Tell) -> None:
    """Wait for a request's end, for as long as it is sensible to wait."""
    waited = 0.0
    while True:
        operation = await client.get_certificate_operation(resource.certificate_name)
        if operation.status == "completed":
            return
        if operation.status != "inProgress":
            raise _failed(resource, operation)
        if waited >= _PATIENCE:
            raise _still_waiting(resource, operation.status_details)
        tell(f"waiting for {resource.issuer}, {waited:.0f} s")
        await clients.sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _still_waiting(resource: Certificate, details: str | None) -> ConflictError:
    return ConflictError(
        f"creating {resource.address}",
        f"{resource.issuer} has not issued it after {_PATIENCE / 60:.0f} minutes"
        + (f": {details}" if details else ""),
        "Apply again later, which goes on with the same request; or give it up:",
        f"provision certificate cancel PROFILE {resource.certificate_name}",
    )


def _failed(resource: Certificate, operation: CertificateOperation) -> ServiceError:
    error = operation.error
    why = f"{error.code}: {error.message}" if error else operation.status_details
    return ServiceError(
        f"creating {resource.address}",
        f"Key Vault ended the request as {operation.status}" + (f": {why}" if why else ""),
        "Mend the cause, then forget the request and apply again:",
        f"provision certificate cancel PROFILE {resource.certificate_name}",
    )


def of_another_issuer(resource: Certificate, operation: CertificateOperation) -> ConflictError:
    return ConflictError(
        f"creating {resource.address}",
        f"a request to {operation.issuer_name} is under way for it, and the profile says {resource.issuer}",
        "Let it end, or give it up:",
        f"provision certificate cancel PROFILE {resource.certificate_name}",
    )


def in_the_way(resource: Certificate, operation: CertificateOperation) -> ConflictError:
    """The error when something else than a request can't be done while one is under way."""
    return ConflictError(
        f"importing {resource.address}",
        f"a request to {operation.issuer_name} is under way for it",
        "Let it end, or give it up:",
        f"provision certificate cancel PROFILE {resource.certificate_name}",
    )
