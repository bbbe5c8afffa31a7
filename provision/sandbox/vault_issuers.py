"""Certificate issuers (integrated certification authorities) and contacts of a vault.

Source: recordings of the JavaScript SDK's certificate tests (2020-2021). Passwords of issuer accounts are
neither kept nor answered.
"""

from __future__ import annotations

from provision.sandbox.azure import Answer, Json, Refusal
from provision.sandbox.certificate_lists import page
from provision.sandbox.certificate_policy import bad_parameter
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Permission, guarded

ISSUER = "keyvault.issuer"
CONTACTS = "keyvault.contacts"


def find(call: Call, name: str) -> Json:
    """The issuer's document `{name, provider, credentials, org_details, attributes}`; 404 without one."""
    found = call.azure.store.get(ISSUER, call.id("issuers", name))
    if found is None:
        raise Refusal(404, "CertificateIssuerNotFound", "Issuer not found")
    return found


def _save(call: Call, issuer: Json) -> Answer:
    call.azure.store.put(ISSUER, call.id("issuers", issuer["name"]), issuer)
    return _answer(call, issuer)


def _answer(call: Call, issuer: Json) -> Answer:
    shown = {key: value for key, value in issuer.items() if key != "name"}
    return Answer(200, {"id": f"{call.base}/certificates/issuers/{issuer['name']}", **shown})


def get_issuer(call: Call) -> Answer:
    return _answer(call, find(call, _issuer_name(call)))


def _issuer_name(call: Call) -> str:
    return call.request.params["issuer"]


def set_issuer(call: Call) -> Answer:
    if not call.body.get("provider"):
        raise bad_parameter("Property provider has invalid value\r\n")
    known = call.azure.store.get(ISSUER, call.id("issuers", _issuer_name(call)))
    created = known["attributes"]["created"] if known else call.now
    issuer: Json = {"name": _issuer_name(call), "provider": call.body["provider"]}
    _apply(issuer, call.body)
    enabled = (call.body.get("attributes") or {}).get("enabled") is not False
    issuer["attributes"] = {"enabled": enabled, "created": created, "updated": call.now}
    return _save(call, issuer)


def update_issuer(call: Call) -> Answer:
    issuer = find(call, _issuer_name(call))
    issuer["provider"] = call.body.get("provider") or issuer["provider"]
    _apply(issuer, call.body)
    enabled = (call.body.get("attributes") or {}).get("enabled")
    issuer["attributes"] |= {"updated": call.now} | ({} if enabled is None else {"enabled": enabled})
    return _save(call, issuer)


def _apply(issuer: Json, sent: Json) -> None:
    account = (sent.get("credentials") or {}).get("account_id")
    if account:
        issuer["credentials"] = {"account_id": account}
    details = sent.get("org_details")
    if details:
        # seen: the service adds a zip code of 0
        issuer["org_details"] = {
            "zip": 0,
            **{key: value for key, value in details.items() if value is not None},
        }


def delete_issuer(call: Call) -> Answer:
    issuer = find(call, _issuer_name(call))
    call.azure.store.delete(ISSUER, call.id("issuers", issuer["name"]))
    return _answer(call, issuer)


def list_issuers(call: Call) -> Answer:
    issuers = call.azure.store.list(ISSUER, call.id("issuers", ""))
    base = f"{call.base}/certificates/issuers"
    return page(call, [{"id": f"{base}/{each['name']}", "provider": each["provider"]} for each in issuers])


def _contacts(call: Call) -> Json:
    found = call.azure.store.get(CONTACTS, call.id("contacts"))
    if found is None:
        raise Refusal(404, "ContactsNotFound", "Contacts not found")
    return {"id": f"{call.base}/certificates/contacts", **found}


def get_contacts(call: Call) -> Answer:
    return Answer(200, _contacts(call))


def set_contacts(call: Call) -> Answer:
    contacts = call.body.get("contacts") or []
    if not all(contact.get("email") for contact in contacts):
        raise bad_parameter("Property contacts has invalid value\r\n")
    call.azure.store.put(CONTACTS, call.id("contacts"), {"contacts": contacts})
    return Answer(200, _contacts(call))


def delete_contacts(call: Call) -> Answer:
    contacts = _contacts(call)
    call.azure.store.delete(CONTACTS, call.id("contacts"))
    return Answer(200, contacts)


_READ = Permission("certificatecas/read", "certificates", "getissuers")
_LIST = Permission("certificatecas/read", "certificates", "listissuers")
_SET = Permission("certificatecas/write", "certificates", "setissuers")
_DELETE = Permission("certificatecas/delete", "certificates", "deleteissuers")
_MANAGE = Permission("certificatecontacts/write", "certificates", "managecontacts")
_ISSUER = "/certificates/issuers/{issuer}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/certificates/issuers", guarded(_LIST, list_issuers), host="vault"),
    Route("GET", _ISSUER, guarded(_READ, get_issuer), host="vault"),
    Route("PUT", _ISSUER, guarded(_SET, set_issuer), host="vault"),
    Route("PATCH", _ISSUER, guarded(_SET, update_issuer), host="vault"),
    Route("DELETE", _ISSUER, guarded(_DELETE, delete_issuer), host="vault"),
    Route("GET", "/certificates/contacts", guarded(_MANAGE, get_contacts), host="vault"),
    Route("PUT", "/certificates/contacts", guarded(_MANAGE, set_contacts), host="vault"),
    Route("DELETE", "/certificates/contacts", guarded(_MANAGE, delete_contacts), host="vault"),
)
