"""Services that fail, other clients that get in between, and how a run ends then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from command_line import CLUSTER, CLUSTER_KIND, LEGACY, PROD, Applied, CommandLine, Ran

from provision.cli.connect import environment
from provision.ingress import desired
from provision.ingress.load import load
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.vault import KeyVault
from provision.sandbox import faults
from provision.sandbox.azure import Answer, Json
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Request

SOON = {"x-ms-retry-after-ms": "20"}
MANY = 100
"""More than the SDKs try."""

_CLUSTER_PATH = f"{CLUSTER_KIND}/aks-prod$"
_THERE = {"key_vault/kv-contoso-prod", "kubernetes/Namespace/api", "kubernetes/Namespace/shop"}
"""What exists before the first apply, besides the cluster."""


def by_status(done: Ran) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for address, status in done.statuses().items():
        found.setdefault(status, set()).add(address)
    return found


@pytest.fixture
def inject(
    provision: CommandLine, home_after: Callable[[str, Callable[[], None]], None]
) -> Callable[..., None]:
    """Arms a fault in the home, which is seeded already."""

    def seed() -> None:
        for profile in (PROD, LEGACY):
            assert provision("plan", *profile).code == 2

    home_after("seeded", seed)

    def arm(**options: Any) -> None:
        with provision.azure() as azure:
            faults.inject(azure, **options)

    return arm


def clear(provision: CommandLine) -> None:
    with provision.azure() as azure:
        faults.clear(azure)


def test_a_throttled_request_is_sent_again(provision: CommandLine, inject: Callable[..., None]) -> None:
    inject(method="PUT", path="dnszones/contoso.com$", status=429, headers=SOON, count=2)
    done = provision("apply", *PROD)
    assert done.code == 0, done.out
    puts = [call.status for call in done.writes() if call.path.endswith("/contoso.com")]
    assert puts == [429, 429, 201]


def dependants(profile: str, failed: str) -> set[str]:
    """Addresses of everything that waits for `failed`, however far away.

    What is asked of the cluster or a vault is known from reading it and waits for nothing.
    """
    graph = desired.graph(load(profile, environment(sandbox=True)).profile)
    read = (ManagedCluster.KIND, KeyVault.KIND)
    found = {failed}
    for resource in graph:
        made = {ref.address for ref in resource.references() if not ref.address.startswith(read)}
        if found & {*made, *resource.after}:
            found.add(resource.address)
    return found - {failed}


@dataclass(frozen=True)
class Outage:
    """A request that fails for good, and the resource that it is for."""

    path: str
    failed: str
    method: str = "PUT"


@pytest.mark.parametrize(
    "outage",
    [
        Outage("userAssignedIdentities/id-ingress-prod$", "user_assigned_identity/id-ingress-prod"),
        Outage("dnszones/contoso.com$", "dns_zone/contoso.com"),
        Outage(_CLUSTER_PATH, "managed_cluster/aks-prod"),
        Outage("/certificates/shop-tls/create$", "certificate/kv-contoso-prod/shop-tls", "POST"),
        Outage(
            "federatedIdentityCredentials/provision_prod_api_api",
            "federated_credential/id-ingress-prod/provision_prod_api_api-ingress",
        ),
    ],
    ids=lambda outage: outage.path,
)
def test_a_failure_stops_what_depends_on_it_and_nothing_else(
    outage: Outage, provision: CommandLine, inject: Callable[..., None]
) -> None:
    inject(method=outage.method, path=outage.path, status=500, count=MANY)
    done = provision("apply", *PROD, "--format", "json")
    assert done.code == 1
    ended = by_status(done)
    assert ended["failed"] == {outage.failed}
    skipped = ended.get("skipped", set())
    assert skipped == dependants(PROD[0], outage.failed) & done.statuses().keys()
    assert ended["unchanged"] == _THERE - skipped
    assert sum(len(each) for each in ended.values()) == 29
    (error,) = done.errors().values()
    assert "InternalServerError: The server encountered an unexpected error." in error

    clear(provision)
    again = provision("apply", *PROD, "--format", "json")
    assert again.code == 0
    assert {a for a, status in again.statuses().items() if status != "unchanged"} == (
        ended["failed"] | skipped - _THERE
    )
    assert provision("drift", *PROD).code == 0


def test_grants_wait_for_the_identity_that_the_cluster_update_makes(
    provision: CommandLine, inject: Callable[..., None]
) -> None:
    inject(method="PUT", path=f"{CLUSTER_KIND}/aks-legacy$", status=500, count=MANY)
    done = provision("apply", *LEGACY, "--format", "json")
    assert done.code == 1
    assert by_status(done)["failed"] == {"managed_cluster/aks-legacy"}
    skipped = by_status(done)["skipped"]
    assert "access_policy/kv-contoso-legacy/webapprouting" in skipped
    assert "role_assignment/corp.contoso.com/private-dns-zone-contributor/webapprouting" in skipped
    assert "kubernetes/Ingress/orders/orders-legacy-contoso-com" in skipped
    clear(provision)
    assert provision("apply", *LEGACY).code == 0


def test_a_skipped_change_says_because_of_what(provision: CommandLine, inject: Callable[..., None]) -> None:
    inject(method="PUT", path="dnszones/contoso.com$", status=500, count=MANY)
    lines = provision("apply", *PROD).out.splitlines()
    assert "skipped   record_set/contoso.com/CAA/@: dns_zone/contoso.com failed" in lines
    assert lines[-1] == "29 changes: 18 created, 1 updated, 3 unchanged, 6 skipped, 1 failed."


def test_an_answer_that_is_lost_is_found_again(provision: CommandLine, inject: Callable[..., None]) -> None:
    """Azure did the work, and the connection broke."""
    inject(method="PUT", path="dnszones/contoso.com$", status=faults.DISCONNECT, after=True, count=MANY)
    first = provision("apply", *PROD, "--format", "json")
    assert (first.code, first.statuses()["dns_zone/contoso.com"]) == (1, "failed")
    clear(provision)
    again = provision("apply", *PROD, "--format", "json")
    assert (again.code, again.statuses()["dns_zone/contoso.com"]) == (0, "unchanged")
    assert provision("drift", *PROD).code == 0


def test_entra_that_does_not_know_the_identity_yet(
    provision: CommandLine, inject: Callable[..., None]
) -> None:
    body = {"error": {"code": "PrincipalNotFound", "message": "Principal x does not exist in the directory."}}
    inject(method="PUT", path="roleAssignments/", status=400, body=body, count=3)
    done = provision("apply", *PROD)
    assert done.code == 0, done.out
    assert "Entra does not know the new identity yet, trying again in 2 s" in done.out


def in_between(provision: CommandLine, monkeypatch: pytest.MonkeyPatch, edit: Callable[[Json], None]) -> None:
    """Another client changes the cluster after it was read and just before our first PUT arrives."""
    handle = Gateway.handle
    seen: list[str] = []

    async def beaten(self: Gateway, request: Request, content: bytes) -> Answer:
        if request.method == "PUT" and request.path.endswith("/aks-prod") and not seen:
            seen.append(request.path)
            with provision.azure() as azure:
                cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
                assert cluster is not None
                edit(cluster)
                cluster["eTag"] = "00000000-0000-0000-0000-00000000beef"
                azure.store.put(CLUSTER_KIND, CLUSTER, cluster)
        return await handle(self, request, content)

    monkeypatch.setattr(Gateway, "handle", beaten)


def test_a_lost_race_for_the_cluster_is_run_again(
    provision: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tag(cluster: Json) -> None:
        cluster["tags"]["cost-center"] = "42"

    in_between(provision, monkeypatch, tag)
    done = provision("apply", *PROD)
    assert done.code == 0, done.out
    assert [call.status for call in done.cluster_puts()] == [412, 200]
    assert "managed_cluster/aks-prod: changed by another client meanwhile, reading it again" in done.out
    assert provision.document(CLUSTER_KIND, CLUSTER)["tags"]["cost-center"] == "42"


def test_a_race_for_our_own_settings_ends_as_a_stale_plan(
    provision: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_controller(cluster: Json) -> None:
        controller = {"defaultIngressControllerType": "External"}
        cluster["properties"]["ingressProfile"] = {"webAppRouting": {"enabled": True, "nginx": controller}}

    in_between(provision, monkeypatch, other_controller)
    done = provision("apply", *PROD, "--format", "json")
    assert done.code == 1
    assert len(done.cluster_puts()) == 1
    error = done.errors()["managed_cluster/aks-prod"]
    assert "defaultIngressControllerType was None and is now 'External'" in error
    assert error.splitlines()[-1] == "The plan is stale: run plan again."


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("EtagMismatch", "changed by another client meanwhile, reading it again"),
        ("OperationNotAllowed", "another operation is running on the cluster, waiting for it"),
    ],
)
def test_a_busy_cluster_is_tried_again(
    code: str, told: str, provision: CommandLine, inject: Callable[..., None]
) -> None:
    body = {"code": code, "details": None, "message": "Operation is not allowed.", "subcode": ""}
    inject(method="PUT", path=_CLUSTER_PATH, status=409, body=body)
    done = provision("apply", *PROD)
    assert done.code == 0, done.out
    assert [call.status for call in done.cluster_puts()] == [409, 200]
    assert f"managed_cluster/aks-prod: {told}" in done.out


def test_a_cluster_update_that_fails_late(provision: CommandLine, inject: Callable[..., None]) -> None:
    body = {
        "name": "1",
        "status": "Failed",
        "error": {"code": "AddonFailed", "message": "The add-on could not be rolled out."},
    }
    inject(path="locations/[^/]+/operations/", status=200, body=body)
    done = provision("apply", *PROD, "--format", "json")
    assert done.code == 1
    ended = by_status(done)
    assert ended["failed"] == {"managed_cluster/aks-prod"}
    assert "The add-on could not be rolled out." in done.errors()["managed_cluster/aks-prod"]
    assert provision("apply", *PROD).code == 0
    assert provision("drift", *PROD).code == 0


def test_a_private_zone_whose_precondition_fails_late(
    provision: CommandLine, inject: Callable[..., None]
) -> None:
    """DNS accepts the request and tells of the refusal inside a poll that is itself a 200."""
    body = {"error": {"code": "PreconditionFailed", "message": "The condition failed."}, "status": "Failed"}
    inject(path="privateDnsOperationStatuses/", status=200, body=body)
    done = provision("apply", *LEGACY, "--format", "json")
    assert done.code == 1
    assert by_status(done)["failed"] == {"private_dns_zone/corp.contoso.com"}
    assert "PreconditionFailed: The condition failed." in next(iter(done.errors().values()))
    again = provision("apply", *LEGACY)
    assert again.code == 0, again.out
    assert provision("drift", *LEGACY).code == 0


def test_a_service_that_does_not_answer_is_not_in_sync(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:
        faults.inject(azure, path="^/certificates/", status=faults.DISCONNECT, count=MANY)
    drift = provision("drift", *PROD, "--format", "json")
    assert drift.code == 3
    (report,) = drift.json()
    assert not report["inSync"]
    assert report["findings"] == []
    assert {each["resource"] for each in report["unchecked"]} == {
        "certificate/kv-contoso-prod/shop-tls",
        "certificate/kv-contoso-prod/api-tls",
    }
