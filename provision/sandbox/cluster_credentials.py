"""POST listClusterUserCredential and listClusterAdminCredential: the kubeconfigs of a cluster.

Source: Microsoft Learn, REST reference of 2026-03-01 and "manage-local-accounts-managed-azure-ad"; the shape
of the files from `az aks get-credentials` of azure-cli 2.70 to 2.91.
"""

from __future__ import annotations

import base64
import secrets
import ssl
from pathlib import Path

import yaml

from provision.sandbox import cluster_authority
from provision.sandbox.azure import TENANT, Answer, Azure, Json, Request, not_found
from provision.sandbox.cluster_document import KIND
from provision.sandbox.cluster_rules import refusal
from provision.sandbox.http import Route

SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630"
CLIENT_APPLICATION = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""The AKS Entra applications, the same in every tenant."""

PATH = "/kubernetes"
"""API servers are `<sandbox>/kubernetes/<resourceUID>`: names under azmk8s.io resolve nowhere here."""

_KEPT = "kubernetes:credential"


def server_of(document: Json, base_url: str) -> str:
    """The URL of a cluster's API server; that of a private cluster resolves nowhere."""
    properties = document["properties"]
    if (properties.get("apiServerAccessProfile") or {}).get("enablePrivateCluster"):
        return f"https://{document['name']}.privatelink.{document['location']}.azmk8s.io:443"
    return f"{base_url}{PATH}/{properties['resourceUID']}"


def kept(azure: Azure, document: Json) -> Json | None:
    """The local account's `{certificate, key, token}` (PEM, PEM, hex), once somebody has asked for it."""
    return azure.store.get(_KEPT, document["properties"]["resourceUID"])


def local_account(azure: Azure, document: Json) -> Json:
    """The same, made if need be."""
    found = kept(azure, document)
    if found is None:
        found = cluster_authority.issue(azure, "masterclient", "system:masters")
        found["token"] = secrets.token_hex(64)
        azure.store.put(_KEPT, document["properties"]["resourceUID"], found)
    return found


def der(credential: Json) -> bytes:
    """The certificate of a local account as TLS presents it."""
    return ssl.PEM_cert_to_DER_cert(credential["certificate"])


def list_user(request: Request, azure: Azure) -> Answer:
    """The kubeconfig of Entra users, or the local account's where the cluster has no Entra integration."""
    document = _required(request, azure)
    if document["properties"].get("aadProfile"):
        exec_ = request.query.get("format", "").lower() != "azure"
        return _answer(
            "clusterUser", kubeconfig(request, azure, document, "clusterUser", _entra(exec_=exec_))
        )
    return _local(request, azure, document, "clusterUser")


def list_admin(request: Request, azure: Azure) -> Answer:
    return _local(request, azure, _required(request, azure), "clusterAdmin")


def _local(request: Request, azure: Azure, document: Json, name: str) -> Answer:
    if document["properties"].get("disableLocalAccounts"):
        raise refusal(
            400,
            "BadRequest",
            "Getting static credential is not allowed because this cluster is set to disable local accounts.",
        )
    account = _account(local_account(azure, document))
    return _answer(name, kubeconfig(request, azure, document, name, account))


def _account(account: Json) -> Json:
    return {
        "client-certificate-data": _encoded(account["certificate"]),
        "client-key-data": _encoded(account["key"]),
        "token": account["token"],
    }


def _required(request: Request, azure: Azure) -> Json:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    document = azure.store.get(KIND, f"{group}/providers/{KIND}/{params['name']}")
    if document is None:
        raise not_found(request.path.rpartition("/")[0])
    return document


def _answer(name: str, config: Json) -> Answer:
    text = yaml.dump(config, Dumper=yaml.CSafeDumper, default_flow_style=False)
    return Answer(200, {"kubeconfigs": [{"name": name, "value": _encoded(text)}]})


def _entra(*, exec_: bool) -> Json:
    if not exec_:
        return {
            "auth-provider": {
                "name": "azure",
                "config": {
                    "apiserver-id": SERVER_APPLICATION,
                    "client-id": CLIENT_APPLICATION,
                    "config-mode": "1",
                    "environment": "AzurePublicCloud",
                    "tenant-id": TENANT,
                },
            }
        }
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "kubelogin",
            "args": [
                *("get-token", "--environment", "AzurePublicCloud", "--server-id", SERVER_APPLICATION),
                *("--client-id", CLIENT_APPLICATION, "--tenant-id", TENANT, "--login", "devicecode"),
            ],
            "env": None,
            "installHint": "\nkubelogin is not installed which is required to connect to AAD enabled"
            " cluster.\n\nTo learn more, please go to https://aka.ms/aks/kubelogin\n",
            "provideClusterInfo": False,
        }
    }


def kubeconfig(request: Request, azure: Azure, document: Json, name: str, user: Json) -> Json:
    """A kubeconfig as AKS writes it. `name` is `clusterUser` or `clusterAdmin`, `user` the credential."""
    group = document["id"].split("/")[4]
    login = f"{name}_{group}_{document['name']}"
    cluster = {
        "name": document["name"],
        "cluster": {"server": server_of(document, request.base_url), **_trust(azure)},
    }
    context = (document["name"], document["name"], login)  # az itself calls an administrator's "<name>-admin"
    return _config([cluster], [context], [{"name": login, "user": user}], document["name"])


def kubeconfigs(azure: Azure, url: str, ca: str, token: str = "") -> str:
    """A kubeconfig (YAML) with a context for each cluster, named after it.

    `url` is the sandbox's, `ca` the path of the certificate to trust. The user is the cluster's local
    account, or whoever `token` names where local accounts are disabled (an Entra token for
    `SERVER_APPLICATION`). A second cluster of a name is `<group>/<name>`. Issues certificates on first use:
    call it in a transaction.
    """
    clusters: list[Json] = []
    users: list[Json] = []
    contexts: list[tuple[str, str, str]] = []
    for document in azure.store.list(KIND):
        name = document["name"]
        if any(name == known for known, _, _ in contexts):
            name = f"{document['id'].split('/')[4]}/{name}"
        server = {"server": server_of(document, url), "certificate-authority": ca}
        clusters.append({"name": name, "cluster": server})
        if document["properties"].get("disableLocalAccounts"):
            user: Json = {"token": token} if token else {}
        else:
            user = _account(local_account(azure, document))
        users.append({"name": name, "user": user})
        contexts.append((name, name, name))
    current = contexts[0][0] if contexts else ""
    return yaml.safe_dump(_config(clusters, contexts, users, current), sort_keys=False)


def _config(
    clusters: list[Json], contexts: list[tuple[str, str, str]], users: list[Json], current: str
) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": clusters,
        "contexts": [
            {"name": name, "context": {"cluster": cluster, "user": user}} for name, cluster, user in contexts
        ],
        "current-context": current,
        "users": users,
    }


def _trust(azure: Azure) -> Json:
    """The sandbox's own authority, which lies beside the state of a served sandbox."""
    ca = Path(azure.store.path).with_name("ca.pem")
    return {"certificate-authority-data": _encoded(ca.read_text())} if ca.exists() else {}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_CLUSTER = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{KIND}/{{name}}"

ROUTES: tuple[Route, ...] = tuple(
    Route("POST", f"{_CLUSTER}/{name}", handle, f"{KIND}/{name}/action")
    for name, handle in (
        ("listClusterUserCredential", list_user),
        ("listClusterAdminCredential", list_admin),
    )
)
