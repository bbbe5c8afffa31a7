"""Microsoft.Resources and Microsoft.Features of a subscription: tenants, locations, providers, features."""

from __future__ import annotations

from provision.sandbox.azure import TENANT, Answer, Azure, Json, Refusal, Request
from provision.sandbox.gateway import SUBSCRIPTION, caller_of
from provision.sandbox.http import Route
from provision.sandbox.rbac import ASSIGNMENT

PROVIDER = "Microsoft.Resources/providers"
FEATURE = "Microsoft.Features/features"

_NAMESPACES = (
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
    return Answer(body={"value": [_provider(azure, subscription, namespace) for namespace in _NAMESPACES]})


def get_provider(request: Request, azure: Azure) -> Answer:
    return Answer(body=_provider(azure, request.params["subscription"], _namespace(request)))


def register_provider(request: Request, azure: Azure) -> Answer:
    document = _provider(azure, request.params["subscription"], _namespace(request))
    document["registrationState"] = "Registered"
    azure.store.put(PROVIDER, document["id"], document)
    return Answer(body=document)


def get_feature(request: Request, azure: Azure) -> Answer:
    return Answer(body=_feature(request, azure))


def register_feature(request: Request, azure: Azure) -> Answer:
    document = _feature(request, azure)
    document["properties"]["state"] = "Registered"
    azure.store.put(FEATURE, document["id"], document)
    return Answer(body=document)


def _feature(request: Request, azure: Azure) -> Json:
    namespace, name = _namespace(request), request.params["feature"]
    id_ = (
        f"/subscriptions/{request.params['subscription']}/providers/Microsoft.Features/providers/{namespace}"
        f"/features/{name}"
    )
    return azure.store.get(FEATURE, id_) or {
        "id": id_,
        "name": f"{namespace}/{name}",
        "type": "Microsoft.Features/providers/features",
        "properties": {"state": "NotRegistered"},
    }


def _provider(azure: Azure, subscription: str, namespace: str) -> Json:
    id_ = f"/subscriptions/{subscription}/providers/{namespace}"
    return azure.store.get(PROVIDER, id_) or {
        "id": id_,
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        # in a subscription that runs AKS all are registered but the one that only AGC needs
        "registrationState": "NotRegistered" if namespace == "Microsoft.ServiceNetworking" else "Registered",
        "resourceTypes": [],
    }


def _namespace(request: Request) -> str:
    wanted = request.params["namespace"]
    for namespace in _NAMESPACES:
        if namespace.lower() == wanted.lower():
            return namespace
    raise Refusal(404, "InvalidResourceNamespace", f"The resource namespace '{wanted}' is invalid.")


_SUBSCRIPTION = "/subscriptions/{subscription}"
_FEATURE = f"{_SUBSCRIPTION}/providers/Microsoft.Features/providers/{{namespace}}/features/{{feature}}"

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
    Route("GET", _FEATURE, get_feature, "Microsoft.Features/providers/features/read"),
    Route(
        "POST",
        f"{_FEATURE}/register",
        register_feature,
        "Microsoft.Features/providers/features/register/action",
    ),
)
