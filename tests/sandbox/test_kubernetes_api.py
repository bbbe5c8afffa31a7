"""The API server of a sandbox cluster, as a client over HTTPS meets it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml
from core_client import Client

from provision.sandbox import cluster_credentials, faults, managed_clusters, seed, tokens
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.cluster_document import KIND
from provision.sandbox.kubernetes import crds, kinds, refusals
from provision.sandbox.kubernetes.objects import Cluster
from provision.sandbox.server import Sandbox

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-aks-dev"
PATH = f"{GROUP}/providers/{KIND}/aks-dev"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MERGE = {"Content-Type": "application/merge-patch+json"}


class Api:
    """A client of one cluster, with the token of its local account."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, arm_id: str = PATH) -> None:
        self.sandbox, self.session = sandbox, session
        document = sandbox.azure.store.get(KIND, arm_id)
        assert document is not None
        self.document = document
        self.uid = document["properties"]["resourceUID"]
        with sandbox.azure.store.transaction():
            self.token = cluster_credentials.local_account(sandbox.azure, document)["token"]

    @property
    def objects(self) -> Cluster:
        return Cluster(self.sandbox.azure, self.uid)

    def url(self, path: str) -> str:
        return f"{self.sandbox.url}/kubernetes/{self.uid}{path}"

    async def send(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Any = None
    ) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        answer, found = await self.whole(method, path, body, token=token, headers=headers)
        return answer.status, found

    async def whole(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Any = None
    ) -> tuple[aiohttp.ClientResponse, Any]:
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {token or self.token}"}
        sent |= headers or {}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.url(path), data=data, headers=sent) as answer:
            return answer, json.loads(await answer.text())


@pytest_asyncio.fixture
async def api(sandbox: Sandbox, client: Client) -> AsyncIterator[Api]:
    yield Api(sandbox, client._session)


def _config_map(name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more}


async def test_a_status_says_what_was_not_found(api: Api) -> None:
    status, found = await api.send("GET", f"{CONFIG_MAPS}/absent")
    assert status == 404
    assert found == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "absent" not found',
        "reason": "NotFound",
        "details": {"name": "absent", "kind": "configmaps"},
        "code": 404,
    }


@pytest.mark.parametrize(
    "path",
    ["/apis/gateway.networking.k8s.io/v1/gateways", "/api/v1/unheardof", "/api/v2/pods", "/unheardof"],
)
async def test_a_kind_that_is_not_served(api: Api, path: str) -> None:
    status, found = await api.send("GET", path)
    assert (status, found["message"]) == (404, "the server could not find the requested resource")


async def test_an_unknown_cluster_is_no_path(api: Api) -> None:
    api.uid = "0" * 24
    assert (await api.send("GET", "/version"))[0] == 404


async def test_created_objects_are_filled_in(api: Api) -> None:
    status, made = await api.send(
        "POST", CONFIG_MAPS, {**_config_map(""), "metadata": {"generateName": "a-"}}
    )
    assert status == 201
    assert made["metadata"]["name"].startswith("a-")
    assert made["metadata"]["uid"]
    assert made["metadata"]["managedFields"][0]["operation"] == "Update"
    again, refused = await api.send("POST", CONFIG_MAPS, _config_map(made["metadata"]["name"]))
    assert (again, refused["reason"]) == (409, "AlreadyExists")


async def test_lists_come_in_pages(api: Api) -> None:
    for name in ("a", "b", "c"):
        await api.send("POST", CONFIG_MAPS, _config_map(name))
    _, first = await api.send("GET", f"{CONFIG_MAPS}?limit=2")
    assert [each["metadata"]["name"] for each in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 1
    _, rest = await api.send("GET", f"{CONFIG_MAPS}?limit=2&continue={first['metadata']['continue']}")
    assert [each["metadata"]["name"] for each in rest["items"]] == ["c"]
    assert "continue" not in rest["metadata"]
    assert "kind" not in rest["items"][0]
    assert (await api.send("GET", f"{CONFIG_MAPS}?continue=nonsense"))[0] == 400


async def test_apply_that_changes_nothing_keeps_the_version(api: Api) -> None:
    path = f"{CONFIG_MAPS}/one?fieldManager=provision"
    made, first = await api.send("PATCH", path, _config_map("one", data={"a": "1"}), headers=APPLY)
    same, second = await api.send("PATCH", path, _config_map("one", data={"a": "1"}), headers=APPLY)
    assert (made, same) == (201, 200)
    assert first == second


async def test_apply_needs_a_manager(api: Api) -> None:
    status, refused = await api.send("PATCH", f"{CONFIG_MAPS}/one", _config_map("one"), headers=APPLY)
    assert status == 422
    assert refused["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
    )


async def test_a_conflict_names_manager_and_field(api: Api) -> None:
    path = f"{CONFIG_MAPS}/one?fieldManager="
    await api.send("PATCH", f"{path}provision", _config_map("one", data={"a": "1"}), headers=APPLY)
    body = _config_map("one", data={"a": "2"})
    status, refused = await api.send("PATCH", f"{path}other", body, headers=APPLY)
    assert (status, refused["reason"]) == (409, "Conflict")
    assert refused["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "provision"', "field": ".data.a"}
    ]
    assert (await api.send("PATCH", f"{path}other&force=true", body, headers=APPLY))[0] == 200


async def test_a_dry_run_answers_and_leaves_no_trace(api: Api) -> None:
    options = "fieldManager=provision&dryRun=All"
    made, rehearsed = await api.send(
        "PATCH", f"{CONFIG_MAPS}/one?{options}", _config_map("one", data={"a": "1"}), headers=APPLY
    )
    assert (made, rehearsed["data"]) == (201, {"a": "1"})
    assert "resourceVersion" not in rehearsed["metadata"]
    assert (await api.send("GET", f"{CONFIG_MAPS}/one"))[0] == 404
    _, before = await api.send("POST", CONFIG_MAPS, _config_map("one"))
    _, changed = await api.send("PATCH", f"{CONFIG_MAPS}/one?dryRun=All", {"data": {"b": "2"}}, headers=MERGE)
    assert changed["data"] == {"b": "2"}
    assert changed["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    await api.send("DELETE", f"{CONFIG_MAPS}/one", {"dryRun": ["All"]})
    assert (await api.send("GET", f"{CONFIG_MAPS}/one"))[1] == before
    assert (await api.send("DELETE", f"{CONFIG_MAPS}/one?dryRun=Some"))[0] == 400


async def test_a_refused_write_leaves_nothing_half_done(api: Api) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "Not_A_Name"}}
    status, refused = await api.send("POST", "/api/v1/namespaces", body)
    assert (status, refused["reason"]) == (422, "Invalid")
    assert refused["details"]["causes"][0]["field"] == "metadata.name"
    assert api.objects.get(kinds.SERVICE_ACCOUNT, "default", "Not_A_Name") is None


async def test_unknown_fields_are_warned_of_or_refused(api: Api) -> None:
    body = _config_map("odd", unheardOf=1)
    answer, made = await api.whole("POST", CONFIG_MAPS, body)
    assert answer.headers["Warning"] == '299 - "unknown field \\"unheardOf\\""'
    assert "unheardOf" not in made
    status, refused = await api.send("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body)
    assert (status, refused["message"]) == (
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field'
        ' "unheardOf"',
    )


async def test_patches_by_their_media_type(api: Api) -> None:
    await api.send("POST", CONFIG_MAPS, _config_map("one", data={"a": "1", "b": "2"}))
    path = f"{CONFIG_MAPS}/one"
    _, merged = await api.send("PATCH", path, {"data": {"a": None, "c": "3"}}, headers=MERGE)
    assert merged["data"] == {"b": "2", "c": "3"}
    operations = [
        {"op": "test", "path": "/data/b", "value": "2"},
        {"op": "move", "from": "/data/b", "path": "/data/a~1b"},
    ]
    json_patch = {"Content-Type": "application/json-patch+json"}
    _, moved = await api.send("PATCH", path, operations, headers=json_patch)
    assert moved["data"] == {"a/b": "2", "c": "3"}
    failed, _ = await api.send("PATCH", path, operations, headers=json_patch)
    assert failed == 422
    refused, _ = await api.send("PATCH", path, {}, headers={"Content-Type": "text/csv"})
    assert refused == 415


async def test_strategic_merge_knows_lists_by_key_and_custom_kinds_do_not_take_it(api: Api) -> None:
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}}
    await api.send("POST", "/api/v1/namespaces/default/services", service)
    patch = {"spec": {"ports": [{"port": 81, "$patch": "delete"}, {"port": 82, "name": "c"}]}}
    _, changed = await api.send("PATCH", "/api/v1/namespaces/default/services/web", patch, headers=strategic)
    assert [each["name"] for each in changed["spec"]["ports"]] == ["a", "c"]
    definition = next(
        each for each in crds.GATEWAY_API("v1.3.0") if each["spec"]["names"]["kind"] == "GatewayClass"
    )
    await api.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    classes = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
    body = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "mine"},
        "spec": {"controllerName": "example.com/mine"},
    }
    assert (await api.send("POST", classes, body))[0] == 201
    assert (await api.send("PATCH", f"{classes}/mine", patch, headers=strategic))[0] == 415


async def test_the_status_is_written_apart(api: Api) -> None:
    path = "/api/v1/namespaces/default/services/kubernetes"
    _, service = await api.send("GET", path)
    condition = {"type": "example.com/Seen", "status": "True", "reason": "Looked", "message": ""}
    seen = {"conditions": [{**condition, "lastTransitionTime": "2026-11-01T00:00:00Z"}]}
    reached = {"loadBalancer": {}, **seen}  # an address would be taken back: it is no load balancer's
    service["metadata"]["labels"]["ignored"] = "here"
    await api.send("PUT", f"{path}/status", {**service, "status": reached})
    _, found = await api.send("GET", path)
    assert found["status"] == reached
    assert "ignored" not in found["metadata"]["labels"]
    del found["status"]
    del found["metadata"]["resourceVersion"]  # a controller may have written it meanwhile
    found["metadata"]["labels"]["noted"] = "here"
    _, kept = await api.send("PUT", path, found)
    assert (kept["status"], kept["metadata"]["labels"]["noted"]) == (reached, "here")


async def test_a_terminating_namespace_takes_nothing_new(api: Api) -> None:
    await api.send("POST", "/api/v1/namespaces", {**_config_map("going"), "kind": "Namespace"})
    held = _config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await api.send("POST", "/api/v1/namespaces/going/configmaps", held)
    status, going = await api.send("DELETE", "/api/v1/namespaces/going")
    assert (status, going["status"]["phase"]) == (200, "Terminating")
    status, refused = await api.send("POST", "/api/v1/namespaces/going/configmaps", _config_map("late"))
    assert (status, refused["reason"]) == (403, "Forbidden")
    assert refused["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    patch = {"metadata": {"finalizers": None}}
    await api.send("PATCH", "/api/v1/namespaces/going/configmaps/held", patch, headers=MERGE)
    assert (await api.send("GET", "/api/v1/namespaces/going"))[0] == 404


async def test_a_delete_can_be_bound_to_one_object(api: Api) -> None:
    _, made = await api.send("POST", CONFIG_MAPS, _config_map("one"))
    status, _ = await api.send("DELETE", f"{CONFIG_MAPS}/one", {"preconditions": {"uid": "another"}})
    assert status == 409
    uid = made["metadata"]["uid"]
    status, gone = await api.send("DELETE", f"{CONFIG_MAPS}/one", {"preconditions": {"uid": uid}})
    assert (status, gone["status"], gone["details"]["uid"]) == (200, "Success", uid)


async def test_a_collection_is_deleted_by_label(api: Api) -> None:
    for name, label in (("a", "x"), ("b", "y")):
        body = _config_map(name)
        body["metadata"]["labels"] = {"app": label}
        await api.send("POST", CONFIG_MAPS, body)
    await api.send("DELETE", f"{CONFIG_MAPS}?labelSelector=app%3Dx")
    _, left = await api.send("GET", CONFIG_MAPS)
    assert [each["metadata"]["name"] for each in left["items"]] == ["b"]


async def test_a_watch_begins_where_it_is_told_and_holds_nobody_up(api: Api) -> None:
    _, listed = await api.send("GET", CONFIG_MAPS)
    await api.send("POST", CONFIG_MAPS, _config_map("missed"))
    version = listed["metadata"]["resourceVersion"]
    headers = {"Authorization": f"Bearer {api.token}"}
    url = api.url(f"{CONFIG_MAPS}?watch=true&resourceVersion={version}")
    async with api.session.get(url, headers=headers) as watch:
        first = json.loads(await watch.content.readline())
        assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "missed")
        await api.send("DELETE", f"{CONFIG_MAPS}/missed")
        assert json.loads(await watch.content.readline())["type"] == "DELETED"


async def test_a_watch_ends_in_time_and_refuses_the_distant_past(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.session.get(
        api.url(f"{CONFIG_MAPS}?watch=true&timeoutSeconds=1"), headers=headers
    ) as watch:
        assert await watch.read() == b""
    with api.sandbox.azure.store.transaction():
        for number in range(2001):
            api.objects.put(kinds.CONFIG_MAP, _config_map("busy", data={"n": str(number)}))
    async with api.session.get(
        api.url(f"{CONFIG_MAPS}?watch=true&resourceVersion=1"), headers=headers
    ) as watch:
        (line,) = (await watch.read()).splitlines()
    event = json.loads(line)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 1 (")


async def test_a_controllers_work_reaches_a_watch(api: Api) -> None:
    """A long operation that settles while nobody but the watch is there."""
    headers = {"Authorization": f"Bearer {api.token}"}
    url = api.url("/api/v1/namespaces/default/services?watch=true")
    async with api.session.get(url, headers=headers) as watch:
        assert json.loads(await watch.content.readline())["object"]["metadata"]["name"] == "kubernetes"
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
        await api.send("POST", "/api/v1/namespaces/default/services", service)
        async with asyncio.timeout(20):
            while True:
                event = json.loads(await watch.content.readline())
                if event["object"]["status"]["loadBalancer"].get("ingress"):
                    break
    assert event["type"] == "MODIFIED"


async def test_nobody_enters_without_credentials(api: Api) -> None:
    async with api.session.get(api.url("/api/v1/namespaces")) as answer:
        assert answer.status == 401
        assert (await answer.json())["reason"] == "Unauthorized"
    assert (await api.send("GET", "/version", token="0" * 128))[0] == 401


async def test_a_client_certificate_is_enough(
    sandbox: Sandbox, api: Api, tmp_path: Path, client: Client
) -> None:
    answer = await client.send("POST", f"{PATH}/listClusterAdminCredential")
    (entry,) = (await answer.json())["kubeconfigs"]
    config = yaml.safe_load(base64.b64decode(entry["value"]))
    user = config["users"][0]["user"]
    trust = ssl.create_default_context(cafile=str(sandbox.ca_path))
    pem = tmp_path / "client.pem"
    pem.write_bytes(
        base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"])
    )
    trust.load_cert_chain(pem)
    assert entry["name"] == "clusterAdmin"
    server = config["clusters"][0]["cluster"]["server"]
    assert server == api.url("")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session,
        session.get(f"{server}/api/v1/namespaces/default") as found,
    ):
        assert found.status == 200


async def test_a_private_clusters_server_is_out_of_reach(client: Client, sandbox: Sandbox) -> None:
    profile = {"apiServerAccessProfile": {"enablePrivateCluster": True}}
    with sandbox.azure.store.transaction():
        managed_clusters.new_cluster(
            sandbox.azure, SUBSCRIPTION, "rg-aks-dev", "hidden", "westeurope", properties=profile
        )
    path = f"{GROUP}/providers/{KIND}/hidden/listClusterUserCredential"
    (entry,) = (await (await client.send("POST", path)).json())["kubeconfigs"]
    config = yaml.safe_load(base64.b64decode(entry["value"]))
    assert config["clusters"][0]["cluster"]["server"] == (
        "https://hidden.privatelink.westeurope.azmk8s.io:443"
    )


async def test_credentials_need_a_role(client: Client) -> None:
    for name in ("listClusterUserCredential", "listClusterAdminCredential"):
        answer = await client.send("POST", f"{PATH}/{name}", client="nobody")
        assert answer.status == 403
        assert f"{KIND}/{name}/action" in await answer.text()


async def test_entra_administrators_are_listed_without_azure_roles(sandbox: Sandbox, client: Client) -> None:
    owner = seed.CLIENTS["owner"]
    entra = {"aadProfile": {"managed": True, "adminGroupObjectIDs": [owner.object_id]}}
    with sandbox.azure.store.transaction():
        managed_clusters.new_cluster(
            sandbox.azure, SUBSCRIPTION, "rg-aks-dev", "grouped", "westeurope", properties=entra
        )
    inside = Api(sandbox, client._session, f"{GROUP}/providers/{KIND}/grouped")

    def token(name: str) -> str:
        known = seed.CLIENTS[name]
        application = cluster_credentials.SERVER_APPLICATION
        return tokens.mint(sandbox.azure, known.client_id, known.object_id, application)

    assert (await inside.send("GET", CONFIG_MAPS, token=token("owner")))[0] == 200
    status, refused = await inside.send("GET", CONFIG_MAPS, token=token("reader"))
    assert (status, refused["message"]) == (
        403,
        f'configmaps is forbidden: User "{seed.CLIENTS["reader"].object_id}" cannot list resource'
        ' "configmaps" in API group "" in the namespace "default"',
    )


async def test_a_webhook_refuses_on_request(api: Api) -> None:
    denied = refusals.denied_by_webhook("policy.example.com", "no hosts of others").answer()
    faults.inject(
        api.sandbox.azure, method="POST", path="/kubernetes/.*/configmaps", status=403, body=denied.body
    )
    status, refused = await api.send("POST", CONFIG_MAPS, _config_map("one"))
    assert (status, refused["message"]) == (
        403,
        'admission webhook "policy.example.com" denied the request: no hosts of others',
    )
    faults.inject(api.sandbox.azure, path="/kubernetes/.*/configmaps", status=503)
    status, broken = await api.send("GET", CONFIG_MAPS)
    assert (status, broken["kind"], broken["reason"]) == (503, "Status", "ServiceUnavailable")


async def test_a_deleted_cluster_takes_its_objects_along(api: Api, client: Client) -> None:
    assert api.objects.get(kinds.NAMESPACE, "default") is None  # made on first access
    await api.send("POST", CONFIG_MAPS, _config_map("one"))
    assert api.objects.get(kinds.NAMESPACE, "default") is not None
    await client.send("DELETE", PATH)
    async with asyncio.timeout(20):
        while (await client.send("GET", PATH)).status != 404:
            pass
    assert api.objects.list(kinds.CONFIG_MAP) == []
    assert (await api.send("GET", "/version"))[0] == 404
