"""What counts as absent, what as unread, and what ends the run."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError

from providers.bench import MARK, refusal
from provision.errors import AccessDeniedError, CredentialError, NotFoundError, ProvisionError, ServiceError
from provision.providers.azure.reading import absent_all, found, read_each, tags_of, unread_on_failure
from provision.resources.dns import DnsZone
from provision.resources.observed import Absent, Observed, Present, Unread

FIRST = DnsZone(name="contoso.com", id="/first")
SECOND = DnsZone(name="fabrikam.com", id="/second")


async def answering(answer: Present | HttpResponseError | ProvisionError) -> Present:
    if isinstance(answer, Exception):
        raise answer
    return answer


async def test_what_is_there_is_found() -> None:
    present = Present(outputs={"id": "x"})
    assert await found("reading it", answering(present)) is present


@pytest.mark.parametrize(
    "refused",
    [
        refusal(404, "ResourceNotFound"),
        refusal(404, "ParentResourceNotFound"),
        refusal(404, "NotFound", bare=True),
        refusal(404, "CertificateNotFound"),
    ],
)
async def test_a_missing_object_is_no_error(refused: HttpResponseError) -> None:
    assert await found("reading it", answering(refused)) is None


@pytest.mark.parametrize(
    "refused", [refusal(404, "SubscriptionNotFound"), refusal(404, "ResourceGroupNotFound")]
)
async def test_the_wrong_place_is_no_absence(refused: HttpResponseError) -> None:
    """A slip in the profile must not look like an object that is still to be made."""
    with pytest.raises(NotFoundError) as caught:
        await found("reading it", answering(refused))
    assert caught.value.doing == "reading it"
    assert caught.value.fix


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (refusal(400, "InvalidSubscriptionId"), ServiceError),
        (refusal(403, "AuthorizationFailed"), AccessDeniedError),
        (refusal(401, "InvalidAuthenticationToken"), CredentialError),
        (refusal(500, "InternalServerError"), ServiceError),
    ],
)
async def test_any_other_refusal_is_an_error(refused: HttpResponseError, kind: type[ProvisionError]) -> None:
    with pytest.raises(kind, match="reading it"):
        await found("reading it", answering(refused))


async def test_a_failure_is_kept_as_the_reason() -> None:
    error = ServiceError("reading it", "no answer")
    assert await unread_on_failure(answering(error)) == Unread(error)


async def test_without_credentials_nothing_else_could_be_read_either() -> None:
    with pytest.raises(CredentialError):
        await unread_on_failure(answering(CredentialError("reading it", "no credentials")))


async def test_a_mistake_of_ours_is_not_hidden() -> None:
    async def mistaken() -> Observed:
        raise KeyError("name")

    with pytest.raises(KeyError):
        await unread_on_failure(mistaken())


async def test_each_is_read_on_its_own() -> None:
    error = AccessDeniedError("reading it", "no right")

    async def read(zone: DnsZone) -> Observed:
        return await answering(error if zone is FIRST else Present())

    reading = await read_each([FIRST, SECOND], read)
    assert reading.objects == {FIRST.address: Unread(error), SECOND.address: Present()}
    assert reading.orphans == ()


async def test_the_first_that_lacks_credentials_ends_them_all() -> None:
    async def read(zone: DnsZone) -> Observed:
        return await answering(CredentialError("reading it", "no credentials"))

    with pytest.raises(CredentialError):
        await read_each([FIRST, SECOND], read)


def test_the_mark_as_tags_and_a_whole_container_absent() -> None:
    assert tags_of(MARK) == {"provision-profile": "prod", "provision-digest": MARK.digest}
    assert absent_all([FIRST, SECOND]) == {FIRST.address: Absent(), SECOND.address: Absent()}
