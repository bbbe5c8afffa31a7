"""Which way leads into a cluster."""

from __future__ import annotations

from provision.providers.azure.clients import Clients
from provision.providers.kubernetes.calls import Tell, Way
from provision.providers.kubernetes.direct import Direct
from provision.providers.kubernetes.run_command import RunCommand
from provision.resources.values import CaseInsensitive


class Ways:
    """One way for each cluster of a run. `tell` is told what keeps a way waiting."""

    def __init__(self, clients: Clients, tell: Tell | None = None) -> None:
        self._clients = clients
        self._tell = tell
        self._made: dict[tuple[CaseInsensitive, str, bool, bool], Way] = {}

    def into(self, cluster_id: str, *, access: str, private: bool, entra: bool) -> Way:
        """The way for `access`: `direct`, `run-command`, or `auto`: direct unless the cluster is private."""
        key = (CaseInsensitive(cluster_id), access, private, entra)
        if key not in self._made:
            self._made[key] = self._make(
                cluster_id, access == "run-command" or (access == "auto" and private), entra
            )
        return self._made[key]

    def _make(self, cluster_id: str, through_azure: bool, entra: bool) -> Way:
        if through_azure:
            return RunCommand(self._clients, cluster_id, entra=entra, tell=self._tell)
        return Direct(self._clients, cluster_id, entra=entra)
