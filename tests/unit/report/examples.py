"""Plans, outcomes and drift reports to render."""

from __future__ import annotations

from dataclasses import replace

from provision.apply.events import Outcome, Status
from provision.drift.findings import DriftReport, Finding, Kind, Unchecked
from provision.drift.severity import Severity
from provision.errors import AccessDeniedError, NotFoundError, ProvisionError, ServiceError
from provision.plan.change import Action, Change, FieldChange
from provision.plan.plan import Plan
from provision.resources.dns import DnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.managed_cluster import (
    APP_ROUTING,
    NGINX_CONTROLLER,
    SECRET_ROTATION,
    ZONES,
    ManagedCluster,
)
from provision.resources.observed import Absent, Present, Unread
from provision.resources.ref import Ref
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KeyVault

WHERE = "cluster aks in rg, subscription 1111"
ZONE_ID = "/subscriptions/1111/resourceGroups/rg/providers/Microsoft.Network/dnsZones/"
HERE = Present()

ZONE = DnsZone(name="contoso.com", id=CaseInsensitive(ZONE_ID + "contoso.com"))
CLUSTER = ManagedCluster(name="aks", id="/aks")
VAULT = KeyVault(name="kv", id="/kv")
IDENTITY = UserAssignedIdentity(name="id", id="/id", location="westeurope")
LINK = VirtualNetworkLink(name="corp.contoso.com/hub", id="/l", virtual_network="/hub")
CREDENTIAL = FederatedCredential(
    name="id/c", identity_id="/id", credential_name="c", issuer="", subject="system:serviceaccount:web:web"
)
ROLE = RoleAssignment(
    name="kv/reader/id", scope="/kv", role_id="1", role_name="Reader", principal_id="p", managed=False
)


def record(name: str) -> RecordSet:
    return RecordSet(
        name=f"contoso.com/A/{name}",
        zone_id=ZONE.id,
        visibility="public",
        record_type="A",
        record_name=name,
        ttl=300,
        values=frozenset({f"20.1.2.{number}" for number in range(9)}),
    )


CREATED = Change(ZONE, Absent(), Action.CREATE, reason="does not exist")
RECORD_CREATED = Change(
    record("new"),
    Absent(),
    Action.CREATE,
    (
        FieldChange("ttl", None, 300),
        FieldChange("values", None, frozenset({f"20.1.2.{number}" for number in range(9)})),
    ),
    "does not exist",
)
UPDATED = Change(
    CLUSTER,
    HERE,
    Action.UPDATE,
    (
        FieldChange(APP_ROUTING, False, True),
        FieldChange(NGINX_CONTROLLER, None, "None"),
        FieldChange(ZONES, frozenset(), frozenset({CaseInsensitive(ZONE_ID + "contoso.com")})),
    ),
    "differs from the profile",
)
WITH_REF = Change(
    CREDENTIAL,
    Absent(),
    Action.CREATE,
    (
        FieldChange("issuer", None, Ref(CLUSTER.address, "oidcIssuerURL")),
        FieldChange("audiences", None, ("b", "a")),
    ),
    "does not exist",
)
REPLACED = Change(
    LINK,
    HERE,
    Action.REPLACE,
    (FieldChange("virtualNetwork", "/subscriptions/1/x/spoke", "/subscriptions/1/x/hub"),),
    "virtualNetwork can't be changed in place",
)
DELETED = Change(record("old"), HERE, Action.DELETE, reason="ours, and no longer in the profile")
SAME = Change(IDENTITY, HERE, Action.NO_OP)
NO_ACCESS = AccessDeniedError(
    "reading key_vault/kv",
    "the caller may not Microsoft.KeyVault/vaults/read",
    "Have it granted:",
    "az role …",
)
UNREAD = Change(VAULT, Unread(NO_ACCESS), Action.NO_OP, reason="could not be read", blocked=NO_ACCESS)
UNREAD_TOO = replace(UNREAD, resource=ROLE)
MISSING = NotFoundError(
    "planning role_assignment/kv/reader/id",
    "this role assignment does not exist",
    "Have it made:",
    ROLE.remedy(),
)
AWAITED = Change(ROLE, Absent(), Action.NO_OP, reason="does not exist", blocked=MISSING, awaits_others=True)
NO_VAULT = Change(
    VAULT,
    Absent(),
    Action.NO_OP,
    reason="does not exist",
    blocked=NotFoundError("planning key_vault/kv", "this key vault does not exist (/kv)", "Check its name."),
)

PLANS = {
    "changes": Plan(
        "shop",
        (CREATED, RECORD_CREATED, UPDATED, WITH_REF, REPLACED, SAME, DELETED),
        warnings=("shop.yaml:3:1: support ends",),
    ),
    "nothing": Plan("shop", (SAME, replace(SAME, resource=ZONE))),
    "unread": Plan("shop", (CREATED, SAME, UNREAD, UNREAD_TOO)),
    "missing": Plan("shop", (SAME, NO_VAULT)),
    "awaited": Plan("shop", (SAME, AWAITED)),
    "refused": Plan(
        "shop",
        (
            replace(
                UPDATED,
                blocked=ProvisionError("checking cluster aks", "the mesh is on", "Disable it:", "az x"),
            ),
        ),
        refused=(ProvisionError("checking cluster aks", "it is too old", "Upgrade it."),),
    ),
    "destroy": Plan(
        "shop",
        (
            replace(DELETED, resource=ZONE, reason="ours"),
            Change(VAULT, HERE, Action.NO_OP, reason="not ours: kept"),
            Change(LINK, Absent(), Action.NO_OP, reason="does not exist"),
            replace(
                UPDATED,
                fields=(FieldChange(APP_ROUTING, True, False),),
                reason="put back as it was before",
                release=True,
            ),
        ),
        backwards=True,
    ),
    "destroy_nothing": Plan(
        "shop", (Change(VAULT, HERE, Action.NO_OP, reason="not ours: kept"),), backwards=True
    ),
}

FAILURE = ServiceError(
    "creating record_set/contoso.com/A/new",
    "locked by Größe",
    "Unlock it:",
    "az lock delete --name l",
)
OUTCOMES = (
    Outcome(CREATED, Status.CREATED, 1.24),
    Outcome(UPDATED, Status.UPDATED, 131.0),
    Outcome(REPLACED, Status.REPLACED, 0.04),
    Outcome(DELETED, Status.DELETED, 0.5),
    Outcome(SAME, Status.UNCHANGED),
    Outcome(RECORD_CREATED, Status.FAILED, 2.0, error=FAILURE),
    Outcome(WITH_REF, Status.SKIPPED, reason="managed_cluster/aks failed"),
    Outcome(AWAITED, Status.FAILED, error=MISSING),
)

TTL = Finding(
    "record_set/contoso.com/A/x", "ttl", Kind.CHANGED, Severity.WARNING, 300, 60, "ops@x", "2026-07-31"
)
DRIFT = {
    "in_sync": DriftReport("shop", (), (), (), 9),
    "found": DriftReport(
        "shop",
        (
            TTL,
            replace(TTL, kind=Kind.NOT_APPLIED, changed_by="", changed_at=""),
            replace(TTL, note="belongs to profile blog; apply needs --adopt"),
            Finding("managed_cluster/aks", "", Kind.RULED_OUT, Severity.ERROR, note="the mesh is on"),
            Finding("managed_cluster/aks", APP_ROUTING, Kind.CHANGED, Severity.ERROR, True, False),
            Finding("dns_zone/contoso.com", "", Kind.MISSING, Severity.ERROR),
            Finding("record_set/contoso.com/A/old", "", Kind.LEFT_OVER, Severity.WARNING),
        ),
        (replace(TTL, ignored="set by finance"),),
        (),
        8,
    ),
    "one_ignored": DriftReport("shop", (), (replace(TTL, ignored="set by finance"),), (), 9),
    "unchecked": DriftReport(
        "shop",
        (TTL,),
        (),
        (
            Unchecked("key_vault/kv", "no access\n    az role …"),
            Unchecked("certificate/kv/web", "no access\n    az role …"),
        ),
        7,
    ),
    "certificates": DriftReport(
        "shop",
        (
            Finding(
                "managed_cluster/aks",
                SECRET_ROTATION,
                Kind.CHANGED,
                Severity.ERROR,
                "true",
                "false",
                effect="renewed certificates never reach the cluster",
            ),
            Finding(
                "certificate/kv/web",
                "expires",
                Kind.EXPIRING,
                Severity.WARNING,
                observed="2026-08-20",
                note="19 days left; it should have been renewed 30 days before its end",
            ),
            Finding(
                "secret/web/kv-gw-cert-web",
                "tls.crt",
                Kind.OUTDATED,
                Severity.WARNING,
                "AA01",
                "BB02",
                note="certificate/kv/web has another version; this one ends on 2026-08-20",
            ),
            Finding("certificate_contacts/kv", "", Kind.MISSING, Severity.INFO),
        ),
        (
            Finding(
                "secret/api/kv-gw-cert-api",
                "tls.crt",
                Kind.NOT_CHECKED,
                Severity.INFO,
                note="forbidden",
                ignored="the check may not read Secrets",
            ),
        ),
        (
            Unchecked("certificate/kv/api", "reading certificate/kv/api: kept out\n    az …", "kept out"),
            Unchecked("certificate/kv/old", "reading certificate/kv/old: kept out\n    az …", "kept out"),
        ),
        7,
    ),
}
