"""The edge to Kubernetes."""
