"""Ingress on Azure Kubernetes Service from a profile file."""

__version__ = "0.1.0"
