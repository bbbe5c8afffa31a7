"""Failures of the Kubernetes API → our errors, in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence

from provision.errors import (
    AccessDeniedError,
    ConflictError,
    NotFoundError,
    ProvisionError,
    ServiceError,
)
from provision.providers.kubernetes.calls import Reply
from provision.resources.manifest import Api

_DENIED = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_WEBHOOK = re.compile(
    r'admission webhook "(?P<name>[^"]+)" denied the request(?: without explanation|: (?P<why>.*))?',
    re.DOTALL,
)
_POLICY = re.compile(
    r"ValidatingAdmissionPolicy '(?P<name>[^']+)'(?: with binding '[^']*')? denied request: (?P<why>.*)",
    re.DOTALL,
)
"""Source: apiserver, `pkg/admission/plugin/policy/validating/dispatcher.go`, 1.34; its status is 422."""
_CALLING = re.compile(r'failed calling webhook "(?P<name>[^"]+)"')
_NAMESPACE = re.compile(r'^namespaces "(?P<name>[^"]+)" not found')
_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]+)"')

_NOT_ACCEPTED = "The cluster's version of Kubernetes does not accept the object as the profile makes it."

_FAILING = "See that the cluster runs and that nothing is being done to it, then run it again."

# The end of what AKS's webhook says where Azure's roles decide.
_BY_AZURE = "User does not have access to the resource in Azure."
_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_READS = frozenset({"get", "list", "watch"})
_READER = "Azure Kubernetes Service RBAC Reader"
_WRITER = "Azure Kubernetes Service RBAC Writer"
_ADMIN = "Azure Kubernetes Service RBAC Cluster Admin"


def refusal(doing: str, api: Api, reply: Reply) -> ProvisionError:
    """The error for a reply that is one."""
    admission = _admission(doing, reply)
    if admission:
        return admission
    if reply.unknown_fields:
        return ServiceError(doing, reply.message.split("): ", 1)[-1], _NOT_ACCEPTED)
    match reply.status:
        case 401:
            return _unauthenticated(doing, reply)
        case 403:
            return _denied(doing, reply)
        case 404:
            return _missing(doing, api, reply)
        case 409:
            return _conflict(doing, reply)
        case 400 | 422:
            return ServiceError(doing, _wrong(reply), _NOT_ACCEPTED)
        case 429:
            return ServiceError(doing, reply.message, "The API server is busy; try again in a minute.")
        case _:
            return ServiceError(doing, reply.message, _calling(reply) or _FAILING)


def _admission(doing: str, reply: Reply) -> ProvisionError | None:
    """The error for what a webhook or a policy of the cluster refuses, None for other failures."""
    webhook = _WEBHOOK.search(reply.message)
    if webhook:
        return ServiceError(
            doing,
            f"the admission webhook {webhook['name']} refused it: {webhook['why'] or 'no explanation given'}",
            "Bring the profile in line with the policy behind that webhook, or have the policy changed.",
        )
    policy = _POLICY.search(reply.message)
    if policy:
        return ServiceError(
            doing,
            f"the admission policy {policy['name']} refused it: {policy['why'].strip()}",
            "Bring the profile in line with that policy, or have the policy changed.",
        )
    return None


def all_denied(doing: str, denied: Sequence[tuple[Api, Reply]]) -> ProvisionError:
    """The error for the missing rights of several kinds together."""
    errors = [refusal(f"{doing} ({api.plural})", api, reply) for api, reply in denied]
    if len(errors) == 1:
        return errors[0]
    # Each tells its own kind and action; what to do about it is the same but for the least role.
    widest = next((each for each in errors if _ADMIN in each.fix), errors[0])
    return AccessDeniedError(doing, "; ".join(each.why for each in errors), widest.fix)


def lacks_right(reply: Reply) -> bool:
    """Whether the caller has not the Kubernetes right; a webhook's refusal is a 403 too."""
    return reply.status == 403 and bool(_DENIED.search(reply.message))


def can_not_be_tried(reply: Reply) -> bool:
    """Whether a dry run was refused for what it is: by a webhook with side effects, which may well accept the
    real thing. Source: apiserver, `pkg/admission/plugin/webhook/errors`, `NewDryRunUnsupportedErr`."""
    return reply.status == 400 and "does not support dry run" in reply.message


def is_starting(reply: Reply) -> bool:
    """Whether the failure passes once an add-on that was just enabled has started: its kind is not served
    yet, or its webhook does not answer yet."""
    return reply.no_such_kind or (reply.status >= 500 and bool(_CALLING.search(reply.message)))


def not_served(doing: str, api: Api) -> NotFoundError:
    """The error for a kind whose CRD is missing."""
    return NotFoundError(
        doing,
        f"the cluster does not serve {api.kind} ({api.api_version})",
        f"It comes with {api.provided_by}: see that it is enabled and has started."
        if api.provided_by
        else "See which version of Kubernetes the cluster runs: this one is too old or too new.",
    )


def _unauthenticated(doing: str, reply: Reply) -> ProvisionError:
    # Not a CredentialError, which ends the run: Azure itself does take them.
    return AccessDeniedError(
        doing,
        f"the API server does not accept the credentials ({reply.message})",
        "The cluster belongs to the tenant of its Entra settings: set azure.tenant to that, or sign in anew:",
        "az login",
    )


def _denied(doing: str, reply: Reply) -> ProvisionError:
    found = _DENIED.search(reply.message)
    if not found:
        # A quota, a namespace that is being deleted, pod security: refused whoever asks.
        return AccessDeniedError(doing, reply.message, "Put right what it names, then run it again.")
    verb, resource, group = found["verb"], found["resource"], found["group"]
    where = f"in the namespace {found['namespace']}" if found["namespace"] else "in the whole cluster"
    name = f"{resource}.{group}" if group else resource
    action = _action(verb, resource, group) if _BY_AZURE in reply.message else ""
    return AccessDeniedError(
        doing,
        f"the caller may not {verb} {name} {where}" + (f", which is {action} in Azure" if action else ""),
        f"Have the role “{_role(verb, group, bool(found['namespace']))}” at the cluster, or a Kubernetes role"
        " with that right, given to the identity that runs provision.",
        action=action,
        principal=found["user"] if action else "",
    )


def _action(verb: str, resource: str, group: str) -> str:
    """The data action that Azure asked for; all custom resources have one.

    Source: "Use Microsoft Entra ID authorization for the Kubernetes API in AKS", Microsoft Learn, 2026-04.
    """
    right = "read" if verb in _READS else "delete" if verb.startswith("delete") else "write"
    kind = f"{group}/{resource}" if group else resource
    return f"{_CLUSTERS}/{'customresources' if _is_custom(group) else kind}/{right}"


def _is_custom(group: str) -> bool:
    return "." in group and group != "networking.k8s.io"


def _role(verb: str, group: str, namespaced: bool) -> str:
    """The least built-in role that has the right. Reader and Writer know built-in kinds in namespaces only.

    Source: "Azure built-in roles for containers", Microsoft Learn, 2026-05.
    """
    if _is_custom(group):
        return _ADMIN
    if verb in _READS:
        return _READER
    return _WRITER if namespaced else _ADMIN


def _missing(doing: str, api: Api, reply: Reply) -> ProvisionError:
    if reply.no_such_kind:
        return not_served(doing, api)
    namespace = _NAMESPACE.match(reply.message)
    if namespace:
        return NotFoundError(
            doing,
            f"the namespace {namespace['name']} does not exist",
            "Set createNamespace: true on the host, or have it made:",
            f"kubectl create namespace {namespace['name']}",
        )
    return NotFoundError(doing, reply.message, "Something deleted it meanwhile; run plan again.")


def _conflict(doing: str, reply: Reply) -> ProvisionError:
    taken: dict[str, list[str]] = {}
    for cause in reply.causes:
        manager = _MANAGER.search(str(cause.get("message")))
        if manager:
            taken.setdefault(manager["manager"], []).append(str(cause.get("field")).lstrip("."))
    if not taken:
        return ConflictError(
            doing, reply.message, "Something else changed it; run plan again to see what is there now."
        )
    told = "; ".join(f"{manager} manages {', '.join(fields)}" for manager, fields in taken.items())
    return ConflictError(
        doing,
        f"another manager has other values there: {told}",
        "Let that manager give the fields up, or bring the profile in line with them, then run plan again.",
    )


def _wrong(reply: Reply) -> str:
    """Every cause with its field, or the message where there are none."""
    causes = [
        ": ".join(str(cause[name]) for name in ("field", "message") if cause.get(name))
        for cause in reply.causes
    ]
    return "; ".join(dict.fromkeys(causes)) or reply.message


def _calling(reply: Reply) -> str:
    found = _CALLING.search(reply.message)
    return f"The webhook {found['name']} does not answer: see that what serves it runs." if found else ""
