"""Objects, events and certificates through a way into a cluster."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provision.errors import ServiceError
from provision.providers.kubernetes.calls import NO_SUCH_PATH, Call, Reply, failure, narrowed
from provision.providers.kubernetes.run_command import command
from provision.providers.network.in_cluster import read
from provision.verify.evidence import CertificateFacts, Live, Unknown

from .servers import Keys
from .world import FRONT, WRITER

SECRET = ("shop", "kv-gw-cert-prod-shop")
SECRET_PATH = "/api/v1/namespaces/shop/secrets/kv-gw-cert-prod-shop"


class Way:
    """Answers by path; the query is kept apart."""

    wait = 0.0

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self._replies = replies
        self.calls: list[Call] = []

    async def send(self, calls: Sequence[Call]) -> list[Reply]:
        self.calls += calls
        return [self._replies.get(urlsplit(call.path).path, Reply(200, {"items": []})) for call in calls]


def event(reason: str, **times: Any) -> dict[str, Any]:
    return {"reason": reason, "message": "m", **times}


async def test_objects_and_events() -> None:
    body = {"kind": "Gateway"}
    events = [
        event("Old", lastTimestamp="2026-01-01T00:00:00Z"),
        event(
            "Series", eventTime="2026-01-01T00:00:00Z", series={"lastObservedTime": "2026-03-01T00:00:00Z"}
        ),
        event("Once", lastTimestamp=None, eventTime="2026-02-01T00:00:00Z"),
        event("Series", lastTimestamp="2026-01-02T00:00:00Z"),
        event("Made", metadata={"creationTimestamp": "2026-01-15T00:00:00Z"}),
    ]
    way = Way({FRONT.path: Reply(200, body), "/api/v1/namespaces/shop/events": Reply(200, {"items": events})})
    found = await read(way, [FRONT], [])
    assert found.objects == {FRONT.address: Live(body, ("Series: m", "Once: m", "Made: m"))}


async def test_only_the_objects_own_warnings_are_asked_for() -> None:
    way = Way({})
    await read(way, [FRONT, WRITER], [])
    asked = [urlsplit(call.path) for call in way.calls if "events" in call.path]
    assert [each.path for each in asked] == [
        "/api/v1/namespaces/shop/events",
        "/api/v1/namespaces/default/events",
    ]
    assert parse_qs(asked[0].query)["fieldSelector"] == [
        "involvedObject.kind=Gateway,involvedObject.name=prod,type=Warning"
    ]


async def test_absent_and_refused() -> None:
    way = Way(
        {
            FRONT.path: failure(404, 'gateways "prod" not found'),
            WRITER.path: failure(403, "no"),
            "/api/v1/namespaces/shop/events": failure(403, "no"),
        }
    )
    found = await read(way, [FRONT, WRITER], [])
    assert found.objects[FRONT.address] is None
    refused = found.objects[WRITER.address]
    assert isinstance(refused, Unknown)
    assert refused.why.startswith(f"reading {WRITER.address}: no")


async def test_a_kind_that_is_not_served_has_no_object() -> None:
    found = await read(Way({FRONT.path: failure(404, NO_SUCH_PATH)}), [FRONT], [])
    assert found.objects == {FRONT.address: None}


async def test_events_that_may_not_be_read_hide_no_object() -> None:
    way = Way({FRONT.path: Reply(200, {}), "/api/v1/namespaces/shop/events": failure(403, "no")})
    found = (await read(way, [FRONT], [])).objects[FRONT.address]
    assert isinstance(found, Live)
    assert (found.body, found.warnings) == ({}, ())
    assert found.unheard.startswith("reading events in the namespace shop: no")


def secret(**data: bytes) -> Reply:
    return Reply(
        200,
        {
            "kind": "Secret",
            "data": {name.replace("_", "."): base64.b64encode(text).decode() for name, text in data.items()},
        },
    )


async def test_a_certificate_and_never_its_key(tmp_path: Path) -> None:
    keys = Keys(tmp_path, "shop.contoso.com")
    way = Way({SECRET_PATH: secret(tls_crt=keys.pem)})
    facts = (await read(way, [FRONT], [SECRET])).secrets[SECRET]
    assert isinstance(facts, CertificateFacts)
    assert facts.sha1 == keys.sha1
    assert [call.only for call in way.calls if "secrets" in call.path] == ["tls.crt"]


def test_no_more_of_a_secret_than_was_asked_for() -> None:
    """Neither from the API server nor in a command's output, which Azure keeps."""
    whole = secret(tls_crt=b"c", tls_key=b"the private key")
    assert narrowed(whole, "tls.crt").body == {"data": {"tls.crt": whole.body["data"]["tls.crt"]}}
    assert narrowed(whole, "other").body == narrowed(Reply(200, {}), "other").body == {"data": {}}
    assert narrowed(failure(404, "no"), "tls.crt") == failure(404, "no")
    asked = command([Call("get", SECRET_PATH, only="tls.crt")])
    template = """'{"{"}"data":{"{"}"tls.crt":"{.data.tls\\.crt}"}}'"""
    assert f"kubectl get secret 'kv-gw-cert-prod-shop' -n 'shop' -o jsonpath={template} ;" in asked


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (failure(404, "not found"), None),
        (secret(tls_key=b"k"), Unknown("the Secret holds no tls.crt")),
        (Reply(200, {"kind": "Secret"}), Unknown("the Secret holds no tls.crt")),
        (secret(tls_crt=b"nothing"), Unknown("the Secret's tls.crt is no certificate")),
        (Reply(200, {"data": {"tls.crt": "%"}}), Unknown("the Secret's tls.crt is no certificate")),
    ],
)
async def test_secrets_without_a_certificate(reply: Reply, expected: Unknown | None) -> None:
    found = await read(Way({SECRET_PATH: reply}), [FRONT], [SECRET])
    assert found.secrets == {SECRET: expected}


async def test_a_secret_that_may_not_be_read() -> None:
    found = await read(Way({SECRET_PATH: failure(403, "no")}), [FRONT], [SECRET])
    refused = found.secrets[SECRET]
    assert isinstance(refused, Unknown)
    assert refused.why.startswith("reading Secret shop/kv-gw-cert-prod-shop: no")


async def test_a_way_that_fails() -> None:
    class Broken(Way):
        async def send(self, calls: Sequence[Call]) -> list[Reply]:
            raise ServiceError("reaching aks-prod", "no answer")

    found = await read(Broken({}), [FRONT], [SECRET])
    why = Unknown("reaching aks-prod: no answer")
    assert (found.objects, found.secrets) == ({FRONT.address: why}, {SECRET: why})
