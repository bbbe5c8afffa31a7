"""Application Gateway for Containers through the command line: both deployments, both controllers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import Applied, CommandLine, Ran

from provision.sandbox.azure import SUBSCRIPTION, Json
from provision.sandbox.service_networking_kinds import ASSOCIATION, CONTROLLER
from provision.sandbox.waf_policies import WAF_POLICY

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
    (host,) = verified.json()["hosts"]
    links = {link["link"]: link for link in host["links"]}
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
    # Nothing on the way to a private frontend can be seen from here, which is never green.
    assert verified.code == 3, verified.out
    (host,) = verified.json()["hosts"]
    assert {link["status"] for link in host["links"]} == {"ok", "not checked"}
    gone = provision("destroy", *arguments, "--yes", "--format", "json")
    assert gone.code == 0, gone.out
    assert gone.statuses()["helm_release/azure-alb-system/alb-controller"] == "deleted"


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
