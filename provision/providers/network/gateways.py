"""What a gateway's address shows and answers for a host's name."""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import lru_cache

from provision.errors import UsageError
from provision.providers.network.certificates import facts
from provision.providers.network.dialing import (
    Connection,
    NoConnectionError,
    dialled,
    reason,
    secured,
    status_of,
)
from provision.providers.network.reach import Reach
from provision.verify.evidence import CertificateWanted, Handshake, HttpAnswer, Unknown, Unreached

_NO_CLIENT_CERTIFICATE = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE")


def asked_name(host: str) -> str:
    """A name to ask for: the host's own, or one that a wildcard host stands for."""
    return f"provision-verify{host[1:]}" if host.startswith("*.") else host


async def handshake(reach: Reach, address: str, port: int, host: str) -> Handshake | Unreached | Unknown:
    """The certificate that is shown for the host, and whether this machine's authorities vouch for it."""
    shown = await _shown(reach, address, port, host)
    if not isinstance(shown, bytes):
        return shown
    return Handshake(facts(shown), await _distrust(reach, address, port, host))


async def _shown(reach: Reach, address: str, port: int, host: str) -> bytes | Unreached | Unknown:
    try:
        async with dialled(reach, address, port) as connection:
            await secured(connection, _unverified(), asked_name(host))
            session: ssl.SSLObject = connection.writer.get_extra_info("ssl_object")
            return session.getpeercert(binary_form=True) or Unreached("it shows no certificate", True)
    except NoConnectionError as error:
        return error.finding
    except OSError as error:
        return Unreached(_broken_off(error), connected=True)


async def _distrust(reach: Reach, address: str, port: int, host: str) -> str:
    """Why the authorities known here do not vouch for the chain; nothing when they do."""
    context = _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    try:
        async with dialled(reach, address, port) as connection:
            await secured(connection, context, asked_name(host))
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (NoConnectionError, OSError):
        return "could not be told: the second handshake failed"
    return ""


@lru_cache(maxsize=2)
def _authorities(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Trusts this machine's authorities; reading them takes OpenSSL 0.03 s, so it is done once for all hosts.

    The arguments are what OpenSSL itself takes them from.
    """
    context = ssl.create_default_context()
    # Names are compared with the certificate that was shown, where a mismatch is a finding of its own.
    context.check_hostname = False
    return context


async def request(
    reach: Reach, address: str, port: int, host: str, secure: bool, client: ssl.SSLContext | None = None
) -> HttpAnswer | CertificateWanted | Unreached | Unknown:
    """The head of the answer to GET /. Nothing of ours goes into the request but the name, and what `client`
    shows."""
    try:
        async with dialled(reach, address, port) as connection:
            if secure:
                await secured(connection, client or _unverified(), asked_name(host))
            return await _answer(connection, asked_name(host))
    except NoConnectionError as error:
        return error.finding
    except ssl.SSLError as error:
        if any(word in (error.reason or "") for word in _NO_CLIENT_CERTIFICATE):
            return CertificateWanted()
        return Unreached(_broken_off(error), connected=True)
    except (asyncio.IncompleteReadError, OSError) as error:
        return Unreached(_broken_off(error), connected=True)
    except (asyncio.LimitOverrunError, ValueError):
        return Unreached("its answer is no HTTP", connected=True)


async def _answer(connection: Connection, name: str) -> HttpAnswer:
    request_ = (
        f"GET / HTTP/1.1\r\nHost: {name}\r\nUser-Agent: provision\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    connection.writer.write(request_.encode("ascii"))
    head = await connection.head()
    headers = {
        key.strip().casefold(): value.strip()
        for key, _, value in (line.partition(":") for line in head.splitlines()[1:])
    }
    # Envoy adds this to what it forwards from an upstream, and only to that. Source: Envoy documentation,
    # "HTTP header manipulation", 2026.
    from_service = "x-envoy-upstream-service-time" in headers
    return HttpAnswer(status_of(head), headers.get("location", ""), from_service)


def client_context(certificate: str, key: str) -> ssl.SSLContext:
    """For connections that show the client certificate of a PEM file; its key may be in the same file.

    Raises UsageError when the files hold no such pair. An encrypted key is refused, not asked about.
    """
    context = _unverified()
    try:
        context.load_cert_chain(certificate, key or None, password=_no_password)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"reading the client certificate {certificate}",
            f"it is no PEM certificate with its key: {why}",
            "Give the key with --client-key, without a password.",
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _unverified() -> ssl.SSLContext:
    """To see what is shown, whoever signed it. Nothing secret is sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the authorities, which take 0.03 s to read
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _broken_off(error: OSError | EOFError) -> str:
    if isinstance(error, TimeoutError):
        return "connected, but no answer in time"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({error.reason or error})"
    if isinstance(error, EOFError | ConnectionError):
        return "the connection was closed without an answer"
    return reason(error)
