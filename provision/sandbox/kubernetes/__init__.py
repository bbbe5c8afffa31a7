"""The Kubernetes API of each embedded cluster."""
