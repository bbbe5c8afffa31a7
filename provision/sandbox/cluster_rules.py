"""What AKS refuses before it accepts a PUT.

AKS writes its errors bare, `{code, details, message, subcode}`, without ARM's `error`.
Source: error bodies quoted in Azure/terraform-azurerm-aks#604 (2024) and apecloud/kubeblocks#10136 (2026).
Codes and texts come from such reports where a rule says so; otherwise the rule is documented by Microsoft
Learn (2026), and the generic code `BadRequest` with the text is ours.
"""

from __future__ import annotations

import re

from provision.sandbox import cluster_versions, registrations
from provision.sandbox.azure import Azure, Json, Refusal

MAX_NGINX_ZONES = 5
_CONTROLLER_TYPES = ("AnnotationControlled", "External", "Internal", "None")
_ZONE = re.compile(
    r"(?P<group>/subscriptions/[^/]+/resourceGroups/[^/]+)/providers/Microsoft\.Network/"
    r"(?P<kind>dnsZones|privateDnsZones)/[^/]+",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-zA-Z0-9]$|[a-zA-Z0-9][-_a-zA-Z0-9]{0,61}[a-zA-Z0-9]")
_NAMESPACE = "Microsoft.ContainerService"
_BALANCER_FEATURES = ("ManagedGatewayAPIPreview", "ApplicationLoadBalancerPreview")
_FIXED_NETWORK = ("serviceCidr", "dnsServiceIP", "loadBalancerSku")


def refusal(status: int, code: str, message: str, target: str | None = None) -> Refusal:
    """An error as the AKS service writes it."""
    extra: Json = {"details": None, "subcode": ""}
    if target:
        extra["target"] = target
    return Refusal(status, code, message, envelope="bare", extra=extra)


def check_body(name: str, body: Json) -> None:
    """Refuse what can't be read as a cluster, before anything is compared."""
    if not _NAME.fullmatch(name):
        raise refusal(
            400,
            "InvalidParameter",
            "The value of parameter resourceName is invalid. Error details: must be 1 to 63 letters, digits,"
            " underscores or hyphens, beginning and ending with a letter or digit.",
            "resourceName",
        )
    for addon in ((body.get("properties") or {}).get("addonProfiles") or {}).values():
        for value in (addon.get("config") or {}).values():
            if not isinstance(value, str):
                kind = {bool: "bool", int: "number", float: "number"}.get(type(value), "object")
                raise refusal(
                    400,
                    "UnmarshalError",
                    f"UnmarshalEntity encountered error: json: cannot unmarshal {kind} into Go struct field"
                    " AddonProfile.properties.addonProfiles.config of type string.",
                )


def check_unknown(version: str, body: Json) -> None:
    """Refuse the field that only later previews know. Versions before 2024-01-01 do not read it instead.

    Sources: Azure/AKS#4060 (2024) for the rule, terraform-azurerm-avm-res-containerservice-managedcluster#152
    (2026) for the text.
    """
    ingress = (body.get("properties") or {}).get("ingressProfile") or {}
    if "applicationLoadBalancer" in ingress and version >= "2024-01-01":
        raise refusal(
            400,
            "UnmarshalError",
            'UnmarshalEntity encountered error: json: unknown field "applicationLoadBalancer" Check that the'
            " field is in the right location, is spelled correctly, and is supported in the API version."
            " Visit aka.ms/aks/apiversions for more API version information..",
        )


def check_features(azure: Azure, subscription: str, body: Json) -> None:
    """Refuse the Application Gateway for Containers add-on without its preview features.

    Text: Azure/azure-cli#19385 (2021), of another feature.
    """
    ingress = (body.get("properties") or {}).get("ingressProfile") or {}
    if not (ingress.get("applicationLoadBalancer") or {}).get("enabled"):
        return
    for feature in registrations.missing(azure, subscription, _NAMESPACE, _BALANCER_FEATURES):
        raise refusal(
            400,
            "BadRequest",
            f"Feature {_NAMESPACE}/{feature} is not enabled. Please see https://aka.ms/aks/previews for how"
            " to enable features.",
        )


def check(new: Json, old: Json | None, body: Json) -> None:
    """Refuse the cluster that a PUT would make. `old` is None when it is being created."""
    properties = new["properties"]
    sent = body.get("properties") or {}
    if old is None:
        if not sent.get("agentPoolProfiles"):
            raise refusal(
                400,
                "InvalidParameter",
                "Required parameter agentPoolProfiles is missing (null).",
                "agentPoolProfiles",
            )
    else:
        _check_fixed(properties, old["properties"])
    _check_version(new, old)
    _check_identity(properties, sent, old)
    _check_ingress(properties)


def _check_fixed(new: Json, old: Json) -> None:
    """Source: Azure/AKS#2781 (2022), `PropertyChangeNotAllowed` with a target."""
    pairs = [(key, new.get(key), old.get(key)) for key in ("dnsPrefix", "nodeResourceGroup")]
    pairs += [
        (f"networkProfile.{key}", new["networkProfile"].get(key), old["networkProfile"].get(key))
        for key in _FIXED_NETWORK
    ]
    for target, after, before in pairs:
        if str(after).lower() != str(before).lower():
            raise refusal(
                400, "PropertyChangeNotAllowed", f"Changing property '{target}' is not allowed.", target
            )


def _check_version(new: Json, old: Json | None) -> None:
    asked = new["properties"]["kubernetesVersion"]
    before = old["properties"]["kubernetesVersion"] if old else None
    hint = (
        "Please use [az aks get-versions] command to get the supported version list in this region."
        " For more information, please check https://aka.ms/supported-version-list"
    )
    if asked == before:
        return
    if not cluster_versions.offered(asked):
        raise refusal(
            400,
            "K8sVersionNotSupported",
            f"Managed cluster {new['name']} has invalid version {asked}. {hint}",
        )
    long_term = new["properties"]["supportPlan"] == "AKSLongTermSupport"
    if cluster_versions.minor(asked) in cluster_versions.LONG_TERM_ONLY and not long_term:
        raise refusal(
            400,
            "K8sVersionNotSupported",
            f"Managed cluster {new['name']} is on version {asked}, which is only available for Long-Term"
            " Support (LTS). If you intend to onboard to LTS, please ensure the cluster is in Premium tier"
            " and LTS support plan (see https://aka.ms/aks/enable-lts). Otherwise, use"
            f" {hint.removeprefix('Please use ')}",
        )
    if old and not _upgradable(old["properties"]["currentKubernetesVersion"], asked):
        current = old["properties"]["currentKubernetesVersion"]
        raise refusal(
            400, "OperationNotAllowed", f"Upgrading Kubernetes version {current} to {asked} is not allowed."
        )


def _upgradable(current: str, asked: str) -> bool:
    """One minor at a time and never back."""
    before = cluster_versions.ordered(current)
    after = cluster_versions.ordered(cluster_versions.patch_of(asked))
    return after >= before and after[1] - before[1] <= 1


def _check_identity(new: Json, sent: Json, old: Json | None) -> None:
    """Source: error bodies of 2024 to 2026 quoted by users of Terraform's azurerm and of azapi."""
    issuer = sent.get("oidcIssuerProfile") or {}
    was_on = old is not None and old["properties"]["oidcIssuerProfile"]["enabled"]
    if was_on and issuer.get("enabled") is False:
        raise refusal(400, "OIDCIssuerFeatureCannotBeDisabled", "OIDC issuer feature cannot be disabled.")
    workload = (new["securityProfile"] or {}).get("workloadIdentity") or {}
    if workload.get("enabled") and not new["oidcIssuerProfile"]["enabled"]:
        raise refusal(
            400,
            "BadRequest",
            "Azure AD Workload Identity requires OIDC issuer. Please see https://aka.ms/aks/wi for details.",
            "securityProfile.workloadIdentity",
        )


def _check_ingress(new: Json) -> None:
    ingress = new.get("ingressProfile") or {}
    routing = ingress.get("webAppRouting") or {}
    installation = (ingress.get("gatewayAPI") or {}).get("installation", "Disabled")
    if installation not in ("Standard", "Disabled"):
        raise _invalid(installation, "ingressProfile.gatewayAPI.installation", ("Standard", "Disabled"))
    if installation == "Standard" and cluster_versions.ordered(new["currentKubernetesVersion"]) < (1, 26):
        raise refusal(
            400,
            "BadRequest",
            "Managed Gateway API requires Kubernetes version 1.26 or later.",
            "ingressProfile.gatewayAPI.installation",
        )
    controller = (routing.get("nginx") or {}).get("defaultIngressControllerType", "AnnotationControlled")
    if controller not in _CONTROLLER_TYPES:
        raise _invalid(
            controller,
            "ingressProfile.webAppRouting.nginx.defaultIngressControllerType",
            _CONTROLLER_TYPES,
        )
    _check_zones(routing.get("dnsZoneResourceIds") or [])
    if (ingress.get("applicationLoadBalancer") or {}).get("enabled"):
        _check_load_balancer(new, installation)


def _invalid(value: str, target: str, allowed: tuple[str, ...]) -> Refusal:
    return refusal(
        400,
        "InvalidParameter",
        f"The value of parameter {target} is invalid. Error details: '{value}' is not one of"
        f" {', '.join(allowed)}.",
        target,
    )


def _check_zones(zones: list[str]) -> None:
    """At most five zones, public ones in one resource group, private ones in one (Microsoft Learn, 2026)."""
    target = "ingressProfile.webAppRouting.dnsZoneResourceIds"
    if len(zones) > MAX_NGINX_ZONES:
        raise refusal(400, "BadRequest", f"At most {MAX_NGINX_ZONES} DNS zones can be attached.", target)
    groups: dict[str, str] = {}
    for zone in zones:
        match = _ZONE.fullmatch(zone)
        if not match:
            raise refusal(
                400,
                "InvalidParameter",
                f"The DNS zone resource ID '{zone}' is not a valid DNS zone ID.",
                target,
            )
        kind, group = match["kind"].lower(), match["group"].lower()
        if groups.setdefault(kind, group) != group:
            raise refusal(
                400, "BadRequest", f"All {kind} must be in the same subscription and resource group.", target
            )


def _check_load_balancer(new: Json, installation: str) -> None:
    """Prerequisites of the Application Gateway for Containers add-on (Microsoft Learn, 2026)."""
    workload = (new["securityProfile"] or {}).get("workloadIdentity") or {}
    missing = [
        what
        for what, present in (
            ("the managed Gateway API", installation == "Standard"),
            ("workload identity", bool(workload.get("enabled"))),
            ("Azure CNI", new["networkProfile"]["networkPlugin"] == "azure"),
        )
        if not present
    ]
    if missing:
        raise refusal(
            400,
            "BadRequest",
            f"The Application Gateway for Containers add-on requires {', '.join(missing)}.",
            "ingressProfile.applicationLoadBalancer",
        )
