"""Profile → desired resources, one module an ingress option; the feature table behind the options."""
