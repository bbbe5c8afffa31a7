"""Writing resources of Microsoft.ServiceNetworking."""

from __future__ import annotations

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.gateway import body_of
from provision.sandbox.service_networking_kinds import (
    ASSOCIATION,
    CONTROLLER,
    FRONTEND,
    POLICY,
    PRIVATE_SINCE,
    RESTART,
    TYPES,
    shown,
)
from provision.sandbox.service_networking_paths import (
    controller_id,
    existing,
    location_of,
    poll_headers,
    properties_of,
    version_of,
)
from provision.sandbox.service_networking_rules import (
    check_association,
    check_configurations,
    check_frontend,
    check_location,
    check_policy,
)

PUT = "service_networking.put"
WRITE_SECONDS = {CONTROLLER: 72.0, FRONTEND: 71.0, ASSOCIATION: 193.0, POLICY: 30.0}
"""As seen, but for security policies."""


def put_controller(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update."""
    identifier = controller_id(request)
    wanted = {"securityPolicyConfigurations": properties_of(request).get("securityPolicyConfigurations")}
    check_configurations(azure, identifier, wanted)
    return _write(
        request, azure, CONTROLLER, identifier, {key: value for key, value in wanted.items() if value}
    )


def put_child(kind: str, request: Request, azure: Azure) -> Answer:
    """201 new, 200 update; the body needs a location too, the controller's."""
    controller = azure.store.get(CONTROLLER, controller_id(request))
    if controller is None:
        raise Refusal(
            404,
            "ParentResourceNotFound",
            f"Failed to perform 'write' on resource(s) of type '{kind.partition('/')[2]}', because the parent"
            f" resource '{controller_id(request)}' could not be found.",
            headers={"x-ms-failure-cause": "gateway"},
        )
    identifier = f"{controller['id']}/{kind.rpartition('/')[2]}/{request.params['name']}"
    others = [
        each
        for each in azure.store.list(kind, f"{controller['id']}/")
        if each["id"].lower() != identifier.lower()
    ]
    wanted = _known(kind, properties_of(request), version_of(request))
    location_of(request)
    if kind == ASSOCIATION:
        check_association(azure, controller, identifier, wanted, others)
        wanted = {"associationType": "subnets", **wanted}
    elif kind == FRONTEND:
        check_frontend(azure, controller, wanted, others)
        wanted = {"publicNetworkAccess": "Enabled", **wanted}
    else:
        check_policy(azure, controller, wanted)
        name = "waf" if "wafPolicy" in wanted else "ipAccessRules"
        wanted = {"policyType": name, **wanted}
    wanted.pop("fqdn", None)
    check_location(controller, location_of(request))
    return _write(request, azure, kind, identifier, wanted)


def _known(kind: str, wanted: Json, version: str) -> Json:
    """The properties that an api-version knows; it does not read the others."""
    later = {FRONTEND: ("publicNetworkAccess", "association"), POLICY: ("ipAccessRulesPolicy",)}
    hidden = later.get(kind, ()) if version < PRIVATE_SINCE else ()
    return {key: value for key, value in wanted.items() if key not in hidden}


def _write(request: Request, azure: Azure, kind: str, identifier: str, wanted: Json) -> Answer:
    body = body_of(request)
    before = azure.store.get(kind, identifier)
    location = location_of(request)
    document: Json = {
        "properties": {
            **_kept(before),
            **{key: value for key, value in wanted.items() if key != "provisioningState"},
            "provisioningState": "Updating",
        },
        "id": before["id"] if before else identifier,
        "name": identifier.rsplit("/", 1)[1],
        "type": TYPES[kind],
        "etag": before["etag"] if before else azure.guid(),
        "location": location,
        **({"tags": body["tags"]} if body.get("tags") else {}),
    }
    azure.store.put(kind, identifier, document)
    if before and kind == ASSOCIATION:
        _restart(azure, document)
    operation = azure.start_operation(PUT, WRITE_SECONDS[kind], kind=kind, resource=identifier)
    headers = poll_headers(request, azure, operation["name"], document["location"])
    return Answer(200 if before else 201, shown(azure, kind, document, version_of(request)), headers)


def _restart(azure: Azure, association: Json) -> None:
    """Writing an association that is there restarts the data plane: its frontends answer nothing until the
    write has succeeded (Azure/AKS#5709, 2026; how long is a guess)."""
    moment = azure.clock.stamp()
    restart = {"association": association["id"], "at": moment}
    azure.store.put(RESTART, f"{association['id'].rsplit('/', 2)[0]}/{moment}", restart)


def _kept(before: Json | None) -> Json:
    """What the service made and a write does not touch."""
    made = ("configurationEndpoints", "fqdn")
    return {key: before["properties"][key] for key in made if key in before["properties"]} if before else {}


def patch(kind: str, request: Request, azure: Azure) -> Answer:
    """Tags, and properties that are named. Synchronous, by the SDK."""
    document = existing(kind, request, azure)
    body = body_of(request)
    wanted = {**document["properties"], **_known(kind, body.get("properties") or {}, version_of(request))}
    controller = azure.store.get(CONTROLLER, controller_id(request)) or document
    if kind == POLICY:
        check_policy(azure, controller, {key: wanted[key] for key in wanted if key.endswith("Policy")})
    elif kind == FRONTEND:
        check_frontend(azure, controller, wanted, ())
    elif kind == CONTROLLER:
        check_configurations(azure, document["id"], wanted)
    else:
        check_association(azure, controller, document["id"], wanted, ())
    document["properties"] = wanted
    if "tags" in body:
        document["tags"] = body["tags"]
    azure.store.put(kind, document["id"], document)
    return Answer(200, shown(azure, kind, document, version_of(request)))
