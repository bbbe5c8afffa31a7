"""Helm's releases, each revision in a Secret: gzipped JSON, twice in base64, as Helm 3 stores them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from provision.sandbox.http import Json
from provision.sandbox.kubectl.client import Client
from provision.sandbox.kubectl.errors import ServerError

_SECRETS = "/api/v1/namespaces/{}/secrets"


@dataclass(frozen=True, slots=True)
class Releases:
    """A release is `{name, namespace, version, info, chart, config, manifest}`."""

    client: Client
    now: Callable[[], float]

    def all(self, namespace: str) -> list[Json]:
        """The latest revision of every release of a namespace, or of all for an empty one."""
        latest: dict[tuple[str, str], Json] = {}
        for each in self._read(namespace, "owner=helm"):
            key = (each["namespace"], each["name"])
            if key not in latest or latest[key]["version"] < each["version"]:
                latest[key] = each
        return [latest[key] for key in sorted(latest)]

    def revisions(self, namespace: str, name: str) -> list[Json]:
        """Every revision that is kept, the oldest first."""
        found = self._read(namespace, f"owner=helm,name={name}")
        return sorted(found, key=lambda each: int(each["version"]))

    def save(self, release: Json) -> None:
        """Create or replace the Secret of one revision."""
        name = _secret_name(release)
        packed = base64.b64encode(gzip.compress(json.dumps(release).encode(), mtime=0))
        labels = {
            "name": release["name"],
            "owner": "helm",
            "status": release["info"]["status"],
            "version": str(release["version"]),
            "modifiedAt": str(int(self.now())),
        }
        body: Json = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": release["namespace"], "labels": labels},
            "type": "helm.sh/release.v1",
            "data": {"release": base64.b64encode(packed).decode()},
        }
        path = _SECRETS.format(release["namespace"])
        live = self.find(f"{path}/{name}")
        if live is None:
            self.client.send("POST", path, body=body)
        else:
            body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            self.client.send("PUT", f"{path}/{name}", body=body)

    def drop(self, release: Json) -> None:
        path = f"{_SECRETS.format(release['namespace'])}/{_secret_name(release)}"
        self.client.send("DELETE", path)

    def find(self, path: str) -> Json | None:
        """An object of the cluster, None when there is none."""
        try:
            found: Json = self.client.send("GET", path)
        except ServerError as error:
            if error.reason == "NotFound":
                return None
            raise
        return found

    def moment(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _read(self, namespace: str, selector: str) -> list[Json]:
        path = _SECRETS.format(namespace) if namespace else "/api/v1/secrets"
        items = self.client.send("GET", path, query={"labelSelector": selector})["items"]
        return [_unpacked(each) for each in items if each.get("type") == "helm.sh/release.v1"]


def _secret_name(release: Json) -> str:
    return f"sh.helm.release.v1.{release['name']}.v{release['version']}"


def _unpacked(secret: Json) -> Json:
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    found: Json = json.loads(gzip.decompress(packed))
    return found
