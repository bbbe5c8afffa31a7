"""What is in the way of a host's Kubernetes objects is named, and nothing unread counts as in sync."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import CLUSTER, CLUSTER_KIND, PRIVATE, PROD, ROOT, Applied, CommandLine, Ran

from provision.sandbox import faults, run_command
from provision.sandbox.azure import Azure
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster

PRIVATE_CLUSTER = CLUSTER.replace("aks-prod", "aks-private")

Change = Callable[[Azure], None]


def objects(azure: Azure, cluster: str = CLUSTER) -> Cluster:
    document = azure.store.get(CLUSTER_KIND, cluster)
    assert document is not None
    return Cluster(azure, document["properties"]["resourceUID"])


def answered(
    status: int, reason: str = "", message: str = "", *, path: str = "", method: str = ".*"
) -> Change:
    """The API server answers so, whatever it is asked."""
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": status}

    def change(azure: Azure) -> None:
        faults.inject(
            azure, method=method, path=f"^/kubernetes/.*{path}", status=status, body=body, count=10_000
        )

    return change


def oversized(characters: int) -> Change:
    """Every Gateway of the private cluster carries so much that can't be compressed."""

    def change(azure: Azure) -> None:
        digits = string.ascii_letters + string.digits + "+/"
        cluster = objects(azure, PRIVATE_CLUSTER)
        for gateway in cluster.list(crds.GATEWAY):
            text = "".join(random.Random(1).choices(digits, k=characters))  # noqa: S311 - no secret
            gateway["metadata"].setdefault("annotations", {})["notes"] = text
            cluster.put(crds.GATEWAY, gateway)

    return change


def switched_off(azure: Azure) -> None:
    cluster = azure.store.get(CLUSTER_KIND, PRIVATE_CLUSTER)
    assert cluster is not None
    cluster["properties"]["apiServerAccessProfile"]["disableRunCommand"] = True
    azure.store.put(CLUSTER_KIND, PRIVATE_CLUSTER, cluster)


@dataclass(frozen=True)
class Obstacle:
    """What is in the way, and what a person is told: why, and what to do."""

    change: Change
    why: str
    fix: str
    profile: tuple[str, str] = PROD


FORBIDDEN = (
    'gateways.gateway.networking.k8s.io is forbidden: User "x" cannot list resource "gateways" in API group'
    ' "gateway.networking.k8s.io" at the cluster scope'
)
WEBHOOK = 'admission webhook "policy.contoso.com" denied the request: hosts need an owner'
NOT_SERVED = "the server could not find the requested resource"

OBSTACLES = {
    "unreachable": Obstacle(
        answered(faults.DISCONNECT),
        "reaching the API server of cluster aks-prod",
        "See that the cluster runs and that its authorized IP ranges let this machine in.",
    ),
    "forbidden": Obstacle(
        answered(403, "Forbidden", FORBIDDEN),
        "the caller may not list gateways.gateway.networking.k8s.io in the whole cluster",
        "Have the role “Azure Kubernetes Service RBAC Cluster Admin” at the cluster",
    ),
    "webhook": Obstacle(
        answered(400, "BadRequest", WEBHOOK, method="PATCH", path="httproutes"),
        "the admission webhook policy.contoso.com refused it: hosts need an owner",
        "Bring the profile in line with the policy behind that webhook",
    ),
    "unreachable from inside": Obstacle(
        answered(faults.DISCONNECT),
        "Unable to connect to the server",
        "See that the cluster runs",
        PRIVATE,
    ),
    "forbidden, by the run command": Obstacle(
        answered(403, "Forbidden", FORBIDDEN),
        "the caller may not list gateways.gateway.networking.k8s.io in the whole cluster",
        "Have the role “Azure Kubernetes Service RBAC Cluster Admin” at the cluster",
        PRIVATE,
    ),
    "webhook, by the run command": Obstacle(
        answered(400, "BadRequest", WEBHOOK, method="PATCH", path="httproutes"),
        "the admission webhook policy.contoso.com refused it: hosts need an owner",
        "Bring the profile in line with the policy behind that webhook",
        PRIVATE,
    ),
    "output cut": Obstacle(
        oversized(700_000),
        "output cut at 512 kB: the answer to get /apis/gateway.networking.k8s.io/v1/gateways",
        "Reach the cluster from inside its network with cluster.access: direct.",
        PRIVATE,
    ),
    "run command off": Obstacle(
        switched_off,
        "Run command is disabled on this managed cluster.",
        "az aks update --resource-group rg-aks-private --name aks-private --enable-run-command",
        PRIVATE,
    ),
    "no room for its pod": Obstacle(
        lambda azure: run_command.hold_pods(azure, 1000),
        "its pod was not started, 5 times",
        "The cluster needs a node with room for one more small pod",
        PRIVATE,
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_could_not_be_read_is_told_and_never_in_sync(
    name: str, provision: CommandLine, applied: Applied
) -> None:
    case = OBSTACLES[name]
    applied(Path(case.profile[0]).stem)
    with provision.azure() as azure:
        case.change(azure)
    drift = provision("drift", *case.profile)
    assert drift.code == 3
    assert "in sync" not in drift.out
    assert_told(drift, case)
    done = provision("apply", *case.profile, "--yes")
    assert done.code == 1
    assert_told(done, case)
    assert " to update" not in done.out  # what is made from what could not be read is not known to differ
    assert not done.writes()


def assert_told(ran: Ran, case: Obstacle) -> None:
    assert case.why in ran.out
    assert case.fix in ran.out


def test_a_definition_that_is_missing(provision: CommandLine, applied: Applied) -> None:
    """With it its objects are gone: drift finds them missing, apply waits for it and says what brings it."""
    applied("prod")
    with provision.azure() as azure:
        answered(404, "NotFound", NOT_SERVED, path="gateway.networking.k8s.io")(azure)
    assert provision("drift", *PROD).code == 2
    done = provision("apply", *PROD, "--yes", "--format", "json")
    assert done.code == 1
    assert done.errors()["kubernetes/Gateway/shop/prod"].splitlines() == [
        "applying kubernetes/Gateway/shop/prod: the cluster does not serve Gateway"
        " (gateway.networking.k8s.io/v1)",
        "It comes with the managed Gateway API of the cluster: see that it is enabled and has started.",
    ]
    assert done.statuses()["kubernetes/HTTPRoute/shop/shop-contoso-com"] == "skipped"


def test_an_answer_cut_in_a_batch_is_asked_for_in_parts(provision: CommandLine, applied: Applied) -> None:
    """Each object is small enough, all of them together are not."""
    applied("private")
    with provision.azure() as azure:
        cluster = objects(azure, PRIVATE_CLUSTER)
        for kind in (crds.GATEWAY, crds.HTTP_ROUTE, kinds.SERVICE_ACCOUNT):
            for body in cluster.list(kind, "intranet"):
                noise = random.Random(body["metadata"]["name"])  # noqa: S311 - no secret
                text = "".join(noise.choices(string.ascii_letters + string.digits, k=200_000))
                body["metadata"].setdefault("annotations", {})["notes"] = text
                cluster.put(kind, body)
    done = provision("drift", *PRIVATE)
    assert (done.code, done.err) == (0, "")
    assert "in sync" in done.out


def without_namespace(azure: Azure) -> None:
    cluster = objects(azure)
    for kind in (crds.GATEWAY, crds.HTTP_ROUTE, kinds.SERVICE_ACCOUNT, kinds.CONFIG_MAP):
        for body in cluster.list(kind, "shop"):
            cluster.delete(kind, body["metadata"]["name"], "shop")
    cluster.delete(kinds.NAMESPACE, "shop")


def test_a_namespace_that_is_not_ours_to_make(provision: CommandLine, applied: Applied) -> None:
    """Its hosts wait for it, the others go on."""
    applied("prod")
    with provision.azure() as azure:
        without_namespace(azure)
    assert provision("drift", *PROD).code == 2
    done = provision("apply", *PROD, "--yes")
    assert done.code == 1
    assert "planning kubernetes/Namespace/shop: this Namespace does not exist" in done.out
    assert "kubectl create namespace shop" in done.out
    assert "skipped   kubernetes/Gateway/shop/prod: " in done.out
    assert not done.writes()


def test_an_object_of_somebody_else_is_left_alone(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:
        cluster = objects(azure)
        gateway = cluster.get(crds.GATEWAY, "prod", "shop")
        assert gateway is not None
        del gateway["metadata"]["labels"]["provision/profile"]
        gateway["spec"]["listeners"][0]["port"] = 8080
        cluster.put(crds.GATEWAY, gateway)
    for command in ("drift", "apply"):
        done = provision(command, *PROD)
        assert done.code == {"drift": 2, "apply": 1}[command]
        assert "exists and does not carry our mark" in done.out
        assert "--adopt" in done.out
        assert not done.writes()
    assert provision("apply", *PROD, "--yes", "--adopt").code == 0
    assert provision("drift", *PROD).code == 0


def test_without_access_the_objects_are_not_checked(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    applied("prod")
    profile = tmp_path / "none.yaml"
    profile.write_text(f"extends: {ROOT}/profiles/prod.yaml\ncluster: {{access: none}}\n")
    for command in ("plan", "drift", "apply"):
        done = provision(command, str(profile), "--sandbox")
        assert done.code == 3
        assert "the Kubernetes objects of the hosts, since cluster.access is none" in done.out
        assert "in sync" not in done.out


def test_the_private_cluster_gets_the_same_objects(provision: CommandLine, tmp_path: Path) -> None:
    """Through the run command or through the API server: one plan, one result."""
    found: list[dict[str, Any]] = []
    plans: list[list[Any]] = []
    for cluster in ("aks-private", "aks-prod"):
        profile = tmp_path / f"{cluster}.yaml"
        group = f"rg-{cluster}"
        profile.write_text(
            f"extends: {ROOT}/profiles/private.yaml\ncluster: {{name: {cluster}, resourceGroup: {group}}}\n"
        )
        plan = provision("plan", str(profile), "--sandbox", "--format", "json").json()
        plans.append([each for each in plan["changes"] if each["resource"].startswith("kubernetes/")])
        assert provision("apply", str(profile), "--sandbox").code == 0
        through = [call for call in provision.calls if "runcommand" in call.path.lower()]
        assert bool(through) == (cluster == "aks-private")
        with provision.azure() as azure:
            place = objects(azure, CLUSTER.replace("aks-prod", cluster))
            found.append(
                {
                    f"{kind.kind}/{body['metadata']['name']}": body.get("spec")
                    for kind in (crds.GATEWAY, crds.HTTP_ROUTE, crds.CLUSTER_EXTERNAL_DNS)
                    for body in place.list(kind)
                }
            )
        assert provision("destroy", str(profile), "--sandbox", "--yes").code == 0
    assert found[0]
    assert found[0] == found[1]
    assert len(plans[0]) == len(found[0]) + 1  # the service account
    assert plans[0] == plans[1]
