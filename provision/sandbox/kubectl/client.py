"""How the embedded kubectl speaks to the API server: requests, discovery, the way from a type to a path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from provision.sandbox.faults import DISCONNECT
from provision.sandbox.http import Answer, Json
from provision.sandbox.kubectl.errors import KubectlError, ServerError, no_type, quoted

Call = Callable[[str, str, Mapping[str, str], Any, Mapping[str, str]], Answer]
"""Method, path below the API server's URL, query, body (JSON), headers with lower-case names → answer."""

_JSON = "application/json"
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of discovery."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def label(self) -> str:
        """`gateway.gateway.networking.k8s.io`, as kubectl names a kind in its messages."""
        return ".".join(part for part in (self.kind.lower(), self.group) if part)

    def path(self, namespace: str, name: str = "") -> str:
        """Path of an object or of a list; an empty namespace is all of them."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


class Client:
    """One kubectl process's view of the cluster. `warn` gets the texts of the server's warnings."""

    def __init__(self, call: Call, warn: Callable[[str], None]) -> None:
        self._call = call
        self._warn = warn
        self._resources: list[Resource] | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        accept: str = _JSON,
        content_type: str = _JSON,
    ) -> Any:
        """The JSON answered; raises `ServerError`."""
        headers = {"accept": accept}
        if body is not None:
            headers["content-type"] = content_type
        answer = self._call(method, path, query or {}, body, headers)
        for name, value in answer.headers.items():
            if name.lower() == "warning":
                for text in _WARNING.findall(value):
                    self._warn(re.sub(r"\\(.)", r"\1", text))
        if answer.status == DISCONNECT:
            raise KubectlError("Unable to connect to the server: EOF")
        if answer.status >= 400:
            raise ServerError(_status(answer))
        return answer.body

    def raw(self, method: str, url: str, body: Any = None) -> str:
        """What the server wrote, for `--raw`."""
        parts = urlsplit(url)
        found = self.send(method, unquote(parts.path), query=dict(parse_qsl(parts.query)), body=body)
        if isinstance(found, bytes):
            return found.decode()
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False) + "\n"

    def find(self, name: str) -> Resource:
        """The resource that `configmaps`, `cm`, `gateways.gateway.networking.k8s.io` … stands for."""
        found = self.matching(name)
        if not found:
            raise no_type(name.partition(".")[0])
        return found[0]

    def matching(self, name: str) -> list[Resource]:
        """As `find`; a category (`all`) stands for several, an unknown name for none."""
        plain, _, rest = name.lower().partition(".")
        resources = self._discovered()
        by_name = [each for each in resources if plain in (each.plural, each.singular, each.kind.lower())]
        by_short = [each for each in resources if plain in each.short_names]
        for each in (*by_name, *by_short):
            if rest in ("", each.group, f"{each.version}.{each.group}"):
                return [each]
        return [each for each in resources if not rest and plain in each.categories]

    def of_object(self, document: Json, source: str) -> Resource:
        """The resource of a manifest's apiVersion and kind; `source` names its file in the error."""
        group, _, version = document["apiVersion"].rpartition("/")
        for each in self._listed(group, version):
            if each.kind == document["kind"]:
                return each
        metadata = document.get("metadata") or {}
        raise KubectlError(
            f"error: resource mapping not found for name: {quoted(metadata.get('name', ''))}"
            f" namespace: {quoted(metadata.get('namespace', ''))} from {quoted(source)}: no matches for kind"
            f" {quoted(document['kind'])} in version {quoted(document['apiVersion'])}\n"
            "ensure CRDs are installed first"
        )

    def _discovered(self) -> list[Resource]:
        """Every group in its preferred version, the core group first."""
        if self._resources is None:
            groups = self.send("GET", "/apis")["groups"]
            self._resources = self._listed("", "v1")
            for group in groups:
                self._resources += self._listed(group["name"], group["preferredVersion"]["version"])
        return self._resources

    def _listed(self, group: str, version: str) -> list[Resource]:
        try:
            found = self.send("GET", f"/apis/{group}/{version}" if group else f"/api/{version}")
        except ServerError as error:
            if error.reason != "NotFound":
                raise
            return []
        return [
            Resource(
                group,
                version,
                each["name"],
                each["kind"],
                each["namespaced"],
                each.get("singularName", ""),
                tuple(each.get("shortNames") or ()),
                tuple(each.get("categories") or ()),
            )
            for each in found["resources"]
            if "/" not in each["name"]
        ]


def _status(answer: Answer) -> Json:
    """The Status of an error; what client-go makes of an answer that has none."""
    body = answer.body
    if isinstance(body, dict) and body.get("kind") == "Status":
        return body
    reasons = {
        401: "Unauthorized",
        403: "Forbidden",
        404: "NotFound",
        409: "Conflict",
        503: "ServiceUnavailable",
    }
    texts = {
        401: "the server has asked for the client to provide credentials",
        404: "the server could not find the requested resource",
        503: "the server is currently unable to handle the request",
    }
    return {
        "reason": reasons.get(answer.status, "InternalError" if answer.status == 500 else ""),
        "message": texts.get(answer.status, f"the server responded with the status code {answer.status}"),
    }
