"""What a kubeconfig of AKS says: where the API server is, whom to trust, who to be."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from provision.errors import ServiceError
from provision.profile.yaml_source import Loader

AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application for which Entra issues tokens for clusters, the same in every cloud.
Source: Azure/kubelogin, "AKS AAD server application"."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server and the credentials for it; one of `scope` (an Entra token's), `token`, `certificate`."""

    server: str
    authority: bytes = b""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    scope: str = ""

    def trust(self) -> ssl.SSLContext:
        """Trusts the cluster's own authority and shows the client certificate if there is one.

        The certificates that AKS makes for its API servers have no key identifiers, which Python's default
        context asks for since 3.13, so the context is made from the protocol.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.authority:
            context.load_verify_locations(cadata=self.authority.decode("ascii"))
        else:
            context.load_default_certs()
        if self.certificate:
            _load_pair(context, self.certificate, self.key)
        return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """OpenSSL reads a client's key from files only: these are the caller's own and gone at once."""
    with tempfile.TemporaryDirectory(prefix="provision-") as folder:
        pair = Path(folder, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_bytes(certificate.rstrip() + b"\n" + key)
        context.load_cert_chain(pair)


def endpoint(doing: str, text: bytes) -> Endpoint:
    """The current context of a kubeconfig. Raises ServiceError when it is not one we can use."""
    try:
        document = Loader(text).get_single_data()
        context = _named(document, "contexts", "context", document["current-context"])
        cluster = _named(document, "clusters", "cluster", context["cluster"])
        user = _named(document, "users", "user", context["user"])
        return Endpoint(
            server=str(cluster["server"]).rstrip("/"),
            authority=_decoded(cluster, "certificate-authority-data"),
            certificate=_decoded(user, "client-certificate-data"),
            key=_decoded(user, "client-key-data"),
            token=str(user.get("token") or ""),
            scope=_scope(user),
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        # Not the error's own text: it may quote the file, which holds a key.
        raise ServiceError(
            doing, f"the credentials that AKS gave are not a kubeconfig ({type(error).__name__})"
        ) from None


def _named(document: Any, group: str, kind: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {each["name"]: each[kind] for each in document[group] or ()}[name]
    return found


def _decoded(holder: Mapping[str, Any], name: str) -> bytes:
    return base64.b64decode(holder.get(name) or "", validate=True)


def _scope(user: Mapping[str, Any]) -> str:
    """The scope of the Entra token that the user's plugin would fetch; empty for other users.

    `exec` runs kubelogin with `--server-id <application>`; the older `auth-provider` has an `apiserver-id`.
    """
    if "exec" in user:
        arguments = [str(each) for each in user["exec"].get("args") or ()]
        told = dict(pairwise(arguments)).get("--server-id", AKS_SERVER)
        return f"{told}/.default"
    if "auth-provider" in user:
        config = user["auth-provider"].get("config") or {}
        return f"{config.get('apiserver-id', AKS_SERVER)}/.default"
    return ""
