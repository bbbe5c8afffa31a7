"""Objects of a cluster with their events, and the certificates in its Secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from provision.errors import ProvisionError
from provision.providers.kubernetes.calls import Call, Reply, Way, query
from provision.providers.kubernetes.errors import refusal
from provision.providers.network.certificates import facts_of_chain
from provision.resources.manifest import EVENT, SECRET, Manifest
from provision.verify.evidence import CertificateFacts, Live, Unknown
from provision.verify.probes import InCluster, SecretName

_CERTIFICATE = "tls.crt"
"""All that is read of a Secret, which holds the key too."""

_TOLD = 3
"""Events of an object that are worth reading."""


async def read(way: Way, manifests: Sequence[Manifest], secrets: Sequence[SecretName]) -> InCluster:
    """Everything in one go. What the way can't carry is unknown, all of it when the way itself fails."""
    calls = [
        *(Call("get", manifest.path) for manifest in manifests),
        *(Call("get", _events(manifest)) for manifest in manifests),
        *(Call("get", SECRET.path(*secret), only=_CERTIFICATE) for secret in secrets),
    ]
    try:
        replies = await way.send(calls)
    except ProvisionError as error:
        unknown = Unknown(str(error))
        addresses = [manifest.address for manifest in manifests]
        return InCluster(dict.fromkeys(addresses, unknown), dict.fromkeys(secrets, unknown))
    count = len(manifests)
    return InCluster(
        {
            manifest.address: _live(manifest, found, events)
            for manifest, found, events in zip(manifests, replies, replies[count : 2 * count], strict=False)
        },
        {
            secret: _certificate(secret, reply)
            for secret, reply in zip(secrets, replies[2 * count :], strict=True)
        },
    )


def _events(manifest: Manifest) -> str:
    """Path of an object's warnings; those of cluster-wide objects are in the namespace default."""
    selected = {
        "involvedObject.kind": manifest.api.kind,
        "involvedObject.name": manifest.object_name,
        "type": "Warning",
    }
    selector = ",".join(f"{field}={value}" for field, value in selected.items())
    return query(EVENT.path(manifest.namespace or "default"), fieldSelector=selector)


def _live(manifest: Manifest, found: Reply, events: Reply) -> Live | Unknown | None:
    if found.status == 404:
        return None
    if not found.ok:
        return Unknown(str(refusal(f"reading {manifest.address}", manifest.api, found)))
    if not events.ok:
        where = f"in the namespace {manifest.namespace or 'default'}"
        return Live(found.body, unheard=str(refusal(f"reading events {where}", EVENT, events)))
    return Live(found.body, _warnings(events))


def _warnings(reply: Reply) -> tuple[str, ...]:
    """The latest events, newest first, each message once."""
    items = sorted(reply.body.get("items") or (), key=_when, reverse=True)
    told = [f"{item.get('reason')}: {item.get('message')}" for item in items]
    return tuple(dict.fromkeys(told))[:_TOLD]


def _when(event: Mapping[str, Any]) -> str:
    """The time of an event, whichever API it was written by; times are RFC 3339 in UTC and sort as text."""
    series = event.get("series") or {}
    created = (event.get("metadata") or {}).get("creationTimestamp")
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"), created)
    return next((str(time) for time in times if time), "")


def _certificate(secret: SecretName, reply: Reply) -> CertificateFacts | Unknown | None:
    """What the Secret's certificate says."""
    if reply.status == 404:
        return None
    if not reply.ok:
        return Unknown(str(refusal(f"reading Secret {'/'.join(secret)}", SECRET, reply)))
    try:
        return facts_of_chain(base64.b64decode(reply.body["data"][_CERTIFICATE], validate=True))
    except (KeyError, TypeError):
        return Unknown("the Secret holds no tls.crt")
    except (ValueError, binascii.Error):
        return Unknown("the Secret's tls.crt is no certificate")
