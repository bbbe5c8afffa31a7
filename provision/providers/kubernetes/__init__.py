"""The edge to Kubernetes: ways into a cluster, and the handler of manifests."""
