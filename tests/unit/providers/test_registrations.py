"""Resource providers and preview features: registered, waited for, never taken back."""

from __future__ import annotations

import pytest
from azure.mgmt.resource.resources.models import Provider

from providers.bench import PROFILE, SUBSCRIPTION, Bench
from provision.errors import ServiceError
from provision.providers.azure.registrations import PreviewFeatures, ResourceProviders
from provision.resources.observed import Absent, Present
from provision.resources.registration import PreviewFeature, ResourceProvider

PROVIDER = ResourceProvider(name="Microsoft.ServiceNetworking", subscription=SUBSCRIPTION)
FEATURE = PreviewFeature(name="Microsoft.ContainerService/SomePreview", subscription=SUBSCRIPTION)


def provider(state: str) -> Provider:
    return Provider({"namespace": PROVIDER.name, "registrationState": state})


@pytest.mark.parametrize(
    ("state", "there"), [("Registered", True), ("Registering", False), ("NotRegistered", False)]
)
async def test_only_a_registered_provider_is_there(bench: Bench, state: str, there: bool) -> None:
    bench.providers.get.return_value = provider(state)
    observed = (await ResourceProviders(bench.clients).read([PROVIDER], PROFILE)).objects[PROVIDER.address]
    assert observed == (Present() if there else Absent(f"it is {state}"))


async def test_a_provider_is_registered_and_waited_for(bench: Bench) -> None:
    bench.providers.get.side_effect = [provider("Registering"), provider("Registered")]
    await ResourceProviders(bench.clients).create(PROVIDER, bench.work())
    bench.providers.register.assert_awaited_once_with("Microsoft.ServiceNetworking")
    assert bench.told == ["it is Registering (0 s of at most 1800 s)"]


async def test_a_feature_takes_effect_when_its_provider_registers_again(bench: Bench) -> None:
    bench.features = ["Registering", "Registering", "Registered"]
    await PreviewFeatures(bench.clients).create(FEATURE, bench.work())
    path = (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Features/providers/Microsoft.ContainerService"
        "/features/SomePreview"
    )
    assert [(method, url.partition("?")[0]) for method, url in bench.asked] == [
        ("POST", f"{path}/register"),
        ("GET", path),
        ("GET", path),
    ]
    bench.providers.register.assert_awaited_once_with("Microsoft.ContainerService")


async def test_a_feature_that_never_registers_is_said_to_be_so(bench: Bench) -> None:
    bench.features = ["Pending"]
    with pytest.raises(ServiceError, match="not registered after 1800 s"):
        await PreviewFeatures(bench.clients).create(FEATURE, bench.work())
    bench.providers.register.assert_not_awaited()
