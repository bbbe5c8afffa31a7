"""The edge: the only package that imports azure.* or a Kubernetes client."""
