"""What a subscription is registered for: resource providers, and preview features of theirs.

Sources: "Azure resource providers and types" and "Set up preview features in Azure subscription", Microsoft
Learn, 2026. Registering takes a while: about a minute for a provider, some minutes for a feature.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.azure import Azure, Json, Refusal, Settle

PROVIDER = "Microsoft.Resources/providers"
FEATURE = "Microsoft.Features/features"
REGISTERED, REGISTERING, NOT_REGISTERED = "Registered", "Registering", "NotRegistered"

PROVIDER_SECONDS = 60.0
FEATURE_SECONDS = 300.0
"""Guesses of the right size: "it takes a few minutes"."""

NAMESPACES = (
    "Microsoft.Authorization",
    "Microsoft.ContainerService",
    "Microsoft.Features",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.NetworkFunction",
    "Microsoft.Resources",
    "Microsoft.ServiceNetworking",
)
_UNUSED = ("Microsoft.NetworkFunction", "Microsoft.ServiceNetworking")
"""Only Application Gateway for Containers needs these: a subscription is not registered for them yet."""

_FEATURES = {
    "Microsoft.ContainerService": (
        "AppRoutingIstioGatewayAPIPreview",
        "ApplicationLoadBalancerPreview",
        "ManagedGatewayAPIPreview",
    )
}
_SETTLER = "registrations.register"


def provider(azure: Azure, subscription: str, namespace: str) -> Json:
    """The provider's document; a request for a namespace that there is not is refused."""
    known = next((each for each in NAMESPACES if each.lower() == namespace.lower()), None)
    if known is None:
        raise Refusal(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
    id_ = f"/subscriptions/{subscription}/providers/{known}"
    return azure.store.get(PROVIDER, id_) or {
        "id": id_,
        "namespace": known,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": NOT_REGISTERED if known in _UNUSED else REGISTERED,
        "resourceTypes": [],
    }


def register_provider(azure: Azure, subscription: str, namespace: str) -> Json:
    """Begin to register; a provider that is registered stays so."""
    document = provider(azure, subscription, namespace)
    if document["registrationState"] == NOT_REGISTERED:
        document["registrationState"] = REGISTERING
        azure.store.put(PROVIDER, document["id"], document)
        azure.start_operation(_SETTLER, PROVIDER_SECONDS, kind=PROVIDER, resource=document["id"])
    return document


def require_provider(azure: Azure, subscription: str, namespace: str) -> None:
    """Refuse writes of a provider that the subscription is not registered for, as ARM words it."""
    if namespace.lower() not in (each.lower() for each in NAMESPACES):
        return
    found = provider(azure, subscription, namespace)
    if found["registrationState"] == REGISTERED:
        return
    text = (
        f"The subscription is not registered to use namespace '{found['namespace']}'. See"
        " https://aka.ms/rps-not-found for how to register subscriptions."
    )
    code = "MissingSubscriptionRegistration"
    detail = {"code": code, "target": found["namespace"], "message": text}
    raise Refusal(409, code, text, headers={"x-ms-failure-cause": "gateway"}, extra={"details": [detail]})


def features(azure: Azure, subscription: str, namespace: str) -> list[Json]:
    """The documents of a provider's preview features."""
    return [feature(azure, subscription, namespace, name) for name in _FEATURES.get(namespace, ())]


def feature(azure: Azure, subscription: str, namespace: str, name: str) -> Json:
    """The feature's document; a request for a feature that there is not is refused."""
    space = provider(azure, subscription, namespace)["namespace"]
    known = next((each for each in _FEATURES.get(space, ()) if each.lower() == name.lower()), None)
    if known is None:
        raise Refusal(404, "FeatureNotFound", f"The feature '{name}' could not be found.")
    id_ = f"/subscriptions/{subscription}/providers/Microsoft.Features/providers/{space}/features/{known}"
    return azure.store.get(FEATURE, id_) or {
        "id": id_,
        "name": f"{space}/{known}",
        "type": "Microsoft.Features/providers/features",
        "properties": {"state": NOT_REGISTERED},
    }


def register_feature(azure: Azure, subscription: str, namespace: str, name: str) -> Json:
    """Begin to register; a feature that is registered stays so."""
    document = feature(azure, subscription, namespace, name)
    if document["properties"]["state"] == NOT_REGISTERED:
        document["properties"]["state"] = REGISTERING
        azure.store.put(FEATURE, document["id"], document)
        azure.start_operation(_SETTLER, FEATURE_SECONDS, kind=FEATURE, resource=document["id"])
    return document


def unregister_feature(azure: Azure, subscription: str, namespace: str, name: str) -> Json:
    """Take a feature back at once."""
    document = feature(azure, subscription, namespace, name)
    document["properties"]["state"] = NOT_REGISTERED
    azure.store.put(FEATURE, document["id"], document)
    return document


def missing(azure: Azure, subscription: str, namespace: str, names: tuple[str, ...]) -> list[str]:
    """Those of the features that are not registered."""
    return [
        name
        for name in names
        if feature(azure, subscription, namespace, name)["properties"]["state"] != REGISTERED
    ]


def _settle(azure: Azure, operation: Json) -> Json | None:
    document = azure.store.get(operation["kind"], operation["resource"])
    if document is None:
        return None
    holder, key = (
        (document, "registrationState")
        if operation["kind"] == PROVIDER
        else (document["properties"], "state")
    )
    if holder[key] == REGISTERING:
        holder[key] = REGISTERED
        azure.store.put(operation["kind"], document["id"], document)
    return None


SETTLERS: Mapping[str, Settle] = {_SETTLER: _settle}
