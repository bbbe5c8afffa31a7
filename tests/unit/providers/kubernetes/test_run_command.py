"""Through Azure's run command: batches, their output, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from azure.mgmt.containerservice.models import RunCommandRequest, RunCommandResult

from providers.bench import Bench, finished, refusal
from providers.kubernetes.cluster import ID
from provision.errors import AccessDeniedError, ServiceError
from provision.providers.kubernetes.calls import Call
from provision.providers.kubernetes.kubeconfig import AKS_SERVER
from provision.providers.kubernetes.run_command import RunCommand, command, context

LATE = (
    "Failed to run command due to cluster perf issue, container command-1 in aks-command namespace did not"
    " start within 30s on your cluster, retry may helps."
)


def get(number: int) -> Call:
    return Call("get", f"/api/v1/namespaces/{number}")


def line(output: str, code: int = 0) -> str:
    return base64.b64encode(gzip.compress(f"{output}\nexit {code}\n".encode(), mtime=0)).decode()


def answers(lines: Iterable[str]) -> str:
    """What a command prints whose calls print `lines`."""
    return "".join(f"=== {number}\n{each}\n" for number, each in enumerate(lines))


def result(logs: str, **properties: Any) -> RunCommandResult:
    told = {"provisioningState": "Succeeded", "exitCode": 0, "logs": logs, **properties}
    return RunCommandResult({"id": "1", "properties": told})


def answering(bench: Bench, answer: Callable[[str], RunCommandResult]) -> list[RunCommandRequest]:
    """Commands are answered by a function of their text; the requests as they come."""
    requests: list[RunCommandRequest] = []

    async def begin(_: str, __: str, request: RunCommandRequest, **___: Any) -> Any:
        requests.append(request)
        return finished(answer(request.command))

    bench.clusters.begin_run_command.side_effect = begin
    return requests


def names(text: str) -> list[str]:
    """The last segments of the paths that a command gets."""
    return [part.split("'")[1].rsplit("/", 1)[1] for part in text.split("--raw ")[1:]]


def honest(text: str) -> RunCommandResult:
    return result(answers(line(json.dumps({"name": name})) for name in names(text)))


def way(bench: Bench, *, entra: bool = False) -> RunCommand:
    return RunCommand(bench.clients, ID, entra=entra, tell=bench.told.append)


def test_a_command_has_a_line_for_each_call() -> None:
    calls = [
        Call("get", "/a?labelSelector=it's"),
        Call("apply", "/b", {"kind": "B"}, dry_run=True, force=True),
        Call("delete", "/c"),
        Call("strip", "/api/v1/namespaces/shop/services/web", without=("a/b", "c")),
        Call("strip", "/apis/x.io/v1/namespaces/shop/gateways/web", without=("a",)),
        Call("strip", "/api/v1/namespaces/shop", without=("a",)),
    ]
    packed = "command -v gzip >/dev/null && command -v base64 >/dev/null && gzip -c | base64 -w0 || cat"
    wrapped = "echo '=== {0}'; ( {1} ; echo \"exit $?\" ) 2>&1 | ( {2} ); echo"
    assert command(calls) == "; ".join(
        wrapped.format(number, each, packed)
        for number, each in enumerate(
            (
                "kubectl get --raw '/a?labelSelector=it'\\''s'",
                "kubectl apply --server-side --field-manager=provision --force-conflicts --dry-run=server"
                " -o json -f 1.json",
                "kubectl delete --raw '/c'",
                "kubectl annotate 'services' 'web' -n 'shop' --field-manager=provision -o json 'a/b-' 'c-'",
                "kubectl annotate 'gateways.v1.x.io' 'web' -n 'shop' --field-manager=provision -o json 'a-'",
                "kubectl annotate 'namespaces' 'shop' --field-manager=provision -o json 'a-'",
            )
        )
    )
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(context(calls)))) as archive:
        assert {name: json.loads(archive.read(name)) for name in archive.namelist()} == {
            "1.json": {"kind": "B"}
        }
    assert context(calls[:1]) == ""


async def test_senders_of_one_moment_share_a_command(bench: Bench) -> None:
    requests = answering(bench, honest)
    through = way(bench)
    replies = await asyncio.gather(*(through.send([get(n), get(n + 10)]) for n in range(3)), through.send([]))
    assert len(requests) == 1
    assert [[reply.body["name"] for reply in each] for each in replies] == [
        ["0", "10"],
        ["1", "11"],
        ["2", "12"],
        [],
    ]
    group, name = bench.clusters.begin_run_command.await_args.args[:2]
    assert (group, name) == ("rg-aks-prod", "aks-prod")
    assert bench.clusters.begin_run_command.await_args.kwargs == {"polling_interval": 5.0}


async def test_a_failed_call_is_a_reply(bench: Bench) -> None:
    told = line('Error from server (NotFound): namespaces "1" not found', 1)
    answering(bench, lambda _: result(answers([told])))
    (reply,) = await way(bench).send([get(1)])
    assert reply.no_such_object


async def test_many_calls_are_several_commands(bench: Bench) -> None:
    requests = answering(bench, honest)
    replies = await way(bench).send([get(n) for n in range(250)])
    assert [reply.body["name"] for reply in replies] == [str(n) for n in range(250)]
    assert len(requests) == 3


@pytest.mark.parametrize("entra", [True, False])
async def test_entra_clusters_get_a_token(bench: Bench, entra: bool) -> None:
    bench.clients.token.return_value = "secret"
    requests = answering(bench, honest)
    await way(bench, entra=entra).send([get(1)])
    assert requests[0].cluster_token == ("secret" if entra else None)
    assert bench.clients.token.await_args_list == ([((f"{AKS_SERVER}/.default",),)] if entra else [])


def cut(limit: int) -> Callable[[str], RunCommandResult]:
    """Answers of 200 kB each, cut at `limit`."""

    def answer(text: str) -> RunCommandResult:
        lines = [line(json.dumps({"name": name})).ljust(200_000, "\n") for name in names(text)]
        return result(answers(lines)[:limit])

    return answer


@pytest.mark.parametrize("limit", [512_000, 512 * 1024, 600_001, 600_010])
async def test_a_cut_output_is_asked_for_in_halves(bench: Bench, limit: int) -> None:
    requests = answering(bench, cut(limit))
    replies = await way(bench).send([get(n) for n in range(5)])
    assert [reply.body["name"] for reply in replies] == ["0", "1", "2", "3", "4"]
    assert [len(names(request.command)) for request in requests] == [5, 2, 3]


async def test_an_answer_that_is_too_large_alone(bench: Bench) -> None:
    answering(bench, lambda _: result("A" * 512_000))
    with pytest.raises(ServiceError, match="output cut at 512 kB: the answer to get /api/v1/namespaces/1"):
        await way(bench).send([get(1), get(2)])


async def test_an_image_without_gzip_answers_in_plain_text(bench: Bench) -> None:
    plain = [json.dumps({"name": str(number)}, indent=4) + "\nexit 0\n" for number in range(2)]
    answering(bench, lambda _: result(answers(plain)))
    replies = await way(bench).send([get(0), get(1)])
    assert [reply.body["name"] for reply in replies] == ["0", "1"]


@pytest.mark.parametrize(
    "logs",
    ["sh: kubectl: not found\n", "", answers([line("{}"), line("{}")]), answers(["QUJD"]), answers(["H4sI"])],
)
async def test_unexpected_output_is_told(bench: Bench, logs: str) -> None:
    requests = answering(bench, lambda _: result(logs, exitCode=127))
    with pytest.raises(ServiceError, match="exit code 127 and unexpected output"):
        await way(bench).send([get(1)])
    assert len(requests) == 1


@pytest.mark.parametrize("refused", [True, False])
async def test_a_pod_that_does_not_start_is_tried_again(bench: Bench, refused: bool) -> None:
    late = refusal(400, "KubernetesPerformanceError", LATE)
    failed = [finished(result("", provisioningState="Failed", reason=LATE)) for _ in range(2)]
    first: Sequence[Any] = [late, late] if refused else failed
    bench.clusters.begin_run_command.side_effect = [*first, finished(honest("--raw '/1' "))]
    (reply,) = await way(bench).send([get(1)])
    assert reply.ok
    assert bench.waits() == [30.0, 30.0]
    assert "trying again in 30 s" in bench.told[0]


async def test_but_not_for_ever(bench: Bench) -> None:
    bench.clusters.begin_run_command.side_effect = refusal(400, "KubernetesPerformanceError", LATE)
    with pytest.raises(ServiceError, match="its pod was not started, 5 times"):
        await way(bench).send([get(1)])
    assert bench.waits() == [30.0] * 4


async def test_another_failure_is_not(bench: Bench) -> None:
    answering(bench, lambda _: result("", provisioningState="Failed", reason="image is gone"))
    with pytest.raises(ServiceError, match="image is gone"):
        await way(bench).send([get(1)])
    assert bench.waits() == []


async def test_an_error_reaches_every_sender(bench: Bench) -> None:
    message = "The client does not have authorization to perform action 'M/runCommand/action' over scope 'S'"
    bench.clusters.begin_run_command.side_effect = refusal(403, "AuthorizationFailed", message)
    through = way(bench)
    errors = await asyncio.gather(*(through.send([get(n)]) for n in range(3)), return_exceptions=True)
    assert [type(error) for error in errors] == [AccessDeniedError] * 3
    assert bench.clusters.begin_run_command.await_count == 1


async def test_a_sender_that_gives_up_does_not_disturb_the_others(bench: Bench) -> None:
    answering(bench, honest)
    through = way(bench)
    first = asyncio.create_task(through.send([get(1)]))
    second = asyncio.create_task(through.send([get(2)]))
    await asyncio.sleep(0)
    first.cancel()
    assert [reply.body["name"] for reply in await second] == ["2"]
