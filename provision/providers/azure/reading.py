"""Helpers that every handler reads with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Mark, Reading
from provision.apply.together import together
from provision.errors import CredentialError, ProvisionError
from provision.providers.azure.errors import code_of, translating
from provision.resources.observed import Absent, Observed, Unread
from provision.resources.resource import Resource

_Resource = TypeVar("_Resource", bound=Resource)
_Found = TypeVar("_Found")

PROFILE_TAG = "provision-profile"
DIGEST_TAG = "provision-digest"

# 404s that do not mean "this object is absent" but "you look in the wrong place".
_WRONG_PLACE = frozenset({"SubscriptionNotFound", "ResourceGroupNotFound", "InvalidSubscriptionId"})


def tags_of(mark: Mark) -> dict[str, str]:
    """The mark as tags."""
    return {PROFILE_TAG: mark.profile, DIGEST_TAG: mark.digest}


async def found(doing: str, call: Awaitable[_Found]) -> _Found | None:
    """The answer of a read, None when the object does not exist."""
    with translating(doing):
        try:
            return await call
        except HttpResponseError as error:
            if error.status_code == 404 and code_of(error) not in _WRONG_PLACE:
                return None
            raise


async def read_each(
    resources: Sequence[_Resource], read: Callable[[_Resource], Awaitable[Observed]]
) -> Reading:
    """Read each resource on its own, all at once. What fails becomes `Unread`."""

    async def one(resource: _Resource) -> tuple[str, Observed]:
        return resource.address, await unread_on_failure(read(resource))

    return Reading(dict(await together(one(resource) for resource in resources)))


async def unread_on_failure(call: Awaitable[Observed]) -> Observed:
    """The object, or why it could not be read. Missing credentials end the run instead: nothing
    else could be read either."""
    try:
        return await call
    except CredentialError:
        raise
    except ProvisionError as error:
        return Unread(error)


def absent_all(resources: Sequence[Resource]) -> Mapping[str, Observed]:
    """Each of them absent, because what they live in does not exist."""
    return {resource.address: Absent() for resource in resources}
