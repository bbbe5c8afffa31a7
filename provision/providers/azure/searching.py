"""Helpers for looking for what is ours where nothing of its kind is declared any more."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeGuard, TypeVar
from urllib.parse import quote

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, map_error
from azure.core.rest import AsyncHttpResponse, HttpRequest

from provision.apply.handler import Reading
from provision.apply.together import together
from provision.errors import CredentialError, ForeignError, ProvisionError
from provision.plan.change import digest
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import PROFILE_TAG
from provision.resources.arm import ArmId
from provision.resources.observed import Observed, Present, Unread
from provision.resources.resource import Resource

_Place = TypeVar("_Place")
_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")

_CLUSTER = "microsoft.containerservice/managedclusters"
_API_VERSION = "2021-04-01"
"""Of Microsoft.Resources. Source: "Resources - List", Azure REST reference, 2026-06."""


async def look_in_each(
    places: Mapping[str, _Place], look: Callable[[_Place], Awaitable[Iterable[Orphan]]]
) -> Reading:
    """Look into places by their addresses, all at once. One that can't be looked at is `Unread`."""

    async def one(address: str, place: _Place) -> tuple[Mapping[str, Observed], Iterable[Orphan]]:
        try:
            return {}, await look(place)
        except CredentialError:
            raise
        except ProvisionError as error:
            return {address: Unread(error)}, ()

    looked = await together(one(*each) for each in places.items())
    return Reading(
        {address: unread for unsearched, _ in looked for address, unread in unsearched.items()},
        tuple(orphan for _, orphans in looked for orphan in orphans),
    )


def subscriptions(resources: Iterable[Resource]) -> dict[str, str]:
    """The subscriptions that the resources are in, by an address for each."""
    ids = (str(getattr(resource, "id", "")) for resource in resources)
    found = dict.fromkeys(ArmId.parse(id_).subscription.casefold() for id_ in ids if id_)
    return {f"subscription/{subscription}": subscription for subscription in found}


class Once(Generic[_Key, _Answer]):
    """A call made once for each key, however many ask for its answer. An error is an answer too."""

    def __init__(self, call: Callable[[_Key], Awaitable[_Answer]]) -> None:
        self._call = call
        self._locks: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._answers: dict[_Key, _Answer | ProvisionError] = {}

    async def __call__(self, key: _Key) -> _Answer:
        async with self._locks[key]:
            if key not in self._answers:
                try:
                    self._answers[key] = await self._call(key)
                except ProvisionError as error:
                    self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, ProvisionError):
            raise answer
        return answer

    def forget(self) -> None:
        """What was answered holds no more."""
        self._answers.clear()


class Tagged:
    """What carries a profile's tags: one list call a subscription serves every kind.

    The list lags some minutes behind, so what it names is to be read before it is believed.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._listed = Once(self._list)

    async def search(
        self,
        kind: str,
        resources: Sequence[Resource],
        profile: str,
        look: Callable[[str], Awaitable[Iterable[Orphan]]],
    ) -> Reading:
        """Look at what is of an ARM type and carries the mark, in each subscription that `resources` are in.

        `look` gets the id of one that is none of `resources` and says what is ours of it.
        """
        declared = {str(getattr(each, "id", "")).casefold() for each in resources}

        async def search(subscription: str) -> Iterable[Orphan]:
            ids = await self._undeclared(subscription, profile, declared)
            found = await together(_called(look, id_) for id_, type_ in ids if type_ == kind.casefold())
            return [orphan for orphans in found for orphan in orphans]

        return await look_in_each(subscriptions(resources), search)

    async def _undeclared(
        self, subscription: str, profile: str, declared: Collection[str]
    ) -> list[tuple[str, str]]:
        """(id, type in lower case) of what carries the mark and is not declared.

        Raises ForeignError when that is another cluster: of two profiles with one name it can't be told
        which of them something belongs to.
        """
        listed = await self._listed((subscription, profile))
        others = [each for each in listed if each[0].casefold() not in declared]
        clusters = [id_ for id_, type_ in others if type_ == _CLUSTER]
        if clusters:
            raise ForeignError(
                _doing(subscription, profile),
                f"{clusters[0]} carries the mark of a profile of this name too, so that what belongs to"
                " which of the two can't be told",
                "Give each profile a name of its own. If no profile is for that cluster any more, take off"
                f" its tag {PROFILE_TAG}.",
            )
        return others

    async def _list(self, key: tuple[str, str]) -> list[tuple[str, str]]:
        subscription, profile = key
        wanted = f"tagName eq '{PROFILE_TAG}' and tagValue eq '{profile}'"
        parameters = {"api-version": _API_VERSION, "$filter": quote(wanted)}
        request = HttpRequest("GET", f"/subscriptions/{subscription}/resources", params=parameters)
        client = self._clients.containers(subscription)
        found: list[tuple[str, str]] = []
        with translating(_doing(subscription, profile)):
            while True:
                page = _body(await client.send_request(request))
                found += [(str(row["id"]), str(row["type"]).casefold()) for row in page.get("value", ())]
                if not page.get("nextLink"):
                    return found
                request = HttpRequest("GET", page["nextLink"])


async def _called(call: Callable[[str], Awaitable[_Answer]], argument: str) -> _Answer:
    return await call(argument)


def _doing(subscription: str, profile: str) -> str:
    return f"looking for what is left of profile {profile} in subscription {subscription}"


def _body(response: AsyncHttpResponse) -> dict[str, Any]:
    if response.status_code != 200:
        from azure.mgmt.core.exceptions import ARMErrorFormat

        map_error(response.status_code, response, {401: ClientAuthenticationError})
        raise HttpResponseError(response=response, error_format=ARMErrorFormat)
    return dict(response.json())


def marked(observed: Observed, resource: Resource, profile: str) -> TypeGuard[Present]:
    """Whether an object without properties carries the profile's mark, and one written on just this object.

    AKS copies a cluster's tags, our mark among them, to the identities, the private zone and whatever
    else it makes for it. Source: "Use Azure tags in AKS", Microsoft Learn, 2026.
    """
    return isinstance(observed, Present) and observed.owner == profile and observed.digest == digest(resource)
