"""Certificate issuers (accounts at certification authorities) and contacts of a vault.

Neither carries a mark; `resources/issuer.py` says what counts as ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from provision.apply.handler import Reading, Work
from provision.errors import ForeignError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.profile.secret_references import secret
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import hiding, translating
from provision.providers.azure.reading import PROFILE_TAG, found, read_each
from provision.resources.issuer import CertificateContacts, CertificateIssuer, by_address, person
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import Value

if TYPE_CHECKING:
    from azure.keyvault.certificates.aio import CertificateClient


class Issuers:
    """Accounts at certification authorities. A write replaces the whole issuer, its password too."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[CertificateIssuer], profile: str) -> Reading:
        async def read(resource: CertificateIssuer) -> Observed:
            client = self._clients.certificates(resource.vault)
            issuer = await found(f"reading {resource.address}", client.get_issuer(resource.issuer_name))
            return Absent() if issuer is None else _issuer(resource, issuer, profile)

        return await read_each(resources, read)

    async def create(self, resource: CertificateIssuer, work: Work) -> Present:
        return await self._write(resource, f"creating {resource.address}", work)

    async def update(
        self, resource: CertificateIssuer, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self._write(resource, f"updating {resource.address}", work)

    async def _write(self, resource: CertificateIssuer, doing: str, work: Work) -> Present:
        from azure.keyvault.certificates import AdministratorContact

        client = self._clients.certificates(resource.vault)
        people: list[AdministratorContact] = [
            AdministratorContact(
                email=str(each["email"]),
                first_name=_text(each.get("firstName")),
                last_name=_text(each.get("lastName")),
                phone=_text(each.get("phone")),
            )
            for each in resource.administrators
        ]
        with translating(doing):
            before = None
            if not people or not resource.organization_id:  # what is not declared stays as it is
                before = await found(doing, client.get_issuer(resource.issuer_name))
            password = secret(resource.password, doing)
            with hiding(password):
                issuer = await client.create_issuer(
                    resource.issuer_name,
                    resource.provider,
                    enabled=True,
                    account_id=resource.account_id,
                    password=password,
                    organization_id=resource.organization_id or (before.organization_id if before else None),
                    admin_contacts=people or (before.admin_contacts if before else None),
                )
        return _issuer(resource, issuer, work.mark.profile)

    async def delete(self, resource: CertificateIssuer, observed: Present, work: Work) -> None:
        """Refused while a certificate that is not ours is renewed through it."""
        doing = f"deleting {resource.address}"
        client = self._clients.certificates(resource.vault)
        with translating(doing):
            users = await _others_through(client, resource.issuer_name, work.mark.profile)
            if users:
                raise ForeignError(
                    doing,
                    f"it stays: certificates that are not ours are renewed through it ({', '.join(users)})",
                    "Have them given another issuer, then run it again; or leave the issuer.",
                )
            await client.delete_issuer(resource.issuer_name)


async def _others_through(client: CertificateClient, issuer: str, profile: str) -> list[str]:
    names = [
        str(each.name)
        async for each in client.list_properties_of_certificates(include_pending=True)
        if (each.tags or {}).get(PROFILE_TAG) != profile
    ]
    policies = [(name, await client.get_certificate_policy(name)) for name in names]
    return [name for name, policy in policies if (policy.issuer_name or "").casefold() == issuer.casefold()]


def _issuer(resource: CertificateIssuer, issuer: Any, profile: str) -> Present:
    people = [
        person(each.email or "", firstName=each.first_name, lastName=each.last_name, phone=each.phone)
        for each in issuer.admin_contacts or ()
    ]
    properties: dict[str, Value] = {
        "enabled": issuer.enabled is not False,
        "provider": issuer.provider,
        "accountId": issuer.account_id,
        "organizationId": issuer.organization_id,
        "administrators": by_address(people),
    }
    ours = resource.vault_owner == profile or not diff(resource.properties(), properties)
    return Present(
        properties=properties,
        owner=profile if ours else None,
        changed_at=issuer.updated_on.isoformat() if issuer.updated_on else "",
    )


class Contacts:
    """Whom a vault tells of expiring certificates: one list, written as a whole."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[CertificateContacts], profile: str) -> Reading:
        async def read(resource: CertificateContacts) -> Observed:
            client = self._clients.certificates(resource.vault)
            contacts = await found(f"reading {resource.address}", client.get_contacts())
            return _contacts(resource, contacts, profile) if contacts else Absent()

        return await read_each(resources, read)

    async def create(self, resource: CertificateContacts, work: Work) -> Present:
        from azure.keyvault.certificates import CertificateContact

        wanted = [
            CertificateContact(str(each["email"]), _text(each.get("name")), _text(each.get("phone")))
            for each in resource.contacts
        ]
        with translating(f"writing {resource.address}"):
            written = await self._clients.certificates(resource.vault).set_contacts(wanted)
        return _contacts(resource, written, work.mark.profile)

    async def update(
        self, resource: CertificateContacts, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self.create(resource, work)

    async def delete(self, resource: CertificateContacts, observed: Present, work: Work) -> None:
        with translating(f"deleting {resource.address}"):
            await self._clients.certificates(resource.vault).delete_contacts()


def _contacts(resource: CertificateContacts, contacts: Sequence[Any], profile: str) -> Present:
    people = by_address([person(each.email or "", name=each.name, phone=each.phone) for each in contacts])
    declared = {str(each["email"]).casefold() for each in resource.contacts}
    strangers = {str(each["email"]).casefold() for each in people} - declared
    ours = resource.vault_owner == profile or not strangers
    return Present(properties={"contacts": people}, owner=profile if ours else None)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
