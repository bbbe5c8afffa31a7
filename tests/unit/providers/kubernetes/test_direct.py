"""Straight to the API server, over a session that answers what the test says."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import yaml
from azure.mgmt.containerservice.models import CredentialResults

from providers.bench import Bench, refusal
from providers.kubernetes.cluster import ID
from provision.errors import AccessDeniedError, ProvisionError, ServiceError
from provision.providers.kubernetes.access import Ways
from provision.providers.kubernetes.calls import Call, Reply
from provision.providers.kubernetes.direct import Direct
from provision.providers.kubernetes.kubeconfig import AKS_SERVER, Endpoint, endpoint
from provision.providers.kubernetes.run_command import RunCommand

GET = Call("get", "/api/v1/namespaces")
SECRET = "token-that-nobody-may-see"
_KEY = aiohttp.client_reqrep.ConnectionKey("aks", 443, True, True, None, None, None)


def kubeconfig(user: dict[str, Any], **cluster: Any) -> bytes:
    return yaml.safe_dump(
        {
            "current-context": "aks",
            "contexts": [{"name": "aks", "context": {"cluster": "aks", "user": "me"}}],
            "clusters": [{"name": "aks", "cluster": {"server": "https://aks.test:443/", **cluster}}],
            "users": [{"name": "other", "user": {}}, {"name": "me", "user": user}],
        }
    ).encode()


def credentials(text: bytes) -> CredentialResults:
    encoded = base64.b64encode(text).decode()
    return CredentialResults({"kubeconfigs": [{"name": "clusterUser", "value": encoded}]})


@dataclass
class Session:
    """Gives the next of `answers` to each request, the last one for ever; raises those that are errors."""

    answers: Sequence[tuple[int, str, dict[str, str]] | Exception]
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @asynccontextmanager
    async def request(self, method: str, url: str, **options: Any) -> AsyncIterator[Any]:
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append((method, url, options))
        if isinstance(answer, Exception):
            raise answer
        status, text, headers = answer

        async def read() -> str:
            return text

        yield SimpleNamespace(status=status, headers=headers, text=read)


def direct(
    bench: Bench, *answers: tuple[int, str, dict[str, str]] | Exception, user: dict[str, Any] | None = None
) -> tuple[Direct, Session]:
    session = Session(answers or [(200, '{"kind": "X"}', {})])
    bench.clients.session = session
    bench.clients.token.return_value = SECRET
    bench.clusters.list_cluster_user_credentials.return_value = credentials(
        kubeconfig({"token": "t"} if user is None else user)
    )
    return Direct(bench.clients, ID, entra=bool(user and "exec" in user)), session


async def test_credentials_are_read_once(bench: Bench) -> None:
    way, session = direct(bench)
    await asyncio.gather(*(way.send([GET, GET]) for _ in range(5)))
    bench.clusters.list_cluster_user_credentials.assert_awaited_once_with(
        "rg-aks-prod", "aks-prod", format=None
    )
    assert len(session.requests) == 10
    method, url, options = session.requests[0]
    assert (method, url) == ("GET", "https://aks.test:443/api/v1/namespaces")
    assert options["headers"]["Authorization"] == "Bearer t"
    assert options["ssl"].verify_mode is ssl.CERT_REQUIRED
    assert options["ssl"].check_hostname


@pytest.mark.parametrize(
    ("user", "scope"),
    [
        ({"exec": {"args": ["get-token", "--server-id", "app", "--login", "x"]}}, "app/.default"),
        ({"exec": {"command": "kubelogin"}}, f"{AKS_SERVER}/.default"),
        ({"auth-provider": {"config": {"apiserver-id": "app"}}}, "app/.default"),
    ],
)
async def test_entra_clusters_get_a_token_for_their_application(
    bench: Bench, user: dict[str, Any], scope: str
) -> None:
    way, session = direct(bench, user=user)
    await way.send([GET])
    bench.clients.token.assert_awaited_with(scope)
    assert session.requests[0][2]["headers"]["Authorization"] == f"Bearer {SECRET}"


async def test_an_apply_says_who_and_how(bench: Bench) -> None:
    way, session = direct(bench)
    await way.send([Call("apply", "/x", {"a": 1}, dry_run=True, force=True), Call("apply", "/y", {})])
    (method, url, options), (_, second, _) = session.requests
    assert method == "PATCH"
    assert url.endswith("/x?fieldManager=provision&fieldValidation=Strict&force=true&dryRun=All")
    assert second.endswith("/y?fieldManager=provision&fieldValidation=Strict&force=false")
    assert options["json"] == {"a": 1}
    assert options["headers"]["Content-Type"] == "application/apply-patch+yaml"


async def test_annotations_are_taken_off_by_a_merge(bench: Bench) -> None:
    way, session = direct(bench)
    await way.send([Call("strip", "/x", without=("a/b", "c"))])
    ((method, url, options),) = session.requests
    assert method == "PATCH"
    assert url.endswith("/x?fieldManager=provision")
    assert options["json"] == {"metadata": {"annotations": {"a/b": None, "c": None}}}
    assert options["headers"]["Content-Type"] == "application/merge-patch+json"


async def test_a_deletion_can_be_of_one_object_only(bench: Bench) -> None:
    way, session = direct(bench)
    await way.send([Call("delete", "/x", uid="u"), Call("delete", "/y")])
    assert session.requests[0][2]["json"]["preconditions"] == {"uid": "u"}
    assert "preconditions" not in session.requests[1][2]["json"]


@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_what_passes_is_tried_again(bench: Bench, status: int) -> None:
    way, session = direct(bench, (status, "{}", {"Retry-After": "7"}), (status, "{}", {}), (200, "{}", {}))
    assert await way.send([GET]) == [Reply(200, {})]
    assert bench.waits() == [7.0, 2.0]
    assert len(session.requests) == 3


async def test_but_not_for_ever(bench: Bench) -> None:
    way, _ = direct(bench, (503, '{"message": "busy"}', {"Retry-After": "Wed, 21 Oct"}))
    (reply,) = await way.send([GET])
    assert (reply.status, reply.message) == (503, "busy")
    assert bench.waits() == [1.0, 2.0, 4.0, 8.0, 16.0]


async def test_fields_that_a_kind_lacks_are_not_tried_again(bench: Bench) -> None:
    way, session = direct(bench, (500, '{"message": "failed to create typed patch object (x): .a"}', {}))
    await way.send([GET])
    assert len(session.requests) == 1


async def test_a_broken_connection_is_tried_again(bench: Bench) -> None:
    way, _ = direct(bench, aiohttp.ServerDisconnectedError(), (200, "{}", {}))
    assert await way.send([GET]) == [Reply(200, {})]
    way, _ = direct(bench, aiohttp.ServerDisconnectedError())
    with pytest.raises(ServiceError, match="kept closing"):
        await way.send([GET])


@pytest.mark.parametrize(
    ("error", "why", "fix"),
    [
        (
            aiohttp.ClientConnectorDNSError(_KEY, OSError("no such host")),
            "no such host",
            "authorized IP ranges",
        ),
        (aiohttp.ClientConnectorError(_KEY, OSError("refused")), "refused", "private cluster"),
        (aiohttp.ServerTimeoutError(), "in time", "private cluster"),
        (
            aiohttp.ClientConnectorCertificateError(_KEY, ssl.SSLCertVerificationError(1, "self-signed")),
            "not the cluster's own",
            "NO_PROXY",
        ),
        (
            aiohttp.ClientConnectorSSLError(_KEY, ssl.SSLError("handshake")),
            "not the cluster's own",
            "NO_PROXY",
        ),
    ],
)
async def test_a_server_that_can_not_be_reached(bench: Bench, error: Exception, why: str, fix: str) -> None:
    way, _ = direct(bench, error)
    with pytest.raises(ServiceError) as failed:
        await way.send([GET])
    assert why in failed.value.why
    assert fix in failed.value.fix


async def test_a_text_is_told_as_a_status(bench: Bench) -> None:
    way, _ = direct(bench, (404, "404 page not found\n", {}))
    assert (await way.send([GET]))[0].no_such_kind


async def test_without_the_right_to_the_credentials_the_role_is_named(bench: Bench) -> None:
    way, _ = direct(bench)
    bench.clusters.list_cluster_user_credentials.side_effect = refusal(403, "AuthorizationFailed", "no")
    with pytest.raises(AccessDeniedError) as failed:
        await way.send([GET])
    assert "Azure Kubernetes Service Cluster User Role" in failed.value.fix


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"current-context: x",
        b"{",
        kubeconfig({"client-certificate-data": "%%%"}),
        kubeconfig({}).replace(b"name: me", b"name: you"),
        b"current-context: null\ncontexts: [1]",
    ],
)
async def test_what_is_no_kubeconfig_is_said_without_quoting_it(bench: Bench, text: bytes) -> None:
    way, _ = direct(bench)
    bench.clusters.list_cluster_user_credentials.return_value = credentials(text or b" ")
    with pytest.raises(ServiceError, match="not a kubeconfig"):
        await way.send([GET])


async def test_certificates_that_openssl_refuses(bench: Bench) -> None:
    way, _ = direct(bench)
    nonsense = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()
    bench.clusters.list_cluster_user_credentials.return_value = credentials(
        kubeconfig({"token": "t"}, **{"certificate-authority-data": nonsense})
    )
    with pytest.raises(ServiceError, match="OpenSSL does not accept"):
        await way.send([GET])


def test_secrets_are_not_printed() -> None:
    encoded = base64.b64encode(SECRET.encode()).decode()
    found = endpoint("x", kubeconfig({"token": SECRET, "client-key-data": encoded}))
    assert found.key == SECRET.encode()
    assert SECRET not in repr(found)


async def test_none_means_none(bench: Bench) -> None:
    way, _ = direct(bench)
    bench.clusters.list_cluster_user_credentials.return_value = CredentialResults({"kubeconfigs": []})
    with pytest.raises(ProvisionError, match="AKS gave none"):
        await way.send([GET])


@pytest.mark.parametrize(
    ("access", "private", "kind"),
    [
        ("auto", False, Direct),
        ("auto", True, RunCommand),
        ("direct", True, Direct),
        ("run-command", False, RunCommand),
    ],
)
def test_the_way_that_is_taken(bench: Bench, access: str, private: bool, kind: type) -> None:
    ways = Ways(bench.clients)
    way = ways.into(ID, access=access, private=private, entra=False)
    assert type(way) is kind
    assert ways.into(ID.upper(), access=access, private=private, entra=False) is way


def test_a_key_is_the_callers_own_file_and_gone_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, bytes]] = []

    def load(_: ssl.SSLContext, pair: Path) -> None:
        seen.append((pair.stat().st_mode & 0o777, pair.read_bytes()))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load)
    Endpoint("https://aks.test", certificate=b"certificate\n", key=b"key\n").trust()
    assert seen == [(0o600, b"certificate\nkey\n")]
    assert list(tmp_path.iterdir()) == []
