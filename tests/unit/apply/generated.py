"""Generated profiles, and worlds in which they can be applied."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from provision.ingress import desired
from provision.ingress.zones import zone_ids
from provision.profile.model import (
    AppRouting,
    Azure,
    Certificate,
    Cluster,
    Dns,
    Host,
    Link,
    Profile,
    Record,
    Service,
    Vault,
    Zone,
)
from provision.resources.managed_cluster import OFF
from provision.resources.manifest import Manifest
from provision.resources.observed import Present
from provision.resources.vault import ACCESS_POLICY, RBAC, KeyVault

from .memory import World

SUBSCRIPTION = "11111111-0000-0000-0000-000000000000"
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/"
SERVICE = Service(name="web", port=80)

PRIVATE = st.lists(st.sampled_from("vw"), unique=True).map(
    lambda names: Zone(
        resource_group="rg",
        visibility="private",
        links=tuple(Link(virtual_network=NETWORK + name) for name in names),
    )
)
# In memory an address is one object, so a name is always a zone of the same kind.
ZONES = st.fixed_dictionaries(
    {},
    optional={
        "a.example": st.just(Zone(resource_group="rg")),
        "b.example": st.just(Zone(resource_group="rg")),
        "c.example": PRIVATE,
        "d.example": PRIVATE,
    },
)
HOSTS = st.lists(
    st.tuples(st.sampled_from("mn"), st.sampled_from([None, "own"]), st.booleans(), st.booleans()),
    max_size=3,
    unique=True,
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Profiles of one name and one cluster, so that any of them can follow any other."""
    zones = draw(ZONES)
    vaults = draw(st.lists(st.sampled_from(["kv-one", "kv-two"]), unique=True))
    records = {
        (zone, name): Record(zone=zone, name=name, type="A", ttl=ttl, values=("20.1.2.3", "20.1.2.4"))
        for zone in zones
        for name in draw(st.lists(st.sampled_from(["@", "x", "y"]), unique=True))
        for ttl in [draw(st.sampled_from([60, 300]))]
    }
    return Profile(
        api_version="provision/v1",
        name="shop",
        azure=Azure(subscription=SUBSCRIPTION),
        cluster=Cluster(name="aks", resource_group="rg"),
        ingress=AppRouting(
            option="app-routing",
            implementation=draw(st.sampled_from(["gateway-api", "nginx"])),
            load_balancer=draw(st.sampled_from(["external", "internal"])),
        ),
        vaults={name: Vault(resource_group="rg") for name in vaults},
        certificates={
            f"for-{name}": Certificate(
                vault=name, dns_names=("w.a.example",), renew_before_days=draw(st.sampled_from([10, 30]))
            )
            for name in vaults
        },
        dns=Dns(zones=zones, records=tuple(records.values())),
        hosts={
            f"h{number}.a.example": Host(
                namespace=namespace,
                service=SERVICE,
                service_account=account,
                certificate=f"for-{vaults[0]}" if vaults and secure else None,
                create_namespace=create,
            )
            for number, (namespace, account, secure, create) in enumerate(draw(HOSTS))
        },
        roles=draw(st.sampled_from(["manage", "off"])),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["k", "l"]), inner, max_size=2)
    ),
    max_leaves=4,
)
OTHERS = st.dictionaries(st.sampled_from(["other", "new"]), JSON, max_size=2)
"""Properties that nobody here knows."""

PARENTS = sorted({path.rsplit(".", 1)[0] for path in OFF})


@st.composite
def clusters(draw: st.DrawFn) -> dict[str, Any]:
    """The REST body of a cluster on which some of our settings may be on, among others that are not ours."""
    properties: dict[str, Any] = {"networkProfile": {"networkPlugin": "azure"}, **draw(OTHERS)}
    for parent in draw(st.lists(st.sampled_from(PARENTS), unique=True)):
        at = properties
        for step in parent.split("."):
            at = at.setdefault(step, {})
        at.update(draw(OTHERS))
        for path, off in OFF.items():
            if path.startswith(f"{parent}.") and isinstance(off, bool) and draw(st.booleans()):
                at[path.rsplit(".", 1)[1]] = draw(st.booleans())
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/x/managedClusters/aks",
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "tags": draw(st.none() | st.dictionaries(st.sampled_from(["owner", "cost"]), st.just("x"))),
        "properties": properties,
    }


@st.composite
def worlds(draw: st.DrawFn, *profiles: Profile) -> World:
    """Where the profiles' cluster and vaults exist, and perhaps some of their zones, unmarked."""
    world = World(clusters={desired.cluster_address(profiles[0]): draw(clusters())})
    for resource in (each for profile in profiles for each in desired.graph(profile)):
        if isinstance(resource, KeyVault):
            authorization = draw(st.sampled_from([RBAC, ACCESS_POLICY]))
            world.objects[resource.address] = Present({}, {"authorization": authorization})
        elif isinstance(resource, Manifest) and resource.used:
            world.objects[resource.address] = Present()
        elif getattr(resource, "id", None) in zone_ids(profiles[0]).values() and draw(st.booleans()):
            world.objects[resource.address] = Present()
            world.made_from[resource.address] = resource
    return world
