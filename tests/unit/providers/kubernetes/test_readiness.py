"""When an object works, by its own status."""

from __future__ import annotations

from typing import Any

import pytest

from provision.providers.kubernetes.readiness import obstacles
from provision.resources.manifest import (
    CERTIFICATE_OPTION,
    CLUSTER_EXTERNAL_DNS,
    CONFIG_MAP,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    NAMESPACE,
    NGINX_INGRESS_CONTROLLER,
    PINNED,
    SERVICE,
    TLS_ROUTE,
    Api,
)


def condition(type_: str, status: str = "True", generation: int | None = 2, **more: str) -> dict[str, Any]:
    told = {} if generation is None else {"observedGeneration": generation}
    return {"type": type_, "status": status, "reason": "Because", **told, **more}


def live(status: dict[str, Any], spec: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": spec or {}, "status": status}


LISTENERS = {"listeners": [{"name": "https", "tls": {"mode": "Terminate"}}, {"name": "http"}]}
RESOLVED = {"listeners": [{"name": "https", "conditions": [condition("ResolvedRefs")]}]}
SYNCED = {"tls": {"options": {CERTIFICATE_OPTION: "https://kv/x"}, "certificateRefs": [{"name": "kv-x"}]}}
UNSYNCED = {"tls": {"options": {CERTIFICATE_OPTION: "https://kv/x"}}}
PARENT = {"parentRefs": [{"name": "prod", "sectionName": "https"}]}


def parents(*conditions: dict[str, Any], section: str = "https") -> dict[str, Any]:
    return {
        "parents": [{"parentRef": {"name": "prod", "sectionName": section}, "conditions": list(conditions)}]
    }


BOTH = (condition("Accepted"), condition("ResolvedRefs"))


@pytest.mark.parametrize(
    ("api", "body"),
    [
        (GATEWAY, live({"conditions": [condition("Programmed")], **RESOLVED}, LISTENERS)),
        (GATEWAY, live({"conditions": [condition("Programmed")]}, {"listeners": [{"name": "http"}]})),
        (
            GATEWAY,
            live(
                {"conditions": [condition("Programmed")], **RESOLVED},
                {"listeners": [{"name": "https", **SYNCED}]},
            ),
        ),
        (
            GATEWAY,
            live(
                {"conditions": [condition("Programmed")]},
                {"listeners": [{"name": "pass", "tls": {"mode": "Passthrough"}}]},
            ),
        ),
        (HTTP_ROUTE, live(parents(*BOTH), PARENT)),
        (TLS_ROUTE, live(parents(*BOTH), PARENT)),
        (INGRESS, live({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}})),
        (NGINX_INGRESS_CONTROLLER, live({"conditions": [condition("Available", generation=None)]})),
        (NAMESPACE, live({"phase": "Active"})),
        (CONFIG_MAP, {"metadata": {}}),
        (CLUSTER_EXTERNAL_DNS, live({})),
    ],
)
def test_what_is_ready(api: Api, body: dict[str, Any]) -> None:
    assert obstacles(api, body) == []


@pytest.mark.parametrize(
    ("api", "body", "told"),
    [
        (GATEWAY, live({}), ["Programmed is not known yet"]),
        (
            GATEWAY,
            live({"conditions": [condition("Programmed", generation=1)]}),
            ["Programmed is not known yet"],
        ),
        (
            GATEWAY,
            live({"conditions": [condition("Programmed", "False", message="no address ")]}),
            ["Programmed is False (Because): no address"],
        ),
        (
            GATEWAY,
            live({"conditions": [condition("Programmed")]}, LISTENERS),
            ["listener https: ResolvedRefs is not known yet"],
        ),
        (  # Istio misses no certificate while none is named
            GATEWAY,
            live(
                {"conditions": [condition("Programmed")], **RESOLVED},
                {"listeners": [{"name": "https", **UNSYNCED}]},
            ),
            ["listener https: app routing has not set its certificateRefs yet"],
        ),
        (HTTP_ROUTE, live({}, PARENT), ["at prod: no controller has taken it up"]),
        (
            HTTP_ROUTE,
            live(parents(*BOTH, section="http"), PARENT),
            ["at prod: no controller has taken it up"],
        ),
        (
            HTTP_ROUTE,
            live(parents(BOTH[0], condition("ResolvedRefs", "False", message="backend")), PARENT),
            ["at prod: ResolvedRefs is False (Because): backend"],
        ),
        (INGRESS, live({"loadBalancer": {}}), ["no address yet"]),
        (NGINX_INGRESS_CONTROLLER, live({}), ["Available is not known yet"]),
        (NAMESPACE, live({"phase": "Terminating"}), ["it is Terminating"]),
    ],
)
def test_what_is_not(api: Api, body: dict[str, Any], told: list[str]) -> None:
    assert obstacles(api, body) == told


def reached(api: Api, address: str) -> dict[str, Any]:
    """An object that works, pinned to 10.0.0.9 and reached at `address`."""
    annotations = {PINNED: "10.0.0.9"}
    if api == GATEWAY:
        status = {"conditions": [condition("Programmed")], "addresses": [{"value": address}]}
        return live(status, {"infrastructure": {"annotations": annotations}})
    body = live({"loadBalancer": {"ingress": [{"ip": address}]}}, {"type": "LoadBalancer"})
    body["metadata"]["annotations"] = annotations
    return body


@pytest.mark.parametrize("api", [GATEWAY, SERVICE])
def test_a_load_balancer_has_the_address_that_it_is_pinned_to(api: Api) -> None:
    assert obstacles(api, reached(api, "10.0.0.9")) == []
    assert obstacles(api, reached(api, "10.0.0.8")) == ["its address is 10.0.0.8, not 10.0.0.9 yet"]


@pytest.mark.parametrize("api", [GATEWAY, SERVICE])
def test_an_address_that_goes_is_waited_out(api: Api) -> None:
    body = reached(api, "10.0.0.9")
    assert obstacles(api, body, "20.0.0.1") == []
    assert obstacles(api, body, "10.0.0.9") == [
        "its address is 10.0.0.9 still, of the load balancer that it leaves"
    ]
