"""Certificates in Key Vault, made by policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Reading, Work
from provision.apply.together import together
from provision.errors import ForeignError, ServiceError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import inner_code_of, translating
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, found, read_each, tags_of
from provision.providers.azure.searching import look_in_each
from provision.resources.arm import ArmId
from provision.resources.certificate import Certificate
from provision.resources.observed import Absent, Observed, Present
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KeyVault

if TYPE_CHECKING:
    from azure.keyvault.certificates import CertificateOperation, CertificatePolicy, KeyVaultCertificate

_POLL_SECONDS = 5.0
"""Between looks at a pending certificate. A self-signed one takes about 12 s (recording, 2023)."""

_DELETE_POLL_SECONDS = 2.0
"""Between looks at a deletion or a recovery, the SDK's own interval."""

_POLICY_ONLY = frozenset({"renewBeforeDays"})
"""Properties that take effect without a new version."""


class Certificates:
    """Certificates by policy; a deleted one stays recoverable in the vault."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[Certificate], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: Certificate) -> Observed:
        client = self._clients.certificates(resource.vault)
        certificate = await found(
            f"reading {resource.address}", client.get_certificate(resource.certificate_name)
        )
        return Absent() if certificate is None else _certificate(certificate)

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Look through the vaults of the profile for certificates of ours that it no longer declares."""
        declared = {each.name.casefold() for each in resources if isinstance(each, Certificate)}

        async def look(vault: KeyVault) -> list[Orphan]:
            marked = await found(f"reading what is in {vault.address}", self._marked(vault.name, profile))
            left = [name for name in marked or () if f"{vault.name}/{name}".casefold() not in declared]
            looked = await together(self._orphan(vault, name) for name in left)
            return [orphan for orphan in looked if orphan]

        vaults = {each.address: each for each in resources if isinstance(each, KeyVault)}
        return await look_in_each(vaults, look)

    async def _marked(self, vault: str, profile: str) -> list[str]:
        listed = self._clients.certificates(vault).list_properties_of_certificates()
        return [str(each.name) async for each in listed if (each.tags or {}).get(PROFILE_TAG) == profile]

    async def _orphan(self, vault: KeyVault, name: str) -> Orphan | None:
        client = self._clients.certificates(vault.name)
        certificate = await found(f"reading certificate {vault.name}/{name}", client.get_certificate(name))
        return (
            None
            if certificate is None
            else (_undeclared(vault, name, certificate), _certificate(certificate))
        )

    async def create(self, resource: Certificate, work: Work) -> Present:
        """A new certificate, or a new version of one. One of ours that was deleted is recovered instead, and
        gets a new version only where its policy is another or it has expired."""
        with translating(f"creating {resource.address}"):
            try:
                return await self._make(resource, work)
            except HttpResponseError as error:
                if inner_code_of(error) != "ObjectIsDeletedButRecoverable":
                    raise
            work.progress("a deleted certificate holds the name, recovering it")
            await self._recover(resource, work)
            client = self._clients.certificates(resource.vault)
            recovered = await client.get_certificate(resource.certificate_name)
            if _has_expired(recovered):
                return await self._make(resource, work)
        observed = _certificate(recovered)
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

    async def _make(self, resource: Certificate, work: Work) -> Present:
        from azure.keyvault.certificates import KeyVaultCertificate

        made = await self._clients.certificates(resource.vault).create_certificate(
            resource.certificate_name,
            _policy(resource),
            enabled=True,
            tags=tags_of(work.mark),
            # The SDK's only way to set the interval; it ignores Retry-After here.
            _polling_interval=_POLL_SECONDS * self._clients.cloud.pace,
        )
        if not isinstance(made, KeyVaultCertificate):
            raise ServiceError(
                f"creating {resource.address}",
                _ending(made),
                "Look at the pending operation:",
                f"az keyvault certificate pending show --vault-name {resource.vault}"
                f" --name {resource.certificate_name}",
            )
        return _certificate(made)

    async def update(
        self, resource: Certificate, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """Change what can be changed in place; anything about key or names needs a new version."""
        paths = {field.path for field in fields}
        if not paths <= _POLICY_ONLY | {"enabled"}:
            return await self.create(resource, work)
        client = self._clients.certificates(resource.vault)
        with translating(f"updating {resource.address}"):
            if paths & _POLICY_ONLY:
                await client.update_certificate_policy(resource.certificate_name, _policy(resource))
            await client.update_certificate_properties(
                resource.certificate_name, enabled=True, tags=tags_of(work.mark)
            )
            return _certificate(await client.get_certificate(resource.certificate_name))

    async def delete(self, resource: Certificate, observed: Present, work: Work) -> None:
        client = self._clients.certificates(resource.vault)
        with translating(f"deleting {resource.address}"):
            await client.delete_certificate(
                resource.certificate_name, _polling_interval=_DELETE_POLL_SECONDS * self._clients.cloud.pace
            )


def _policy(resource: Certificate) -> CertificatePolicy:
    from azure.keyvault.certificates import CertificatePolicy, CertificatePolicyAction, LifetimeAction

    renewal = LifetimeAction(
        CertificatePolicyAction.auto_renew, days_before_expiry=resource.renew_before_days
    )
    return CertificatePolicy(
        issuer_name=resource.issuer,
        subject=resource.subject,
        san_dns_names=sorted(map(str, resource.dns_names)),
        validity_in_months=resource.validity_months,
        lifetime_actions=[renewal],
        key_type=resource.key_type,
        key_size=resource.key_size,
        key_curve_name=resource.curve,
        exportable=resource.exportable,
        content_type=resource.content_type,
        reuse_key=False,
    )


def _has_expired(certificate: KeyVaultCertificate) -> bool:
    expires = certificate.properties.expires_on if certificate.properties else None
    return expires is not None and expires <= datetime.now(UTC)


def _undeclared(vault: KeyVault, name: str, certificate: KeyVaultCertificate) -> Certificate:
    """The certificate as the profile would have it."""
    policy = certificate.policy or CertificatePolicy()
    return Certificate(
        name=f"{vault.name}/{name}",
        vault=vault.name,
        vault_subscription=ArmId.parse(vault.id).subscription,
        certificate_name=name,
        issuer=policy.issuer_name or "",
        subject=policy.subject or "",
        dns_names=frozenset(CaseInsensitive(host) for host in policy.san_dns_names or ()),
        validity_months=policy.validity_in_months or 0,
        renew_before_days=_renewal(policy) or 0,
        key_type=_text(policy.key_type) or "",
        key_size=policy.key_size,
        curve=_text(policy.key_curve_name),
    )


def _certificate(certificate: KeyVaultCertificate) -> Present:
    policy = certificate.policy
    properties = certificate.properties
    if policy is None or properties is None:
        raise ServiceError(f"reading certificate {certificate.name}", "the service's answer holds no policy")
    tags = properties.tags or {}
    return Present(
        properties={
            "enabled": bool(properties.enabled),
            "issuer": policy.issuer_name,
            "subject": policy.subject,
            "dnsNames": frozenset(CaseInsensitive(host) for host in policy.san_dns_names or ()),
            "validityMonths": policy.validity_in_months,
            "renewBeforeDays": _renewal(policy),
            "keyType": _text(policy.key_type),
            "keySize": policy.key_size,
            "curve": _text(policy.key_curve_name),
            "exportable": policy.exportable,
            "contentType": _text(policy.content_type),
        },
        outputs={
            "uri": _unversioned(certificate.secret_id) if certificate.secret_id else None,
            "thumbprint": properties.x509_thumbprint.hex().upper() if properties.x509_thumbprint else None,
            "expires": properties.expires_on.date().isoformat() if properties.expires_on else None,
        },
        owner=tags.get(PROFILE_TAG),
        digest=tags.get(DIGEST_TAG),
        changed_at=properties.updated_on.isoformat() if properties.updated_on else "",
    )


def _ending(operation: CertificateOperation) -> str:
    """How a request ended that made no certificate."""
    error = operation.error
    why = f"{error.code}: {error.message}" if error else operation.status_details
    return f"Key Vault ended the request as {operation.status}" + (f": {why}" if why else "")


def _renewal(policy: CertificatePolicy) -> int | None:
    """Days before expiry at which the vault renews, None when it does not or goes by a percentage."""
    for action in policy.lifetime_actions or ():
        if _text(action.action) == "AutoRenew":
            return action.days_before_expiry
    return None


def _text(value: Any) -> str | None:
    return None if value is None else str(getattr(value, "value", value))


def _unversioned(secret_id: str) -> str:
    """An ingress must refer to the secret without its version, or it never sees a renewal."""
    return secret_id.rsplit("/", 1)[0]
