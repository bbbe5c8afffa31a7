"""Gateways dialled: what they show, what they answer, and how they fail."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from provision.providers.network import dialing
from provision.providers.network.certificates import facts, facts_of_chain
from provision.providers.network.gateways import asked_name, handshake, request
from provision.providers.network.reach import Reach
from provision.verify.evidence import CertificateWanted, Handshake, HttpAnswer, Unknown, Unreached

from .servers import Keys, answering, insisting, listening, proxying

HOST = "shop.contoso.com"
HERE = Reach()
AT = "127.0.0.1"
OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def test_the_certificate_for_the_name(tmp_path: Path) -> None:
    """Servers choose by the name that is asked for."""
    shop, other = Keys(tmp_path, HOST), Keys(tmp_path, "other.contoso.com")
    context = other.context()
    asked: list[str | None] = []

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)
        if name == HOST:
            connection.context = shop.context()

    context.sni_callback = choose
    async with listening(answering(OK), context) as port:
        found = await handshake(HERE, AT, port, HOST)
        wild = await handshake(HERE, AT, port, "*.contoso.com")
    assert isinstance(found, Handshake)
    assert found.certificate.sha1 == shop.sha1
    assert found.certificate.names == (HOST,)
    assert found.distrust == "self-signed certificate"
    assert isinstance(wild, Handshake)
    assert wild.certificate.sha1 == other.sha1
    assert asked[-1] == asked_name("*.contoso.com") == "provision-verify.contoso.com"


async def test_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path, "x.contoso.com")  # for another name, which is another link's matter
    authority = tmp_path / "authority.pem"
    authority.write_bytes(keys.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with listening(answering(OK), keys.context()) as port:
        found = await handshake(HERE, AT, port, HOST)
    assert isinstance(found, Handshake)
    assert found.distrust == ""


def test_facts(tmp_path: Path) -> None:
    keys = Keys(tmp_path, HOST, "www.contoso.com")
    found = facts(keys.der)
    assert found == facts_of_chain(keys.pem + Keys(tmp_path, "issuer").pem)
    assert (found.sha1, found.names, found.self_signed) == (keys.sha1, (HOST, "www.contoso.com"), True)
    assert len(found.sha256) == 64
    assert found.not_after == keys.certificate.not_valid_after_utc
    assert facts(Keys(tmp_path).der).names == ()
    with pytest.raises(ValueError, match=r"."):
        facts(b"no certificate")


ANSWERS = [
    (OK, HttpAnswer(200)),
    (f"HTTP/1.1 301 Moved\r\nLocation: https://{HOST}/\r\n\r\n", HttpAnswer(301, f"https://{HOST}/")),
    (
        "HTTP/1.1 404 Not Found\r\nX-Envoy-Upstream-Service-Time: 3\r\n\r\n",
        HttpAnswer(404, from_service=True),
    ),
    ("HTTP/1.1 503\r\n\r\n", HttpAnswer(503)),
    ("SSH-2.0-OpenSSH\r\n\r\n", Unreached("its answer is no HTTP", connected=True)),
    ("", Unreached("the connection was closed without an answer", connected=True)),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
async def test_answers(text: str, expected: HttpAnswer | Unreached) -> None:
    seen: list[str] = []
    async with listening(answering(text, seen)) as port:
        assert await request(HERE, AT, port, HOST, secure=False) == expected
    assert seen[0].splitlines()[:2] == ["GET / HTTP/1.1", f"Host: {HOST}"]


async def test_an_answer_over_tls(tmp_path: Path) -> None:
    async with listening(answering(OK), Keys(tmp_path, HOST).context()) as port:
        assert await request(HERE, AT, port, HOST, secure=True) == HttpAnswer(200)


async def test_a_client_certificate_is_wanted(tmp_path: Path) -> None:
    context = Keys(tmp_path, HOST).context()
    context.verify_mode = ssl.CERT_REQUIRED
    async with insisting(context) as port:
        first = await request(HERE, AT, port, HOST, secure=True)
        second = await request(HERE, AT, port, HOST, secure=True)
    assert first == second == CertificateWanted()


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that speaks HTTP only, and answers whatever comes."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def test_no_tls_there() -> None:
    async with listening(plain) as port:
        found = await handshake(HERE, AT, port, HOST)
    assert isinstance(found, Unreached)
    assert found.connected


async def closing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Hangs up at once."""


async def test_hung_up() -> None:
    """What Envoy does for a name that it has no certificate for."""
    async with listening(closing) as port:
        found = await handshake(HERE, AT, port, HOST)
    assert found == Unreached("the connection was closed without an answer", connected=True)


async def test_nobody_there() -> None:
    async with listening(closing) as port:
        pass
    expected = Unreached(f"127.0.0.1 port {port}: connection refused")
    assert await handshake(HERE, AT, port, HOST) == expected
    assert await request(HERE, AT, port, HOST, secure=False) == expected


async def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "SECONDS", 0.05)
    left = asyncio.Event()

    async def waiting(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        left.set()

    async with listening(waiting) as port:
        found = await request(HERE, AT, port, HOST, secure=False)
        await left.wait()
    assert found == Unreached("connected, but no answer in time", connected=True)


async def test_through_a_proxy(tmp_path: Path) -> None:
    keys, seen = Keys(tmp_path, HOST), list[str]()
    async with (
        listening(answering(OK), keys.context()) as port,
        listening(proxying(port, seen)) as proxy,
    ):
        reach = Reach(proxy=f"http://me:p%40ss@127.0.0.1:{proxy}")
        found = await handshake(reach, "20.1.2.3", 443, HOST)
        answer = await request(reach, "2001:db8::1", 443, HOST, secure=True)
    assert isinstance(found, Handshake)
    assert found.certificate.sha1 == keys.sha1
    assert answer == HttpAnswer(200)
    assert seen[0].splitlines()[0] == "CONNECT 20.1.2.3:443 HTTP/1.1"
    assert "Proxy-Authorization: Basic bWU6cEBzcw==" in seen[0].splitlines()
    assert seen[-1].splitlines()[0] == "CONNECT [2001:db8::1]:443 HTTP/1.1"


@pytest.mark.parametrize(
    ("status", "kind"), [(502, Unreached), (504, Unreached), (403, Unknown), (407, Unknown)]
)
async def test_a_proxy_that_does_not_lead_there(status: int, kind: type) -> None:
    async with listening(proxying(0, [], status)) as proxy:
        found = await request(Reach(proxy=f"127.0.0.1:{proxy}"), "20.1.2.3", 80, HOST, secure=False)
    assert isinstance(found, kind)
    assert f"({status})" in getattr(found, "why", "")


async def test_no_proxy_there() -> None:
    async with listening(closing) as gone:
        reach = Reach(proxy=f"http://127.0.0.1:{gone}")
        found = await request(reach, "20.1.2.3", 80, HOST, secure=False)
    assert found == Unknown(f"the proxy 127.0.0.1:{gone} gave no answer to CONNECT")
    again = await request(reach, "20.1.2.3", 80, HOST, secure=False)
    assert isinstance(again, Unknown)
    assert "connection refused" in again.why
