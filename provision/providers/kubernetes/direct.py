"""Straight to the API server: plain HTTP over the run's session, with the cluster's own trust."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from functools import partial

import aiohttp

from provision.apply.together import together
from provision.errors import AccessDeniedError, ServiceError
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.kubernetes.calls import Call, Json, Reply, narrowed, query, reply_of
from provision.providers.kubernetes.kubeconfig import Endpoint, endpoint
from provision.resources.arm import ArmId
from provision.resources.manifest import FIELD_MANAGER

_AT_ONCE = 16
_ATTEMPTS = 6
_LONGEST_WAIT = 30.0
_PASSING = frozenset({429, 500, 502, 503, 504})
_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=15)
"""Seconds. An admission webhook may take 30 of them."""

_METHODS: Mapping[str, str] = {"get": "GET", "apply": "PATCH", "strip": "PATCH", "delete": "DELETE"}


class Direct:
    """A cluster's API server. Credentials are asked for once, when they are first needed."""

    wait = 2.0

    def __init__(self, clients: Clients, cluster_id: str, *, entra: bool) -> None:
        self._clients = clients
        self._arm = ArmId.parse(cluster_id)
        self._entra = entra
        self._lock = asyncio.Lock()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._connection: tuple[Endpoint, ssl.SSLContext] | None = None

    async def send(self, calls: Sequence[Call]) -> list[Reply]:
        """All at once, as far as the API server's fairness goes."""
        await self._connect()
        return await together(self._one(call) for call in calls)

    async def credentials(self) -> tuple[Endpoint, str]:
        """The API server, and a bearer token for it where one is needed."""
        found, _ = await self._connect()
        return found, (await self._who(found)).get("Authorization", "").removeprefix("Bearer ")

    async def _connect(self) -> tuple[Endpoint, ssl.SSLContext]:
        async with self._lock:
            if self._connection is None:
                found = endpoint(self._doing("reading the credentials of"), await self._credentials())
                try:
                    self._connection = found, found.trust()
                except ssl.SSLError as error:
                    raise ServiceError(
                        self._doing("reading the credentials of"),
                        f"OpenSSL does not accept its certificates ({error.reason})",
                    ) from error
            return self._connection

    async def _credentials(self) -> bytes:
        doing = self._doing("reading the credentials of")
        client = self._clients.containers(self._arm.subscription).managed_clusters
        try:
            with translating(doing):
                found = await client.list_cluster_user_credentials(
                    self._arm.group, self._arm.name, format="exec" if self._entra else None
                )
        except AccessDeniedError as error:
            raise AccessDeniedError(
                doing,
                error.why,
                "Have the role “Azure Kubernetes Service Cluster User Role” at the cluster assigned to the"
                " identity that runs provision, or set cluster.access: none.",
            ) from error
        for credential in found.kubeconfigs or ():
            if credential.value:
                return credential.value
        raise ServiceError(doing, "AKS gave none")

    async def _one(self, call: Call) -> Reply:
        async with self._gate:
            for attempt in range(1, _ATTEMPTS + 1):
                reply, pause = await self._try(call, attempt)
                if reply is not None and (not _passes(reply) or attempt == _ATTEMPTS):
                    return reply
                await self._clients.sleep(pause)
        raise self._unreachable("it kept closing the connection")

    async def _try(self, call: Call, attempt: int) -> tuple[Reply | None, float]:
        """The reply and how long to wait before another try; no reply when the connection broke."""
        found, trust = await self._connect()
        headers = {"Accept": "application/json", **await self._who(found)}
        content, body = _content(call)
        if content:
            headers["Content-Type"] = content
        request = partial(
            self._clients.session.request,
            _METHODS[call.verb],
            found.server + target(call),
            headers=headers,
            json=body,
            ssl=trust,
            timeout=_TIMEOUT,
        )
        backoff = min(2.0 ** (attempt - 1), _LONGEST_WAIT)
        try:
            async with request() as response:
                reply = reply_of(response.status, await response.text())
                if call.only:
                    reply = narrowed(reply, call.only)
                return reply, _asked(response.headers.get("Retry-After")) or backoff
        except aiohttp.ClientConnectorCertificateError as error:
            raise self._untrusted(str(error.certificate_error)) from error
        except aiohttp.ClientConnectorSSLError as error:
            raise self._untrusted(str(error.os_error)) from error
        except aiohttp.ClientConnectorError as error:
            raise self._unreachable(str(error.os_error)) from error
        except TimeoutError as error:
            raise self._unreachable("it did not answer in time") from error
        except aiohttp.ClientError:
            return None, backoff

    async def _who(self, found: Endpoint) -> dict[str, str]:
        token = found.token
        if found.scope:
            with translating(self._doing("signing in to")):
                token = await self._clients.token(found.scope)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _doing(self, what: str) -> str:
        return f"{what} cluster {self._arm.name}"

    def _unreachable(self, why: str) -> ServiceError:
        return ServiceError(
            self._doing("reaching the API server of"),
            why,
            "See that the cluster runs and that its authorized IP ranges let this machine in. A private"
            " cluster is reached from inside its network, or from anywhere with cluster.access: run-command.",
        )

    def _untrusted(self, why: str) -> ServiceError:
        return ServiceError(
            self._doing("reaching the API server of"),
            f"its certificate is not the cluster's own ({why})",
            "Something on the way answers in its place, or the cluster's certificates were rotated: look for"
            " a proxy that opens TLS (NO_PROXY excludes the API server from it), then run it again.",
        )


def _passes(reply: Reply) -> bool:
    """Whether another try may go better. Every call means the same when it is made twice."""
    return reply.status in _PASSING and not reply.unknown_fields


def target(call: Call) -> str:
    """Path and query of a call's request."""
    if call.verb == "strip":
        return query(call.path, fieldManager=FIELD_MANAGER)
    if call.verb != "apply":
        return call.path
    options = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": str(call.force).lower()}
    return query(call.path, **options, **({"dryRun": "All"} if call.dry_run else {}))


def _content(call: Call) -> tuple[str, Json | None]:
    """Type and body of a request. JSON is YAML too."""
    if call.verb == "apply":
        return "application/apply-patch+yaml", dict(call.body or {})
    if call.verb == "strip":
        annotations = dict.fromkeys(call.without)
        return "application/merge-patch+json", {"metadata": {"annotations": annotations}}
    if call.verb == "delete":
        only = {"preconditions": {"uid": call.uid}} if call.uid else {}
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", **only}
        return "application/json", options
    return "", None


def _asked(header: str | None) -> float:
    """Seconds of a Retry-After; the API server sends whole seconds, never a date."""
    try:
        return min(float(header or 0), _LONGEST_WAIT)
    except ValueError:
        return 0.0
