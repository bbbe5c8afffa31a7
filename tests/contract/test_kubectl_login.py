"""The ways into a sandbox cluster, local accounts and Entra, as kubectl and az go them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from contract.az import Az, AzError
from contract.kubectl import Kubectl, KubectlError
from provision.sandbox import cluster_credentials, tokens
from provision.sandbox.azure import Azure, Clock
from provision.sandbox.home import Home, environment
from provision.sandbox.seed import CLIENTS
from provision.sandbox.store import Store

DEV = ("-g", "rg-aks-dev", "-n", "aks-dev")
ENTRA = ("-g", "rg-aks-prod", "-n", "aks-prod")


@pytest.fixture
def state(home: Home) -> Iterator[Azure]:
    store = Store(home.state)
    yield Azure(store, Clock())
    store.close()


def _token(azure: Azure, client: str, audience: str = cluster_credentials.SERVER_APPLICATION) -> str:
    known = CLIENTS[client]
    return tokens.mint(azure, known.client_id, known.object_id, audience)


def _downloaded(az: Az, kubectl: Kubectl, folder: Path, *arguments: str) -> Kubectl:
    path = folder / "config"
    az("aks", "get-credentials", *arguments, "--file", str(path))
    return Kubectl(kubectl.executable, folder, path)


def test_az_downloads_the_administrators_credentials(az: Az, kubectl: Kubectl, tmp_path: Path) -> None:
    inside = _downloaded(az, kubectl, tmp_path, *DEV, "--admin")
    assert inside("config", "current-context") == "aks-dev-admin\n"
    assert "kube-system" in inside("get", "namespaces", "-o", "name")


@pytest.mark.parametrize("kept", ["token", "client-certificate-data"])
def test_either_credential_of_a_local_account_is_enough(
    az: Az, kubectl: Kubectl, tmp_path: Path, kept: str
) -> None:
    inside = _downloaded(az, kubectl, tmp_path, *DEV)
    config = yaml.safe_load(inside.kubeconfig.read_text())
    (user,) = config["users"]
    assert user["name"] == "clusterUser_rg-aks-dev_aks-dev"
    dropped = {"token": ("client-certificate-data", "client-key-data"), "client-certificate-data": ("token",)}
    for key in dropped[kept]:
        del user["user"][key]
    inside.kubeconfig.write_text(yaml.safe_dump(config))
    assert "default" in inside("get", "namespaces", "-o", "name")


def test_a_certificate_opens_only_its_own_cluster(az: Az, kubectl: Kubectl, tmp_path: Path) -> None:
    inside = _downloaded(az, kubectl, tmp_path, *DEV)
    config = yaml.safe_load(inside.kubeconfig.read_text())
    mine = config["clusters"][0]["cluster"]["server"]
    others = yaml.safe_load(kubectl.kubeconfig.read_text())["clusters"]
    (legacy,) = [each["cluster"]["server"] for each in others if each["name"] == "aks-legacy"]
    inside.kubeconfig.write_text(inside.kubeconfig.read_text().replace(mine, legacy))
    with pytest.raises(KubectlError, match=r"Unauthorized|must be logged in"):
        inside("get", "namespaces")


def test_a_cluster_without_local_accounts_gives_no_credentials_away(az: Az, tmp_path: Path) -> None:
    with pytest.raises(AzError, match="Getting static credential is not allowed"):
        az("aks", "get-credentials", *ENTRA, "--admin", "--file", str(tmp_path / "config"))


def test_an_entra_cluster_takes_tokens_for_its_server(
    az: Az, kubectl: Kubectl, tmp_path: Path, state: Azure
) -> None:
    path = tmp_path / "config"
    az("aks", "get-credentials", *ENTRA, "--file", str(path))
    config = yaml.safe_load(path.read_text())
    assert config["users"][0]["user"]["exec"]["command"] == "kubelogin"
    config["users"][0]["user"] = {}
    path.write_text(yaml.safe_dump(config))
    entra = Kubectl(kubectl.executable, tmp_path, path)
    assert "default" in entra.with_options("--token", _token(state, "owner"))("get", "ns", "-o", "name")
    wrong = _token(state, "owner", "https://management.azure.com/")
    for token in (wrong, base64.b64encode(b"forged").decode()):
        with pytest.raises(KubectlError, match=r"Unauthorized|must be logged in"):
            entra.with_options("--token", token)("get", "ns")


def test_the_sandboxs_own_kubeconfig_leads_into_every_public_cluster(
    kubectl: Kubectl, home: Home, tmp_path: Path
) -> None:
    server = home.running()
    assert server is not None
    given = Kubectl(kubectl.executable, tmp_path, Path(environment(home, server)["KUBECONFIG"]))
    for context in ("aks-dev", "aks-legacy", "aks-prod"):
        assert "default" in given.with_options("--context", context)("get", "namespaces", "-o", "name")


def test_azure_roles_decide_in_an_entra_cluster(
    az: Az, kubectl: Kubectl, tmp_path: Path, state: Azure
) -> None:
    path = tmp_path / "config"
    az("aks", "get-credentials", *ENTRA, "--file", str(path))
    config = yaml.safe_load(path.read_text())
    config["users"][0]["user"] = {"token": _token(state, "reader")}
    path.write_text(yaml.safe_dump(config))
    reader = Kubectl(kubectl.executable, tmp_path, path)
    reader("get", "configmaps")
    with pytest.raises(KubectlError) as refused:
        reader("get", "secrets")
    assert (
        f'secrets is forbidden: User "{CLIENTS["reader"].object_id}" cannot list resource "secrets" in API'
        ' group "" in the namespace "default": User does not have access to the resource in Azure. Update'
        " role assignment to allow access."
    ) in str(refused.value)
    with pytest.raises(KubectlError, match="cannot create resource"):
        reader("create", "configmap", "mine")
