"""Microsoft.Resources and Microsoft.Features of a subscription: tenants, locations, providers, features."""

from __future__ import annotations

from provision.sandbox import registrations
from provision.sandbox.azure import TENANT, Answer, Azure, Json, Request
from provision.sandbox.gateway import SUBSCRIPTION, caller_of
from provision.sandbox.http import Route
from provision.sandbox.rbac import ASSIGNMENT

_LOCATIONS = ("westeurope", "northeurope", "eastus", "eastus2", "westus2", "swedencentral")


def new_subscription(azure: Azure, subscription: str, name: str) -> Json:
    """Make a subscription of the sandbox's tenant; returns its document."""
    document: Json = {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": TENANT,
        "displayName": name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }
    azure.store.put(SUBSCRIPTION, document["id"], document)
    return document


def list_subscriptions(request: Request, azure: Azure) -> Answer:
    """Only subscriptions in which the caller has a role, as ARM does."""
    caller = caller_of(request).object_id
    found = [
        subscription
        for subscription in azure.store.list(SUBSCRIPTION)
        if any(
            assignment["properties"]["principalId"].lower() == caller.lower()
            for assignment in azure.store.list(ASSIGNMENT, f"{subscription['id']}/")
        )
    ]
    return Answer(body={"value": found, "count": {"type": "Total", "value": len(found)}})


def get_subscription(request: Request, azure: Azure) -> Answer:
    return Answer(body=azure.store.get(SUBSCRIPTION, request.path.rstrip("/")))


def list_locations(request: Request, _azure: Azure) -> Answer:
    subscription = request.params["subscription"]
    return Answer(
        body={
            "value": [
                {
                    "id": f"/subscriptions/{subscription}/locations/{name}",
                    "name": name,
                    "type": "Region",
                    "displayName": name,
                    "regionalDisplayName": name,
                    "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
                }
                for name in _LOCATIONS
            ]
        }
    )


def list_tenants(_request: Request, _azure: Azure) -> Answer:
    tenant = {
        "id": f"/tenants/{TENANT}",
        "tenantId": TENANT,
        "countryCode": "NL",
        "displayName": "Contoso",
        "domains": ["contoso.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "contoso.onmicrosoft.com",
        "tenantType": "AAD",
    }
    return Answer(body={"value": [tenant]})


def list_providers(request: Request, azure: Azure) -> Answer:
    subscription = request.params["subscription"]
    found = [registrations.provider(azure, subscription, each) for each in registrations.NAMESPACES]
    return Answer(body={"value": found})


def get_provider(request: Request, azure: Azure) -> Answer:
    params = request.params
    return Answer(body=registrations.provider(azure, params["subscription"], params["namespace"]))


def register_provider(request: Request, azure: Azure) -> Answer:
    params = request.params
    return Answer(body=registrations.register_provider(azure, params["subscription"], params["namespace"]))


def list_features(request: Request, azure: Azure) -> Answer:
    """Of one provider, or of all of them."""
    subscription = request.params["subscription"]
    spaces = [request.params["namespace"]] if "namespace" in request.params else registrations.NAMESPACES
    known = [registrations.provider(azure, subscription, each)["namespace"] for each in spaces]
    found = [one for each in known for one in registrations.features(azure, subscription, each)]
    return Answer(body={"value": found})


def get_feature(request: Request, azure: Azure) -> Answer:
    return Answer(body=registrations.feature(azure, *_named(request)))


def register_feature(request: Request, azure: Azure) -> Answer:
    return Answer(body=registrations.register_feature(azure, *_named(request)))


def unregister_feature(request: Request, azure: Azure) -> Answer:
    return Answer(body=registrations.unregister_feature(azure, *_named(request)))


def _named(request: Request) -> tuple[str, str, str]:
    params = request.params
    return params["subscription"], params["namespace"], params["feature"]


_SUBSCRIPTION = "/subscriptions/{subscription}"
_FEATURES = f"{_SUBSCRIPTION}/providers/Microsoft.Features/providers/{{namespace}}/features"
_FEATURE = f"{_FEATURES}/{{feature}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/tenants", list_tenants),
    Route("GET", "/subscriptions", list_subscriptions),
    Route("GET", _SUBSCRIPTION, get_subscription, "Microsoft.Resources/subscriptions/read"),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/locations",
        list_locations,
        "Microsoft.Resources/subscriptions/locations/read",
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/providers",
        list_providers,
        "Microsoft.Resources/subscriptions/providers/read",
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/providers/{{namespace}}",
        get_provider,
        "Microsoft.Resources/subscriptions/providers/read",
    ),
    Route(
        "POST",
        f"{_SUBSCRIPTION}/providers/{{namespace}}/register",
        register_provider,
        "{namespace}/register/action",
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/providers/Microsoft.Features/features",
        list_features,
        "Microsoft.Features/features/read",
    ),
    Route("GET", _FEATURES, list_features, "Microsoft.Features/providers/features/read"),
    Route("GET", _FEATURE, get_feature, "Microsoft.Features/providers/features/read"),
    Route(
        "POST",
        f"{_FEATURE}/register",
        register_feature,
        "Microsoft.Features/providers/features/register/action",
    ),
    Route(
        "POST",
        f"{_FEATURE}/unregister",
        unregister_feature,
        "Microsoft.Features/providers/features/unregister/action",
    ),
)
