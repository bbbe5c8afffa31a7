"""Makes the Kubernetes objects of one profile: what they share is filled in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provision.profile.model import Profile
from provision.resources.arm import resource_id
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.manifest import NAMESPACE, Api, Manifest
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value


def cluster_id(profile: Profile) -> CaseInsensitive:
    """Resource id of the profile's cluster."""
    kind = "Microsoft.ContainerService/managedClusters"
    return resource_id(profile.azure.subscription, profile.cluster.resource_group, kind, profile.cluster.name)


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of a profile's cluster. None are made with `cluster.access: none`."""

    profile: Profile
    cluster: ManagedCluster

    def make(
        self,
        api: Api,
        name: str,
        namespace: str = "",
        body: Mapping[str, Value] | None = None,
        after: Iterable[str] = (),
        used: bool = False,
    ) -> Manifest:
        """One object, after the cluster, its namespace and `after`."""
        inside = (address(NAMESPACE, namespace),) if namespace else ()
        return Manifest(
            name=f"{api.kind}/{namespace}/{name}" if api.namespaced else f"{api.kind}/{name}",
            api=api,
            cluster_id=cluster_id(self.profile),
            private=Ref(self.cluster.address, "private"),
            entra=Ref(self.cluster.address, "entra"),
            access=self.profile.cluster.access,
            object_name=name,
            namespace=namespace,
            body=body or {},
            used=used,
            after=tuple(dict.fromkeys((self.cluster.address, *inside, *after))),
        )

    def namespaces(self, names: Iterable[str]) -> Iterator[Manifest]:
        """The namespaces; made only where a host asks for it."""
        asked = {host.namespace for host in self.profile.hosts.values() if host.create_namespace}
        for name in sorted(set(names)):
            yield self.make(NAMESPACE, name, used=name not in asked)


def address(api: Api, name: str, namespace: str = "") -> str:
    """Address of an object in the graph."""
    inside = f"{namespace}/" if namespace else ""
    return f"{Manifest.KIND}/{api.kind}/{inside}{name}"


def addresses(resources: Iterable[Resource]) -> tuple[str, ...]:
    """Addresses of resources, for what comes after them."""
    return tuple(resource.address for resource in resources)
