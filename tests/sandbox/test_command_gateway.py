"""Application Gateway for Containers through the command line: both deployments, both controllers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import Applied, CommandLine, Ran

from provision.sandbox.azure import SUBSCRIPTION, Json
from provision.sandbox.service_networking_kinds import ASSOCIATION, CONNECTION, CONTROLLER, FRONTEND
from provision.sandbox.service_networking_private import connect
from provision.sandbox.waf_policies import WAF_POLICY

PROFILES = Path(__file__).parents[2] / "profiles"
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-network/providers/Microsoft.Network"
SUBNET = f"{NETWORK}/virtualNetworks/vnet-store/subnets/snet"
FIREWALL = f"{NETWORK}/applicationGatewayWebApplicationFirewallPolicies/waf"
PROFILE: dict[str, Any] = {
    "apiVersion": "provision/v1",
    "name": "store",
    "stage": "development",
    "azure": {"tenant": "${AZURE_TENANT_ID}", "subscription": "${AZURE_SUBSCRIPTION_ID}"},
    "cluster": {"name": "aks-store", "resourceGroup": "rg-store"},
    "ingress": {
        "option": "application-gateway-for-containers",
        "deployment": "byo",
        "controller": "addon",
        "subnet": SUBNET,
    },
    "dns": {"zones": {"contoso.com": {"resourceGroup": "rg-dns"}}},
    "hosts": {"store.contoso.com": {"namespace": "store", "service": {"name": "store", "port": 80}}},
}
GATEWAY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-store/providers/{CONTROLLER}/agc-store"


class Store:
    """The profile with other settings of its ingress, and runs on it."""

    def __init__(self, provision: CommandLine, file: Path) -> None:
        self.provision = provision
        self.file = file
        self.write()

    def write(self, **ingress: Any) -> None:
        settings = {key: value for key, value in {**PROFILE["ingress"], **ingress}.items() if value}
        self.file.write_text(yaml.safe_dump({**PROFILE, "ingress": settings}), encoding="utf-8")

    def run(self, command: str, *arguments: str) -> Ran:
        return self.provision(command, str(self.file), "--sandbox", *arguments)

    def refused(self) -> str:
        """What an apply says that must not write anything."""
        done = self.run("apply", "--yes")
        assert done.code == 1
        assert not done.writes()
        return done.out + done.err

    def seeded(self, change: Any) -> None:
        """Let the sandbox make what the profile names, then change its virtual network."""
        assert self.run("plan").code in (1, 2)
        with self.provision.azure() as azure:
            change(azure)


@pytest.fixture
def store(provision: CommandLine, tmp_path: Path) -> Store:
    return Store(provision, tmp_path / "store.yaml")


@pytest.mark.parametrize("name", ["agc-managed", "agc-byo"])
def test_a_public_gateway_from_nothing_and_back(provision: CommandLine, applied: Applied, name: str) -> None:
    applied(name)
    arguments = (f"profiles/{name}.yaml", "--sandbox")
    assert provision("plan", *arguments).code == 0
    assert provision("drift", *arguments).code == 0
    verified = provision("verify", *arguments, "--format", "json")
    assert verified.code == 0, verified.out
    links = links_of(verified)
    # Whoever made it, it is looked at in Azure.
    made = {"agc-managed": "of alb-", "agc-byo": "of agc-storefront in resource group rg-ingress"}
    assert made[name] in links["frontend"]["detail"]
    # A frontend has a name: the host's record is an alias of it.
    assert ".alb.azure.com → " in links["record"]["detail"]
    assert links["http"]["detail"].startswith("200")
    gone = provision("destroy", *arguments, "--yes", "--format", "json")
    assert gone.code == 0, gone.out
    with provision.azure() as azure:
        assert azure.store.list(CONTROLLER, "") == []
    assert provision("plan", *arguments).code == 2


def test_a_private_gateway_through_the_run_command_and_its_chart(
    provision: CommandLine, applied: Applied
) -> None:
    applied("agc-private")
    arguments = ("profiles/agc-private.yaml", "--sandbox")
    assert provision("plan", *arguments).code == 0
    assert provision("drift", *arguments).code == 0
    verified = provision("verify", *arguments, "--format", "json")
    assert verified.code == 2, verified.out
    links = links_of(verified)
    broken = [name for name, link in links.items() if link["status"] == "broken"]
    assert broken == ["endpoint"]
    assert "--group-id books" in links["endpoint"]["command"]
    gone = provision("destroy", *arguments, "--yes", "--format", "json")
    assert gone.code == 0, gone.out
    assert gone.statuses()["helm_release/azure-alb-system/alb-controller"] == "deleted"


def test_ingresses_send_plain_http_to_https(provision: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    body = {"extends": f"{PROFILES}/agc-managed.yaml", "name": "catalog", "ingress": {"api": "ingress"}}
    file.write_text(yaml.safe_dump(body))
    arguments = (str(file), "--sandbox")
    done = provision("apply", *arguments, "--yes", "--format", "json")
    assert done.code == 0, done.out
    extension = "kubernetes/IngressExtension/catalog/catalog-contoso-com-redirect"
    assert done.statuses()[extension] == "created"
    verified = provision("verify", *arguments, "--format", "json")
    assert verified.code == 0, verified.out
    answer = "200; plain HTTP: 301 → https://catalog.contoso.com/"
    assert links_of(verified)["http"]["detail"] == answer
    assert provision("drift", *arguments).code == 0
    # Without its certificate the host is served in plain: what sent it on goes.
    body["hosts"] = {"catalog.contoso.com": {"certificate": None}}
    file.write_text(yaml.safe_dump(body))
    plain = provision("apply", *arguments, "--yes", "--format", "json")
    assert plain.code == 0, plain.out
    assert plain.statuses()[extension] == "deleted"
    verified = provision("verify", *arguments, "--format", "json")
    assert links_of(verified)["http"]["detail"] == "200, plain HTTP: no certificate"


def links_of(verified: Ran) -> dict[str, Json]:
    """The last link of each kind of the only host."""
    (host,) = verified.json()["hosts"]
    return {link["link"]: link for link in host["links"]}


def asks(provision: CommandLine, endpoint: str) -> None:
    """A private endpoint of others asks for a way to the frontend."""
    with provision.azure() as azure:
        (frontend,) = azure.store.list(FRONTEND)
        name = endpoint.rpartition("/")[2]
        connect(azure, frontend, endpoint, name, "Pending", "the hub wants to read books")


def test_a_private_endpoint_is_approved_and_sent_away(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    """It waits, is approved because the profile names it, and is cut off when the profile no longer does."""
    applied("agc-private")
    endpoint = f"{NETWORK}/privateEndpoints/pe-hub"
    asks(provision, endpoint)
    file = tmp_path / "backoffice.yaml"
    arguments = (str(file), "--sandbox")

    def named(*endpoints: str) -> None:
        body = {"extends": f"{PROFILES}/agc-private.yaml", "name": "backoffice"}
        file.write_text(yaml.safe_dump({**body, "ingress": {"privateEndpoints": list(endpoints)}}))

    named()
    waiting = links_of(provision("verify", *arguments, "--format", "json"))["endpoint"]
    assert waiting["detail"] == "pe-hub is Pending (the hub wants to read books)"
    named(endpoint)
    assert provision("drift", *arguments).code == 2
    done = provision("apply", *arguments, "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()["private_endpoint_connection/agc-backoffice/pe-hub"] == "updated"
    assert provision("drift", *arguments).code == 0
    verified = provision("verify", *arguments, "--format", "json")
    assert links_of(verified)["endpoint"]["status"] == "ok"
    # Now there is a way to the gateway.
    assert links_of(verified)["http"]["detail"].startswith("200")
    assert verified.code == 0, verified.out
    # A destroy tells what it will not take away, and what it will it does not tell.
    asks(provision, f"{NETWORK}/privateEndpoints/pe-other")
    shown = provision("destroy", *arguments)
    assert "agc-backoffice holds privateEndpointConnections/pe-other of others" in shown.out
    assert not shown.writes()
    named()
    gone = provision("apply", *arguments, "--yes", "--format", "json")
    assert gone.code == 0, gone.out
    assert gone.statuses()["private_endpoint_connection/agc-backoffice/pe-hub"] == "deleted"
    with provision.azure() as azure:
        assert [each["name"] for each in azure.store.list(CONNECTION)] == ["pe-other"]


def test_a_private_endpoint_that_nobody_has_made_yet(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    """The rest is done, and what others must do is an error with its command."""
    applied("agc-private")
    file = tmp_path / "backoffice.yaml"
    ingress = {"privateEndpoints": [f"{NETWORK}/privateEndpoints/pe-hub"]}
    body = {"extends": f"{PROFILES}/agc-private.yaml", "name": "backoffice", "ingress": ingress}
    file.write_text(yaml.safe_dump(body))
    done = provision("apply", str(file), "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    (error,) = done.errors().values()
    assert "this private endpoint does not exist" in error
    assert "az network private-endpoint create" in error
    assert "--name pe-hub" in error
    assert "--group-id books" in error


def test_the_parts_of_a_gateway_are_made_beside_each_other(store: Store) -> None:
    done = store.run("apply", "--yes")
    assert done.code == 0, done.out
    made = [call.path.removeprefix(GATEWAY) for call in done.writes() if call.path.startswith(GATEWAY)]
    parts = [path for path in made if "/providers/" not in path]
    assert parts[0] == ""
    assert set(parts[1:]) == {"/associations/store", "/frontends/store"}
    assert len(done.cluster_puts()) == 1


def test_an_association_is_not_written_again(store: Store) -> None:
    assert store.run("apply", "--yes").code == 0
    with store.provision.azure() as azure:
        association = azure.store.get(ASSOCIATION, f"{GATEWAY}/associations/store")
        assert association is not None
        azure.store.put(ASSOCIATION, association["id"], {**association, "tags": {}})
    again = store.run("apply", "--yes")
    assert not [call for call in again.writes() if "/associations/" in call.path]
    store.write(subnet=f"{SUBNET}-other")
    text = store.refused()
    assert "association/agc-store/store" in text
    assert "the service fixes it when the object is made" in text


def small(azure: Any) -> None:
    subnet = azure.store.get("Microsoft.Network/virtualNetworks/subnets", SUBNET)
    subnet["properties"]["addressPrefix"] = "10.225.0.0/25"
    azure.store.put("Microsoft.Network/virtualNetworks/subnets", SUBNET, subnet)


def undelegated(azure: Any) -> None:
    delegate(azure, [])


def taken(azure: Any) -> None:
    delegate(azure, [{"name": "0", "properties": {"serviceName": "Microsoft.Sql/managedInstances"}}])


def delegate(azure: Any, delegations: list[Json]) -> None:
    subnet = azure.store.get("Microsoft.Network/virtualNetworks/subnets", SUBNET)
    subnet["properties"]["delegations"] = delegations
    azure.store.put("Microsoft.Network/virtualNetworks/subnets", SUBNET, subnet)


def elsewhere(azure: Any) -> None:
    id_ = SUBNET.partition("/subnets/")[0]
    network = azure.store.get("Microsoft.Network/virtualNetworks", id_)
    azure.store.put("Microsoft.Network/virtualNetworks", id_, {**network, "location": "northeurope"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (small, "10.225.0.0/25 has 128 free addresses"),
        (undelegated, "it is not delegated to Microsoft.ServiceNetworking/trafficControllers"),
        (taken, "it is delegated to Microsoft.Sql/managedInstances"),
        (elsewhere, "its network is in northeurope and the cluster in westeurope"),
    ],
)
def test_a_subnet_that_will_not_do_is_refused_before_the_first_write(
    store: Store, change: Any, words: str
) -> None:
    store.seeded(change)
    assert words in store.refused()


def test_a_subnet_is_delegated_when_the_profile_says_so(store: Store) -> None:
    store.seeded(undelegated)
    store.write(createSubnet=True)
    done = store.run("apply", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()["subnet/vnet-store/snet"] == "updated"
    assert store.run("drift").code == 0


def test_a_firewall_policy_that_is_missing(store: Store) -> None:
    store.write(wafPolicy=FIREWALL)
    store.seeded(lambda azure: azure.store.delete(WAF_POLICY, FIREWALL))
    text = store.refused()
    assert "waf_policy/waf: this web application firewall policy does not exist" in text


def test_a_gateway_does_not_change_hands(store: Store) -> None:
    assert store.run("apply", "--yes").code == 0
    store.write(deployment="managed")
    text = store.refused()
    assert "it was made with deployment: byo" in text
    assert "provision destroy PROFILE" in text


def test_a_gateway_of_the_controller_does_not_change_hands(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    applied("agc-managed")
    file = tmp_path / "catalog.yaml"
    ingress = {"deployment": "byo", "subnet": f"{NETWORK}/virtualNetworks/vnet-catalog/subnets/snet"}
    body = {"extends": f"{PROFILES}/agc-managed.yaml", "name": "catalog", "ingress": ingress}
    file.write_text(yaml.safe_dump(body))
    done = provision("apply", str(file), "--sandbox", "--yes")
    assert done.code == 1
    assert not done.writes()
    assert "it was made with deployment: managed" in done.out + done.err
