"""Tokens, discovery and the metadata document."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from core_bench import CoreBench

from provision.sandbox import seed, tokens
from provision.sandbox.azure import TENANT, Answer

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def ask(bench: CoreBench, tenant: str = TENANT, path: str = "oauth2/v2.0/token", **changed: str) -> Answer:
    owner = seed.CLIENTS["owner"]
    form = {
        "grant_type": "client_credentials",
        "client_id": owner.client_id,
        "client_secret": owner.secret,
        "scope": "https://management.azure.com/.default",
        "client_info": "1",
        **changed,
    }
    return bench.send("POST", f"/{tenant}/{path}", urlencode(form).encode(), client=None, headers=FORM)


def test_a_token_names_its_audience_and_principal(bench: CoreBench) -> None:
    answer = ask(bench)
    assert (answer.status, answer.body["token_type"], answer.body["expires_in"]) == (200, "Bearer", 3599)
    claims = tokens.claims_of(bench.azure, f"Bearer {answer.body['access_token']}")
    assert claims["aud"] == "https://management.azure.com"
    assert claims["oid"] == seed.CLIENTS["owner"].object_id
    assert claims["tid"] == TENANT


def test_the_v1_endpoint_speaks_strings(bench: CoreBench) -> None:
    answer = ask(bench, path="oauth2/token", resource="https://management.azure.com/")
    assert (answer.body["expires_in"], answer.body["resource"]) == ("3599", "https://management.azure.com/")


@pytest.mark.parametrize(
    ("tenant", "changed", "status", "error", "number"),
    [
        (TENANT, {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        (TENANT, {"client_id": "unknown"}, 400, "unauthorized_client", 700016),
        (TENANT, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ("fabrikam.example", {}, 400, "invalid_tenant", 90002),
    ],
)
def test_entra_refuses_in_its_own_envelope(
    bench: CoreBench, tenant: str, changed: dict[str, str], status: int, error: str, number: int
) -> None:
    answer = ask(bench, tenant, **changed)
    assert (answer.status, answer.body["error"], answer.body["error_codes"]) == (status, error, [number])
    assert answer.body["error_description"].startswith(f"AADSTS{number}: ")


def test_an_expired_secret_is_told_apart(bench: CoreBench) -> None:
    expired = seed.CLIENTS["expired"]
    answer = ask(bench, client_id=expired.client_id, client_secret=expired.secret)
    assert (answer.status, answer.body["error_codes"]) == (401, [7000222])


@pytest.mark.parametrize("tenant", [TENANT, "common", "organizations"])
def test_discovery_follows_the_name_the_client_came_by(bench: CoreBench, tenant: str) -> None:
    url = f"/{tenant}/v2.0/.well-known/openid-configuration"
    found = bench.send("GET", url, client=None, host="login.microsoftonline.com").body
    assert found["token_endpoint"] == f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    assert bench.send("GET", "/fabrikam" + url[len(tenant) + 1 :], client=None).status == 400


def test_metadata_is_a_list_then_an_object(bench: CoreBench) -> None:
    (old,) = bench.send("GET", "/metadata/endpoints?api-version=2019-05-01", client=None).body
    new = bench.send("GET", "/metadata/endpoints?api-version=2022-09-01", client=None).body
    assert old == new
    assert new["resourceManager"] == "https://localhost:8443/"
    assert new["suffixes"]["keyVaultDns"] == "vault.localhost:8443"


def test_a_vault_takes_only_vault_tokens(bench: CoreBench) -> None:
    name = "kv-contoso-prod.vault.localhost:8443"
    arm = bench.send("GET", "/certificates?api-version=7.4", host=name)
    own = bench.token(audience="https://vault.localhost:8443")
    vault = bench.send("GET", "/certificates?api-version=7.4", host=name, headers={"authorization": own})
    assert (arm.status, vault.status) == (401, 200)


def test_graph_names_principals(bench: CoreBench) -> None:
    owner = seed.CLIENTS["owner"]
    url = f"/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '{owner.client_id}')"
    (found,) = bench.send("GET", url).body["value"]
    assert (found["id"], found["@odata.type"]) == (owner.object_id, "#microsoft.graph.servicePrincipal")
    body = {"ids": [owner.object_id, bench.azure.guid()], "types": ["servicePrincipal"]}
    (same,) = bench.send("POST", "/v1.0/directoryObjects/getByIds", body).body["value"]
    assert same == found
    assert bench.send("GET", url, client=None).status == 401
