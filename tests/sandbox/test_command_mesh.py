"""The Istio service mesh through the command line: both APIs, an upgrade in stages, the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import CLUSTER_KIND, ROOT, Applied, CommandLine, Ran

from provision.sandbox import cluster_authority
from provision.sandbox.azure import SUBSCRIPTION, Azure, Json
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster

ISTIO = ("profiles/istio.yaml", "--sandbox")
GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
CLUSTER = f"{GROUPS}/rg-aks-mesh/providers/{CLUSTER_KIND}/aks-mesh"
GATEWAYS = "aks-istio-ingress"


class Mesh:
    """profiles/istio.yaml with other settings of its ingress, and runs on it."""

    def __init__(self, provision: CommandLine, folder: Path) -> None:
        self.provision = provision
        self.file = folder / "istio.yaml"
        self.profile = yaml.safe_load((ROOT / "profiles/istio.yaml").read_text(encoding="utf-8"))
        self.profile["extends"] = str(ROOT / "profiles/base.yaml")
        self.write()

    def write(self, **ingress: Any) -> None:
        settings = {key: each for key, each in {**self.profile["ingress"], **ingress}.items() if each}
        text = yaml.safe_dump({**self.profile, "ingress": settings})
        self.file.write_text(text, encoding="utf-8")

    def run(self, command: str, *arguments: str) -> Ran:
        return self.provision(command, str(self.file), "--sandbox", *arguments)

    def refused(self) -> str:
        """What an apply says that must not write anything."""
        done = self.run("apply", "--yes")
        assert done.code == 1
        assert not done.writes()
        return done.out + done.err

    def changed(self, **ingress: Any) -> dict[str, str]:
        """What an apply with other settings changes."""
        self.write(**ingress)
        done = self.run("apply", "--yes", "--format", "json")
        assert done.code == 0, done.out + done.err
        return {address: status for address, status in done.statuses().items() if status != "unchanged"}

    def cluster(self, change: Any) -> None:
        """Change the cluster behind the tool's back, once the sandbox has made it."""
        assert self.run("plan").code in (1, 2)
        with self.provision.azure() as azure:
            document = azure.store.get(CLUSTER_KIND, CLUSTER)
            assert document is not None
            change(document["properties"])
            azure.store.put(CLUSTER_KIND, CLUSTER, document)


@pytest.fixture
def mesh(provision: CommandLine, tmp_path: Path) -> Mesh:
    return Mesh(provision, tmp_path)


def cluster_of(azure: Azure, id_: str = CLUSTER) -> Cluster:
    document = azure.store.get(CLUSTER_KIND, id_)
    assert document is not None
    return Cluster(azure, document["properties"]["resourceUID"])


def links(ran: Ran) -> dict[str, dict[str, str]]:
    """Of each host, the details of its links by kind; those of one kind one after the other."""
    return {
        host["host"]: {
            kind: "; ".join(each["detail"] for each in host["links"] if each["link"] == kind)
            for kind in {each["link"] for each in host["links"]}
        }
        for host in ran.json()["hosts"]
    }


def test_the_istio_api_from_nothing_and_back(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    applied("istio")
    assert provision("plan", *ISTIO).code == 0
    assert provision("drift", *ISTIO).code == 0
    verified = provision("verify", *ISTIO, "--format", "json")
    assert verified.code == 0, verified.out
    seen = links(verified)
    assert seen["shop.contoso.com"]["http"].startswith("200; plain HTTP: 301")
    assert seen["pay.contoso.com"]["http"].startswith("refused, as it must be; 200")
    assert seen["vault.contoso.com"]["http"].startswith("200")
    assert seen["books.corp.contoso.com"]["gateway"].startswith("10.")
    with provision.azure() as azure:
        scaler = cluster_of(azure).get(
            kinds.AUTOSCALER, "aks-istio-ingressgateway-external-asm-1-29", GATEWAYS
        )
        assert scaler is not None
        assert scaler["spec"]["minReplicas"] == 3
    file = tmp_path / "left.yaml"
    done = provision("destroy", *ISTIO, "--yes", "--remove-crds", "--export-crds", str(file))
    assert done.code == 0, done.out
    exported = list(yaml.safe_load_all(file.read_text()))
    assert len([each for each in exported if each["kind"] == "CustomResourceDefinition"]) == 14
    assert {each["kind"] for each in exported[14:]} == {"Gateway", "VirtualService"}
    with provision.azure() as azure:
        left = cluster_of(azure).list(kinds.CRD)
        assert not [each for each in left if each["metadata"]["name"].endswith(".istio.io")]
        document = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert document is not None
        assert document["properties"]["serviceMeshProfile"] == {"mode": "Disabled"}


def test_a_client_whose_certificate_is_of_another_authority(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    applied("istio")
    assert provision("plan", *ISTIO).code == 0  # the sandbox lays down the authorities of clients
    with provision.azure() as azure:
        shown = cluster_authority.issue(azure, "somebody", "clients")
        secret = cluster_of(azure).get(kinds.SECRET, "partners-ca", GATEWAYS)
        assert secret is not None
        other = cluster_of(azure).get(kinds.SECRET, "kv-shop-tls", GATEWAYS)
        assert other is not None
        cluster_of(azure).put(kinds.SECRET, {**secret, "data": {"ca.crt": other["data"]["tls.crt"]}})
    file = tmp_path / "client.pem"
    file.write_text(shown["certificate"] + shown["key"])
    asked = ("verify", *ISTIO, "--host", "pay.contoso.com", "--format", "json")
    ran = provision(*asked, "--client-certificate", str(file))
    assert ran.code == 2
    assert "the TLS handshake failed" in links(ran)["pay.contoso.com"]["http"]
    file.write_text(shown["certificate"])
    broken = provision(*asked, "--client-certificate", str(file))
    assert broken.code == 1
    assert "it is no PEM certificate with its key" in broken.err


@pytest.mark.parametrize("name", ["istio-internal", "istio-gateway-api"])
def test_the_other_profiles(provision: CommandLine, applied: Applied, name: str) -> None:
    applied(name)
    arguments = (f"profiles/{name}.yaml", "--sandbox")
    assert provision("plan", *arguments).code == 0
    assert provision("drift", *arguments).code == 0
    verified = provision("verify", *arguments)
    assert verified.code == 0, verified.out
    assert provision("destroy", *arguments, "--yes").code == 0


def test_an_upgrade_goes_in_stages_and_back(mesh: Mesh, applied: Applied) -> None:
    """Its completion is the runbook's: docs/runbooks/mesh-upgrade.md."""
    applied("istio")
    mesh.write(revision="asm-1-30")
    assert "AKS does not replace asm-1-29 in one step" in mesh.refused()

    canary: Json = {"revision": "asm-1-30"}
    first = mesh.changed(canary=canary)
    assert first["managed_cluster/aks-mesh"] == "updated"
    assert "kubernetes/Deployment/aks-istio-system/istiod-canary" in first
    assert "mesh upgrade, stage 2: no namespace moved" in mesh.run("plan").out

    moved = mesh.changed(canary={**canary, "namespaces": ["pay"]})
    assert moved == {"kubernetes/Namespace/pay": "updated"}
    mesh.write(revision="asm-1-30")
    assert "asm-1-29 would go, and namespaces have sidecars of it: shop" in mesh.refused()
    mesh.write()
    assert "asm-1-30 would go, and namespaces have sidecars of it: pay" in mesh.refused()

    assert mesh.changed(canary=canary) == {"kubernetes/Namespace/pay": "updated"}
    assert mesh.changed() == {"managed_cluster/aks-mesh": "updated"}  # rolled back
    assert mesh.run("plan").code == 0
    mesh.write(revision="asm-1-28")
    assert "AKS takes no downgrade from asm-1-29" in mesh.refused()


def routing_on(properties: Json) -> None:
    implementations = {"appRoutingIstio": {"mode": "Enabled"}}
    properties["ingressProfile"] = {
        "webAppRouting": {"enabled": True, "gatewayAPIImplementations": implementations}
    }


def open_service_mesh(properties: Json) -> None:
    properties.setdefault("addonProfiles", {})["openServiceMesh"] = {"enabled": True}


def old_kubernetes(properties: Json) -> None:
    properties["kubernetesVersion"] = properties["currentKubernetesVersion"] = "1.28.5"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (routing_on, "app routing's Gateway API is on, and it excludes the Istio service mesh add-on"),
        (open_service_mesh, "the Open Service Mesh add-on is on"),
        (old_kubernetes, "mesh revision asm-1-29 does not run on Kubernetes 1.28.5"),
    ],
)
def test_a_cluster_that_will_not_do_is_refused_before_the_first_write(
    mesh: Mesh, change: Any, words: str
) -> None:
    mesh.cluster(change)
    assert words in mesh.refused()


def test_an_istio_of_ones_own_is_refused(mesh: Mesh) -> None:
    assert mesh.run("plan").code == 2
    with mesh.provision.azure() as azure:
        labels = {"app": "istiod"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "d", "image": "d"}]}}
        deployment = {
            "metadata": {"name": "istiod", "namespace": "istio-system", "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        }
        cluster_of(azure).put(kinds.DEPLOYMENT, deployment)
    text = mesh.refused()
    assert "an Istio of your own runs there (istio-system/istiod)" in text
    assert "istioctl uninstall --purge --istioNamespace istio-system" in text


def test_what_the_mesh_leaves_behind_is_in_the_way_of_app_routing(
    mesh: Mesh, applied: Applied, tmp_path: Path
) -> None:
    """Told before anything is written; once it is gone, and once app routing runs, nothing is in the way."""
    applied("istio")
    assert mesh.run("destroy", "--yes").code == 0
    file = tmp_path / "routing.yaml"
    profile = {**mesh.profile, "ingress": {"option": "app-routing", "implementation": "gateway-api"}}
    profile["hosts"] = {"shop.contoso.com": {"namespace": "shop", "service": {"name": "shop", "port": 80}}}
    file.write_text(yaml.safe_dump({**profile, "certificates": {}}), encoding="utf-8")
    arguments = (str(file), "--sandbox")
    refused = mesh.provision("apply", *arguments, "--yes")
    assert refused.code == 1
    assert not refused.writes()
    assert "there are 14 definitions of istio.io (authorizationpolicies.security.istio.io, …)" in refused.out
    assert "kubectl delete crd authorizationpolicies.security.istio.io" in refused.out
    assert mesh.run("destroy", "--yes", "--remove-crds", "--export-crds", str(tmp_path / "left")).code == 0
    done = mesh.provision("apply", *arguments, "--yes")
    assert done.code == 0, done.out
    planned = mesh.provision("plan", *arguments)
    assert planned.code == 0
    assert "istio_traces" not in planned.out


def test_an_unknown_revision_is_told_with_those_of_the_region(mesh: Mesh) -> None:
    mesh.write(revision="asm-1-99")
    text = mesh.refused()
    assert "there is no mesh revision asm-1-99 in region westeurope, which offers asm-1-28" in text
    mesh.write(canary={"revision": "asm-1-30"})
    assert "it has no mesh yet, so that there is nothing to upgrade to asm-1-30" in mesh.refused()


def test_a_host_that_goes_takes_everything_of_its_own_along(mesh: Mesh, applied: Applied) -> None:
    applied("istio")
    del mesh.profile["hosts"]["books.corp.contoso.com"]
    gone = mesh.changed()
    assert {address for address, status in gone.items() if status == "deleted"} == {
        "record_set/corp.contoso.com/A/books",
        f"kubernetes/Deployment/{GATEWAYS}/kv-books-tls",
        f"kubernetes/SecretProviderClass/{GATEWAYS}/kv-books-tls",
        "kubernetes/Gateway.networking.istio.io/books/mesh-internal",
        "kubernetes/VirtualService/books/books-corp-contoso-com",
    }


@pytest.mark.parametrize("access", ["direct", "run-command"])
def test_probes_of_others_go_where_services_see_their_clients(
    mesh: Mesh, applied: Applied, access: str
) -> None:
    """The load balancer asks the nodes then, and a probe of the gateway would answer for every one."""
    applied("istio")
    mesh.profile["cluster"]["access"] = access
    del mesh.profile["hosts"]["vault.contoso.com"]  # passed through, which does not go with it
    probe = "service.beta.kubernetes.io/port_80_health-probe_protocol"
    service = "kubernetes/Service/aks-istio-ingress/aks-istio-ingressgateway-external"
    with mesh.provision.azure() as azure:
        cluster = cluster_of(azure)
        live = cluster.get(kinds.SERVICE, "aks-istio-ingressgateway-external", GATEWAYS)
        assert live is not None
        live["metadata"]["annotations"] = {probe: "tcp", "note": "theirs"}
        cluster.put(kinds.SERVICE, live)
    changed = mesh.changed(clientSourceIP="preserve")
    assert changed[service] == "updated"
    assert mesh.run("plan").code == 0
    with mesh.provision.azure() as azure:
        live = cluster_of(azure).get(kinds.SERVICE, "aks-istio-ingressgateway-external", GATEWAYS)
    assert live is not None
    assert live["spec"]["externalTrafficPolicy"] == "Local"
    annotations = live["metadata"]["annotations"]
    assert probe not in annotations
    assert annotations["note"] == "theirs"


def test_what_aks_puts_back_is_drift(mesh: Mesh, applied: Applied) -> None:
    applied("istio")
    with mesh.provision.azure() as azure:
        document = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert document is not None
        gateways = document["properties"]["serviceMeshProfile"]["istio"]["components"]["ingressGateways"]
        for gateway in gateways:
            gateway["enabled"] = gateway["mode"] == "External"
        azure.store.put(CLUSTER_KIND, CLUSTER, document)
    found = mesh.run("drift")
    assert found.code == 2
    assert "ingressGateways[Internal].enabled: is false, should be true" in found.out


def test_mutual_tls_in_the_gateway_api_without_the_operator(provision: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    host = {"namespace": "shop", "service": {"name": "shop", "port": 80}, "certificate": "shop-tls"}
    profile = {
        "extends": str(ROOT / "profiles/base.yaml"),
        "name": "mutual",
        "cluster": {"name": "aks-mutual", "resourceGroup": "rg-mutual"},
        "ingress": {
            "option": "istio-service-mesh",
            "gateways": {"external": {"scaling": {"minReplicas": 4}, "allowedIPRanges": ["192.0.2.0/24"]}},
        },
        "vaults": {"kv-mutual": {"resourceGroup": "rg-mutual"}},
        "certificates": {"shop-tls": {"vault": "kv-mutual", "dnsNames": ["shop.contoso.com"]}},
        "dns": {"zones": {"contoso.com": {"resourceGroup": "rg-dns"}}},
        "hosts": {"shop.contoso.com": {**host, "tls": "mutual", "clientCA": "kv-shop-tls-cacert"}},
    }
    file.write_text(yaml.safe_dump(profile), encoding="utf-8")
    arguments = (str(file), "--sandbox")
    done = provision("apply", *arguments, "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()["record_set/contoso.com/A/shop"] == "created"
    assert provision("plan", *arguments).code == 0
    verified = provision("verify", *arguments, "--format", "json")
    assert verified.code == 0, verified.out
    assert links(verified)["shop.contoso.com"]["http"].startswith("refused, as it must be; 200")
    with provision.azure() as azure:
        cluster = cluster_of(azure, f"{GROUPS}/rg-mutual/providers/{CLUSTER_KIND}/aks-mutual")
        scaler = cluster.get(kinds.AUTOSCALER, "mutual-istio", "shop")
        service = cluster.get(kinds.SERVICE, "mutual-istio", "shop")
    assert scaler is not None
    assert scaler["spec"]["minReplicas"] == 4
    assert service is not None
    ranges = service["metadata"]["annotations"]["service.beta.kubernetes.io/azure-allowed-ip-ranges"]
    assert ranges == "192.0.2.0/24"
