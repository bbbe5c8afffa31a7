"""Certificates in Key Vault: made by policy, imported, or only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Reading, Work
from provision.apply.together import together
from provision.errors import ConflictError, ForeignError, StalePlanError, UsageError
from provision.ingress.certificate_files import BundleError, packed, read
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.plan.orphans import Orphan
from provision.profile.secret_references import secret
from provision.providers.azure.certificate_policy import policy_of, present, undeclared
from provision.providers.azure.certificate_requests import in_the_way, request, running
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import hiding, inner_code_of, translating
from provision.providers.azure.reading import PROFILE_TAG, found, read_each, tags_of
from provision.providers.azure.searching import Once, look_in_each
from provision.providers.azure.vaults import get_vault
from provision.resources.certificate import PEM, BundleFile, Certificate
from provision.resources.observed import Absent, Observed, Present
from provision.resources.resource import Resource
from provision.resources.vault import KeyVault

if TYPE_CHECKING:
    from azure.keyvault.certificates import KeyVaultCertificate

_DELETE_POLL_SECONDS = 2.0
"""Between looks at a deletion or a recovery, the SDK's own interval."""

_NAME_WAITS = (2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0, 60.0, 60.0, 60.0)
"""Seconds between tries while a purge or a recovery of the name goes on, which takes "some minutes"
(Azure/azure-powershell 13897, 2021): five in all."""

_NAME_IN_WORK = {
    "ObjectIsBeingDeleted": "the certificate that had the name is still being removed",
    "ObjectIsBeingRecovered": "the certificate of that name is still being recovered",
}
"""Codes inside of 409 that go away by themselves. Source: "Azure Key Vault recovery management with soft
delete", Microsoft Learn, 2026-04."""

_POLICY_ONLY = frozenset({"renewBeforeDays", "renewAtPercent", "renewal"})
"""Properties that take effect without a new version."""


class Certificates:
    """Certificates; a deleted one stays recoverable in the vault."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[Certificate], profile: str) -> Reading:
        is_there = Once(self._is_there)

        async def read(resource: Certificate) -> Observed:
            return await self._read(resource, await is_there(resource.made_vault))

        return await read_each(resources, read)

    async def _is_there(self, vault: str) -> bool:
        """Whether there is a vault to be asked: the name of one that does not exist yet does not resolve,
        which resolvers remember beyond the time when it is made. True for one that must exist."""
        return not vault or bool(await get_vault(self._clients, f"looking for {vault}", vault))

    async def _read(self, resource: Certificate, is_there: bool) -> Observed:
        client = self._clients.certificates(resource.vault)
        certificate = None
        if is_there:
            certificate = await found(
                f"reading {resource.address}", client.get_certificate(resource.certificate_name)
            )
        # Those who refer to it need not wait for it: what they refer to is its name in the vault.
        vault = self._clients.cloud.vault_url(resource.vault.lower())
        foreseen = {"uri": f"{vault}/secrets/{resource.certificate_name}"}
        if certificate is None:
            return Absent(outputs=foreseen)
        if certificate.properties and not certificate.properties.x509_thumbprint:
            owner = (certificate.properties.tags or {}).get(PROFILE_TAG)
            return Absent(await self._requested(resource), foreseen, owner)
        return present(certificate)

    async def _requested(self, resource: Certificate) -> str:
        """What is known of a certificate that was asked for and never made."""
        client = self._clients.certificates(resource.vault)
        with translating(f"reading the request for {resource.address}"):
            operation = await running(client, resource.certificate_name)
        if operation is None:
            return "it was asked for and never made"
        return f"a request to {operation.issuer_name} is under way"

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Look through the vaults of the profile for certificates of ours that it no longer declares."""
        declared = {each.name.casefold() for each in resources if isinstance(each, Certificate)}

        async def look(vault: KeyVault) -> list[Orphan]:
            if not await self._is_there(str(vault.id) if vault.create else ""):
                return []
            marked = await found(f"reading what is in {vault.address}", self._marked(vault.name, profile))
            left = [name for name in marked or () if f"{vault.name}/{name}".casefold() not in declared]
            looked = await together(self._orphan(vault, name) for name in left)
            return [orphan for orphan in looked if orphan]

        vaults = {each.address: each for each in resources if isinstance(each, KeyVault)}
        return await look_in_each(vaults, look)

    async def _marked(self, vault: str, profile: str) -> list[str]:
        listed = self._clients.certificates(vault).list_properties_of_certificates(include_pending=True)
        return [str(each.name) async for each in listed if (each.tags or {}).get(PROFILE_TAG) == profile]

    async def _orphan(self, vault: KeyVault, name: str) -> Orphan | None:
        client = self._clients.certificates(vault.name)
        certificate = await found(f"reading certificate {vault.name}/{name}", client.get_certificate(name))
        return None if certificate is None else (undeclared(vault, name, certificate), present(certificate))

    async def create(self, resource: Certificate, work: Work) -> Present:
        """A new certificate, or a new version of one. One of ours that was deleted is recovered instead, and
        gets a new version only where its policy is another or it has expired."""
        for wait in _NAME_WAITS:
            try:
                return await self._create(resource, work)
            except ConflictError as error:
                in_work = _name_in_work(error)
                if not in_work:
                    raise
            work.progress(f"{in_work}, trying again in {wait:g} s")
            await self._clients.sleep(wait)
        return await self._create(resource, work)

    async def _create(self, resource: Certificate, work: Work) -> Present:
        with translating(f"creating {resource.address}"):
            try:
                return await self._make(resource, work, {})
            except HttpResponseError as error:
                if inner_code_of(error) != "ObjectIsDeletedButRecoverable":
                    raise
            work.progress("a deleted certificate holds the name, recovering it")
            await self._recover(resource, work)
            client = self._clients.certificates(resource.vault)
            recovered = await client.get_certificate(resource.certificate_name)
            if _has_expired(recovered) or not _was_made(recovered):
                return await self._make(resource, work, {})
        observed = present(recovered)
        return await self.update(resource, observed, diff(resource.properties(), observed.properties), work)

    async def _recover(self, resource: Certificate, work: Work) -> None:
        """Take our own certificate back from the vault's deleted ones; somebody else's stays there."""
        client = self._clients.certificates(resource.vault)
        deleted = await client.get_deleted_certificate(resource.certificate_name)
        tags = (deleted.properties.tags if deleted.properties else None) or {}
        if tags.get(PROFILE_TAG) != work.mark.profile:
            raise ForeignError(
                f"creating {resource.address}",
                "a deleted certificate that is not ours holds the name",
                "Choose another name, or recover it and take it over with --adopt:",
                f"az keyvault certificate recover --vault-name {resource.vault}"
                f" --name {resource.certificate_name}",
            )
        await client.recover_deleted_certificate(
            resource.certificate_name, _polling_interval=_DELETE_POLL_SECONDS * self._clients.cloud.pace
        )

    async def _make(
        self, resource: Certificate, work: Work, kept: Mapping[str, str] | None = None
    ) -> Present:
        tags = {**(kept or {}), **resource.tags, **tags_of(work.mark)}
        if resource.source is not None:
            return present(await self._import(resource, resource.source, tags))
        made, by_us = await request(self._clients, resource, tags, work.progress)
        observed = present(made)
        if by_us:
            return observed
        fields = diff(resource.properties(), observed.properties)
        return await self.update(resource, observed, fields, work)

    async def _import(
        self, resource: Certificate, source: BundleFile, tags: dict[str, str]
    ) -> KeyVaultCertificate:
        from azure.keyvault.certificates import CertificatePolicy

        doing = f"importing {resource.address}"
        password = secret(source.password, doing) if source.password else ""
        try:
            found = read(source.file, password)
            content = packed(source.file, password, pem=resource.content_type == PEM)
        except BundleError as error:
            raise UsageError(doing, error.why, error.fix) from None
        if found.thumbprint != source.thumbprint:
            raise StalePlanError(doing, f"{source.file} is another file by now", "Run plan again.")
        client = self._clients.certificates(resource.vault)
        try:
            with hiding(password):  # and the key, which is long
                return await client.import_certificate(
                    resource.certificate_name,
                    content,
                    policy=CertificatePolicy(content_type=resource.content_type, exportable=True),
                    enabled=resource.enabled,
                    tags=tags,
                )
        except HttpResponseError as error:
            under_way = await running(client, resource.certificate_name) if error.status_code == 409 else None
            if under_way is None:
                raise
            raise in_the_way(resource, under_way) from error

    async def update(
        self, resource: Certificate, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """Change what can be changed in place; anything about key, names or issuer needs a new version."""
        paths = {field.path for field in fields}
        kept = _others_tags(observed)
        in_place = {path for path in paths if path == "enabled" or path.startswith("tags.")}
        if not paths <= _POLICY_ONLY | in_place:
            with translating(f"updating {resource.address}"):
                return await self._make(resource, work, kept)
        client = self._clients.certificates(resource.vault)
        with translating(f"updating {resource.address}"):
            if paths & _POLICY_ONLY:
                await client.update_certificate_policy(resource.certificate_name, policy_of(resource))
            await client.update_certificate_properties(
                resource.certificate_name,
                enabled=resource.enabled,
                tags={**kept, **resource.tags, **tags_of(work.mark)},
            )
            return present(await client.get_certificate(resource.certificate_name))

    async def delete(self, resource: Certificate, observed: Present, work: Work) -> None:
        client = self._clients.certificates(resource.vault)
        with translating(f"deleting {resource.address}"):
            await client.delete_certificate(
                resource.certificate_name, _polling_interval=_DELETE_POLL_SECONDS * self._clients.cloud.pace
            )


def _name_in_work(error: ConflictError) -> str:
    """What goes on with the name, empty where it is something else that stands in the way."""
    cause = error.__cause__
    return _NAME_IN_WORK.get(inner_code_of(cause), "") if isinstance(cause, HttpResponseError) else ""


def _was_made(certificate: KeyVaultCertificate) -> bool:
    """Whether its request was ever answered: it may have been deleted while that was under way."""
    return bool(certificate.properties and certificate.properties.x509_thumbprint)


def _has_expired(certificate: KeyVaultCertificate) -> bool:
    expires = certificate.properties.expires_on if certificate.properties else None
    return expires is not None and expires <= datetime.now(UTC)


def _others_tags(observed: Present) -> dict[str, str]:
    """Tags that stay as they are, whoever set them: a write replaces them all."""
    tags = observed.outputs.get("tags")
    return {str(name): str(value) for name, value in tags.items()} if isinstance(tags, Mapping) else {}
