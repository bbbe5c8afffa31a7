"""Tokens of Entra for what runs in a cluster: by workload identity, or by an identity of the nodes.

Texts: Entra's AADSTS700211 (issuer), 700213 (subject), 700212 (audience) and 700016 as users quote them
(Azure/azure-workload-identity#1200 and #1350, Azure/login#482; 2023 to 2024). Since 2024 the three are case
sensitive ("What's new for authentication", Microsoft Learn).
"""

from __future__ import annotations

from provision.sandbox import identities
from provision.sandbox.addons.site import Site
from provision.sandbox.azure import TENANT, Azure, Json
from provision.sandbox.http import Principal

CLIENT_ID = "azure.workload.identity/client-id"
USE = "azure.workload.identity/use"
AUDIENCE = "api://AzureADTokenExchange"

_DOCUMENT = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


class AccessError(Exception):
    """Azure refuses; the text is what the component logs."""


def client_id_of(account: Json) -> str:
    """The client id a service account is annotated with, empty when there is none."""
    return str((account["metadata"].get("annotations") or {}).get(CLIENT_ID) or "")


def federated(site: Site, account: Json) -> Principal:
    """Who a service account becomes by exchanging its token. Raises AccessError.

    Without the label `azure.workload.identity/use` no exchange is set up, which shows as AADSTS700211
    ("DNS and TLS for Gateway API", Microsoft Learn, 2026-05-29). The remark about it is the sandbox's own.
    """
    metadata = account["metadata"]
    issuer = site.token_issuer
    if (metadata.get("labels") or {}).get(USE) != "true":
        remark = (
            f' (service account {metadata["namespace"]}/{metadata["name"]} lacks the label {USE}: "true")'
        )
        raise _no_match("AADSTS700211", f"issuer '{issuer}'", remark)
    return exchanged(site, account, client_id_of(account))


def exchanged(site: Site, account: Json, client_id: str) -> Principal:
    """Who a service account becomes as the identity with a client id, whatever its labels say. Raises
    AccessError.

    The Secrets Store driver is handed the pod's tokens by the kubelet and asks Entra itself, so that neither
    the webhook nor its label has a part in it (secrets-store-csi-driver-provider-azure, "Workload Identity",
    2025).
    """
    metadata = account["metadata"]
    issuer = site.token_issuer
    subject = f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}"
    identity = by_client_id(site.azure, client_id)
    if identity is None:
        raise _refused(
            "AADSTS700016",
            f"Application with identifier '{client_id}' was not found in the directory '{TENANT}'. This can"
            " happen if the application has not been installed by the administrator of the tenant or"
            " consented to by any user in the tenant. (identity not found)",
        )
    _match(site.azure, identity, issuer, subject)
    return _principal(identity)


def managed(azure: Azure, client_id: str) -> Principal:
    """Who an identity that is assigned to the nodes is. Raises AccessError."""
    identity = by_client_id(azure, client_id)
    if identity is None:
        raise AccessError(
            "ManagedIdentityCredential authentication failed. the requested identity isn't assigned to this"
            " resource\nGET http://169.254.169.254/metadata/identity/oauth2/token\nRESPONSE 400 Bad Request\n"
            f'{{"error":"invalid_request","error_description":"Identity not found"}} (client id {client_id})'
        )
    return _principal(identity)


def by_client_id(azure: Azure, client_id: str) -> Json | None:
    """The user-assigned identity with a client id."""
    for identity in azure.store.list(identities.IDENTITY):
        if identity["properties"]["clientId"].lower() == client_id.lower():
            return identity
    return None


def _match(azure: Azure, identity: Json, issuer: str, subject: str) -> None:
    found = azure.store.list(identities.CREDENTIAL, f"{identity['id']}/")
    credentials = [each["properties"] for each in found if each["properties"]["issuer"] == issuer]
    if not credentials:
        raise _no_match("AADSTS700211", f"issuer '{issuer}'")
    credentials = [each for each in credentials if each["subject"] == subject]
    if not credentials:
        raise _no_match("AADSTS700213", f"subject '{subject}'")
    if all(AUDIENCE not in each["audiences"] for each in credentials):
        raise _no_match("AADSTS700212", f"audience '{AUDIENCE}'")


def _no_match(code: str, what: str, remark: str = "") -> AccessError:
    return _refused(
        code,
        f"No matching federated identity record found for presented assertion {what}. Please check your"
        f" federated identity credential Subject, Audience and Issuer against the presented assertion."
        f" {_DOCUMENT}{remark}",
    )


def _refused(code: str, text: str) -> AccessError:
    return AccessError(
        "WorkloadIdentityCredential authentication failed. FromAssertion(): http"
        f" call(https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token)(POST) error: reply status code"
        f' was 401: {{"error":"invalid_client","error_description":"{code}: {text}"}}'
    )


def _principal(identity: Json) -> Principal:
    properties = identity["properties"]
    return Principal(properties["principalId"], properties["clientId"], identity["name"])
