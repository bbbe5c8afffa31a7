"""Makes the Kubernetes objects of one profile: what they share is filled in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provision.profile.model import Profile
from provision.resources.arm import resource_id
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.manifest import NAMESPACE, Api, Manifest, SharedManifest
from provision.resources.mesh import IstioTraces
from provision.resources.ref import Ref
from provision.resources.resource import Condition, Resource
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
    needs: tuple[str, ...] = ()
    """Addresses beside the cluster that every object waits for."""

    def make(
        self,
        api: Api,
        name: str,
        namespace: str = "",
        body: Mapping[str, Value] | None = None,
        after: Iterable[str] = (),
        used: bool = False,
        made_by: str = "",
        object_name: Ref | None = None,
    ) -> Manifest:
        """One object, after the cluster, its namespace and `after`. `object_name` is its name where that is
        not known yet."""
        theirs = used and made_by  # with the namespace that it is in
        inside = (address(NAMESPACE, namespace),) if namespace and not theirs else ()
        return Manifest(
            name=_name(api, name, namespace),
            api=api,
            cluster_id=cluster_id(self.profile),
            private=Ref(self.cluster.address, "private"),
            entra=Ref(self.cluster.address, "entra"),
            access=self.profile.cluster.access,
            object_name=object_name or name,
            namespace=namespace,
            body=body or {},
            used=used,
            made_by=made_by,
            after=tuple(dict.fromkeys((self.cluster.address, *self.needs, *inside, *after))),
        )

    def share(
        self,
        api: Api,
        name: str,
        namespace: str = "",
        body: Mapping[str, Value] | None = None,
        made_by: str = "",
        object_name: Ref | None = None,
        without: Iterable[str] = (),
    ) -> SharedManifest:
        """Fields of ours in an object of others, and annotations it must be `without`."""
        made = self.make(api, name, namespace, body, made_by=made_by, object_name=object_name)
        return SharedManifest(
            name=made.name,
            api=api,
            cluster_id=made.cluster_id,
            private=made.private,
            entra=made.entra,
            access=made.access,
            object_name=made.object_name,
            namespace=namespace,
            body=made.body,
            made_by=made_by,
            without=tuple(without),
            after=made.after,
        )

    def namespaces(self, names: Iterable[str]) -> Iterator[Manifest]:
        """The namespaces; made only where a host asks for it."""
        asked = {host.namespace for host in self.profile.hosts.values() if host.create_namespace}
        for name in sorted(set(names)):
            yield self.make(NAMESPACE, name, used=name not in asked)


def istio_traces(profile: Profile, cluster: ManagedCluster, when: Condition | None = None) -> IstioTraces:
    """What of Istio is in the cluster, looked at only under a condition."""
    return IstioTraces(
        name=profile.cluster.name,
        cluster_id=cluster_id(profile),
        private=Ref(cluster.address, "private"),
        entra=Ref(cluster.address, "entra"),
        access=profile.cluster.access,
        when=when,
    )


def address(api: Api, name: str, namespace: str = "") -> str:
    """Address of an object in the graph."""
    return f"{Manifest.KIND}/{_name(api, name, namespace)}"


def _name(api: Api, name: str, namespace: str) -> str:
    inside = f"{namespace}/" if namespace else ""
    return f"{api.name}/{inside}{name}"


def addresses(resources: Iterable[Resource]) -> tuple[str, ...]:
    """Addresses of resources, for what comes after them."""
    return tuple(resource.address for resource in resources)
