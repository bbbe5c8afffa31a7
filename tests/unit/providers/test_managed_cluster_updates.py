"""Updating clusters: one PUT of the whole cluster in which only what is ours has changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError

from providers import clusters
from providers.bench import GROUP, TAGS, Bench, finished, raised, refusal
from provision.errors import ConflictError, ServiceError, StalePlanError
from provision.providers.azure.clients import POLL_SECONDS
from provision.providers.azure.managed_clusters import ManagedClusters, settings
from provision.resources.managed_cluster import (
    APP_ROUTING,
    APP_ROUTING_ISTIO,
    GATEWAY_API,
    MESH,
    MESH_EXTERNAL,
    MESH_INTERNAL,
    MESH_REVISIONS,
    NGINX_CONTROLLER,
    SECRET_ROTATION,
    SECRETS_PROVIDER,
    ZONES,
    ManagedCluster,
)
from provision.resources.observed import Present
from provision.resources.values import CaseInsensitive, Value

DESIRED = clusters.cluster({APP_ROUTING: True})
ZONE_SET = frozenset({CaseInsensitive(clusters.ZONE)})


async def update(
    bench: Bench,
    resource: ManagedCluster,
    before: Mapping[str, Value] | None = None,
    *,
    release: bool = False,
) -> Present:
    """Update as planned against `before`; the stock answer's settings if it is not given."""
    fields = clusters.changes(resource, settings(clusters.body()) if before is None else before)
    work = bench.work(release=release)
    return await ManagedClusters(bench.clients).update(resource, Present(), fields, work)


def put(bench: Bench) -> dict[str, Any]:
    """The body of the only PUT."""
    bench.clusters.begin_create_or_update.assert_awaited_once()
    group, name, sent = bench.clusters.begin_create_or_update.await_args.args
    assert (group, name) == (GROUP, "aks-prod")
    assert type(sent) is dict
    return sent


def serve(bench: Bench, *answers: Any) -> None:
    """Successive answers of GET, and a PUT that succeeds."""
    bench.clusters.get.side_effect = answers or [clusters.model()]
    bench.clusters.begin_create_or_update.side_effect = lambda *_, **__: finished(clusters.model("etag-9"))


async def test_everything_we_do_not_own_comes_back_and_what_is_read_only_does_not(bench: Bench) -> None:
    serve(bench)
    await update(bench, DESIRED)
    expected = copy.deepcopy(dict(clusters.WRITABLE))
    expected["properties"]["ingressProfile"]["webAppRouting"]["enabled"] = True
    expected["tags"] = {"team": "web", **TAGS, "provision-before": "app=0"}
    assert put(bench) == expected


async def test_all_settings_go_in_one_put_and_objects_on_the_way_are_made(bench: Bench) -> None:
    serve(bench)
    resource = clusters.cluster(
        {
            APP_ROUTING: True,
            ZONES: ZONE_SET,
            GATEWAY_API: "Standard",
            APP_ROUTING_ISTIO: "Enabled",
            SECRETS_PROVIDER: True,
            SECRET_ROTATION: "true",
        }
    )
    await update(bench, resource)
    properties = put(bench)["properties"]
    assert properties["ingressProfile"] == {
        "applicationLoadBalancer": {"enabled": True},
        "gatewayAPI": {"installation": "Standard"},
        "webAppRouting": {
            "enabled": True,
            "dnsZoneResourceIds": [clusters.ZONE],
            "nginx": {"defaultIngressControllerType": "None"},
            "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}},
        },
    }
    assert properties["addonProfiles"] == {
        "azurepolicy": {"enabled": True, "config": {"version": "v2"}},
        "azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "true"}},
    }


MESHED = {
    "mode": "Istio",
    "istio": {
        "revisions": ["asm-1-29"],
        "components": {
            "ingressGateways": [{"mode": "External", "enabled": True}],
            "egressGateways": [{"name": "out", "enabled": True}],
        },
    },
}


async def test_the_mesh_gets_a_gateway_and_keeps_what_is_not_ours(bench: Bench) -> None:
    serve(bench, clusters.model(serviceMeshProfile=MESHED))
    wanted = clusters.cluster({MESH_INTERNAL: True, MESH_REVISIONS: frozenset({"asm-1-30", "asm-1-29"})})
    await update(bench, wanted, settings(clusters.body(serviceMeshProfile=MESHED)))
    sent = put(bench)["properties"]["serviceMeshProfile"]["istio"]
    assert sent["revisions"] == ["asm-1-29", "asm-1-30"]
    assert sent["components"]["ingressGateways"] == [
        {"mode": "External", "enabled": True},
        {"mode": "Internal", "enabled": True},
    ]
    assert sent["components"]["egressGateways"] == [{"name": "out", "enabled": True}]


async def test_a_mesh_goes_as_a_whole(bench: Bench) -> None:
    """As `az aks mesh disable` sends it."""
    serve(bench, clusters.model(serviceMeshProfile=MESHED))
    off = clusters.cluster({MESH: "Disabled", MESH_EXTERNAL: False})
    await update(bench, off, settings(clusters.body(serviceMeshProfile=MESHED)), release=True)
    assert put(bench)["properties"]["serviceMeshProfile"] == {"mode": "Disabled"}


async def test_a_value_of_none_is_left_out(bench: Bench) -> None:
    serve(bench)
    await update(bench, clusters.cluster({NGINX_CONTROLLER: None}))
    assert put(bench)["properties"]["ingressProfile"]["webAppRouting"] == {"enabled": False, "nginx": {}}


async def test_the_body_is_json(bench: Bench) -> None:
    serve(bench)
    await update(bench, clusters.cluster({ZONES: ZONE_SET}))
    zones = put(bench)["properties"]["ingressProfile"]["webAppRouting"]["dnsZoneResourceIds"]
    assert [type(zone) for zone in zones] == [str]


async def test_the_put_is_conditional_on_what_was_read(bench: Bench) -> None:
    serve(bench, clusters.model(etag="etag-7"))
    await update(bench, DESIRED)
    sent = bench.clusters.begin_create_or_update.await_args.kwargs
    assert sent == {"etag": "etag-7", "match_condition": MatchConditions.IfNotModified}


async def test_without_an_etag_there_is_no_condition(bench: Bench) -> None:
    serve(bench, clusters.model(etag=None))
    await update(bench, DESIRED)
    sent = bench.clusters.begin_create_or_update.await_args.kwargs
    assert sent == {"etag": None, "match_condition": None}


async def test_what_was_there_before_us_is_never_overwritten(bench: Bench) -> None:
    answer = clusters.model(ingressProfile=clusters.routing(enabled=True))
    answer["tags"] = {"team": "web", "provision-profile": "prod", "provision-before": "app=0"}
    serve(bench, answer)
    before = {**settings(clusters.body()), APP_ROUTING: True}
    await update(bench, clusters.cluster({APP_ROUTING: False, GATEWAY_API: "Standard"}), before)
    assert put(bench)["tags"] == {"team": "web", **TAGS, "provision-before": "app=0 gwapi=Disabled"}


async def test_release_takes_our_tags_off_and_keeps_the_others(bench: Bench) -> None:
    answer = clusters.model(ingressProfile=clusters.routing(enabled=True))
    answer["tags"] = {"team": "web", **TAGS, "provision-before": "app=0"}
    serve(bench, answer)
    before = {**settings(clusters.body()), APP_ROUTING: True}
    await update(bench, clusters.cluster({APP_ROUTING: False}), before, release=True)
    sent = put(bench)
    assert sent["tags"] == {"team": "web"}
    assert sent["properties"]["ingressProfile"]["webAppRouting"]["enabled"] is False


async def test_release_with_nothing_to_put_back_still_takes_the_tags_off(bench: Bench) -> None:
    answer = clusters.model()
    answer["tags"] = {**TAGS, "provision-before": ""}
    serve(bench, answer)
    await update(bench, clusters.cluster({}), release=True)
    assert put(bench)["tags"] == {}


async def test_a_cluster_without_tags_gets_ours(bench: Bench) -> None:
    answer = clusters.model()
    answer["tags"] = None
    serve(bench, answer)
    await update(bench, DESIRED)
    assert put(bench)["tags"] == {**TAGS, "provision-before": "app=0"}


async def test_the_outcome_is_what_the_operation_ends_with(bench: Bench) -> None:
    bench.clusters.get.side_effect = [clusters.model()]
    settled = clusters.model(ingressProfile=clusters.routing(enabled=True, identity={"objectId": "made"}))
    bench.clusters.begin_create_or_update.return_value = finished(settled)
    observed = await update(bench, DESIRED)
    assert observed.properties[APP_ROUTING] is True
    assert observed.outputs["addonObjectId"] == "made"


@pytest.mark.parametrize(
    "refused",
    [refusal(412, "PreconditionFailed"), refusal(412, "EtagMismatch"), refusal(409, "EtagMismatch")],
    ids=["412", "412-etag", "409-etag"],
)
async def test_a_lost_race_is_run_again_on_what_is_there_now(
    bench: Bench, refused: HttpResponseError
) -> None:
    moved = clusters.model(etag="etag-2", dnsPrefix="changed-by-others")
    bench.clusters.get.side_effect = [clusters.model(), moved]
    bench.clusters.begin_create_or_update.side_effect = [refused, finished(clusters.model())]
    await update(bench, DESIRED)
    first, second = bench.clusters.begin_create_or_update.await_args_list
    assert (first.kwargs["etag"], second.kwargs["etag"]) == ("etag-1", "etag-2")
    assert second.args[2]["properties"]["dnsPrefix"] == "changed-by-others"
    assert second.args[2]["properties"]["ingressProfile"]["webAppRouting"]["enabled"] is True
    assert bench.told == ["changed by another client meanwhile, reading it again"]
    assert bench.waits() == []


async def test_a_race_that_another_won_for_us_is_no_obstacle(bench: Bench) -> None:
    done = clusters.model(etag="etag-2", ingressProfile=clusters.routing(enabled=True))
    bench.clusters.get.side_effect = [clusters.model(), done]
    bench.clusters.begin_create_or_update.side_effect = [
        refusal(412, "PreconditionFailed"),
        finished(clusters.model()),
    ]
    await update(bench, DESIRED)
    assert bench.clusters.begin_create_or_update.await_args.kwargs["etag"] == "etag-2"


async def test_a_plan_whose_fields_moved_is_stale(bench: Bench) -> None:
    moved = clusters.model(
        etag="etag-2",
        ingressProfile=clusters.routing(enabled=False, nginx={"defaultIngressControllerType": "External"}),
    )
    bench.clusters.get.side_effect = [clusters.model(), moved]
    bench.clusters.begin_create_or_update.side_effect = [refusal(412, "PreconditionFailed")]
    with pytest.raises(StalePlanError) as caught:
        await update(bench, clusters.cluster({APP_ROUTING: True, NGINX_CONTROLLER: "Internal"}))
    assert caught.value.doing == "updating managed_cluster/aks-prod"
    assert caught.value.why == f"{NGINX_CONTROLLER} was 'None' and is now 'External'"
    assert bench.clusters.begin_create_or_update.await_count == 1


async def test_a_stale_plan_is_found_before_anything_is_sent(bench: Bench) -> None:
    serve(bench, clusters.model(ingressProfile=clusters.routing(dnsZoneResourceIds=[clusters.OTHER_ZONE])))
    with pytest.raises(StalePlanError):
        await update(bench, clusters.cluster({ZONES: ZONE_SET}))
    bench.clusters.begin_create_or_update.assert_not_awaited()


async def test_a_cluster_that_is_gone_makes_the_plan_stale(bench: Bench) -> None:
    bench.clusters.get.side_effect = refusal(404, "ResourceNotFound")
    with pytest.raises(StalePlanError, match="the cluster is gone"):
        await update(bench, DESIRED)


async def test_a_running_operation_is_waited_for(bench: Bench) -> None:
    busy = clusters.model(state="Upgrading")
    bench.clusters.get.side_effect = [clusters.model(), busy, busy, clusters.model(etag="etag-2")]
    bench.clusters.begin_create_or_update.side_effect = [
        refusal(409, "OperationNotAllowed"),
        finished(clusters.model()),
    ]
    await update(bench, DESIRED)
    assert bench.told == [
        "another operation is running on the cluster, waiting for it",
        "cluster is Upgrading, waiting for that operation to end",
    ]
    assert bench.clusters.begin_create_or_update.await_args.kwargs["etag"] == "etag-2"


async def test_a_running_operation_that_the_state_does_not_show_is_given_time(bench: Bench) -> None:
    """An operation on an agent pool refuses the PUT while the cluster itself says Succeeded."""
    serve(bench, clusters.model(), clusters.model())
    bench.clusters.begin_create_or_update.side_effect = [
        refusal(409, "OperationNotAllowed"),
        finished(clusters.model()),
    ]
    await update(bench, DESIRED)
    assert bench.waits() == [POLL_SECONDS]


async def test_a_busy_cluster_is_not_sent_a_put(bench: Bench) -> None:
    busy = clusters.model(state="Updating")
    serve(bench, busy, busy, clusters.model(etag="etag-2"))
    await update(bench, DESIRED)
    assert put(bench)["properties"]["ingressProfile"]["webAppRouting"]["enabled"] is True
    assert bench.waits() == [POLL_SECONDS]


async def test_five_lost_races_are_enough(bench: Bench) -> None:
    bench.clusters.get.side_effect = lambda *_: clusters.model()
    bench.clusters.begin_create_or_update.side_effect = refusal(412, "PreconditionFailed", "The etag moved.")
    with pytest.raises(ConflictError) as caught:
        await update(bench, DESIRED)
    assert bench.clusters.begin_create_or_update.await_count == 5
    assert caught.value.doing == "updating managed_cluster/aks-prod"
    assert caught.value.why == "refused 5 times, at last with PreconditionFailed: The etag moved."
    assert isinstance(caught.value.__cause__, HttpResponseError)


@pytest.mark.parametrize(
    ("status", "code"), [(409, "PropertyChangeNotAllowed"), (400, "InvalidParameter"), (429, "Throttled")]
)
async def test_another_refusal_is_not_tried_again(bench: Bench, status: int, code: str) -> None:
    serve(bench)
    bench.clusters.begin_create_or_update.side_effect = refusal(status, code, "Because.")
    with pytest.raises((ConflictError, ServiceError), match=f"{code}: Because."):
        await update(bench, DESIRED)
    assert bench.clusters.begin_create_or_update.await_count == 1


async def test_an_operation_that_fails_late_says_why(bench: Bench) -> None:
    """The last poll is a 200 whose body tells of the failure."""
    failed = raised(200, '{"status":"Failed","error":{"code":"ReconcileAddons","message":"No quota."}}')
    bench.clusters.get.side_effect = [clusters.model()]
    bench.clusters.begin_create_or_update.side_effect = [finished(failed)]
    with pytest.raises(ServiceError, match="ReconcileAddons: No quota") as caught:
        await update(bench, DESIRED)
    assert caught.value.doing == "updating managed_cluster/aks-prod"
    assert bench.clusters.begin_create_or_update.await_count == 1
