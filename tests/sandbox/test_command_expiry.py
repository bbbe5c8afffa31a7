"""What drift tells of certificates beyond their settings: their end, and the cluster's copies of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import CLUSTER, CLUSTER_KIND, PROD, ROOT, VAULT, Applied, CommandLine, Ran

from provision.sandbox import faults
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster

DAY = 86400
SHOP = "certificate/kv-contoso-prod/shop-tls"
SECRET_NAME = "kv-gw-cert-prod-shop-contoso-com"
SECRET = f"secret/shop/{SECRET_NAME}"
ROTATION = "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation"


def ends_in(provision: CommandLine, days: int) -> None:
    """The vault has not renewed the shop's certificate, which ends in so many days."""
    with provision.azure() as azure:
        (version,) = azure.store.list("keyvault.version", f"{VAULT}/certificates/shop-tls/")
        version["exp"] = int(azure.clock.now()) + days * DAY
        azure.store.put("keyvault.version", f"{VAULT}/certificates/shop-tls/{version['version']}", version)


def without_rotation(provision: CommandLine) -> None:
    with provision.azure() as azure:
        cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        cluster["properties"]["addonProfiles"]["azureKeyvaultSecretsProvider"]["config"][
            "enableSecretRotation"
        ] = "false"
        azure.store.put(CLUSTER_KIND, CLUSTER, cluster)


def findings(drift: Ran) -> dict[tuple[str, str | None], tuple[str, str]]:
    """(resource, field) → (kind, severity)."""
    (report,) = drift.json()
    return {
        (each["resource"], each["field"]): (each["kind"], each["severity"]) for each in report["findings"]
    }


def drift(provision: CommandLine, *arguments: str) -> Ran:
    return provision("drift", *(arguments or PROD), "--format", "json")


@pytest.mark.parametrize(
    ("days", "severity", "note"),
    [
        (20, "warning", "20 days left; it should have been renewed 30 days before its end"),
        (6, "error", "6 days left; it should have been renewed 30 days before its end"),
        (-1, "error", "it ended on "),
    ],
)
def test_a_certificate_that_nobody_renewed(
    provision: CommandLine, applied: Applied, days: int, severity: str, note: str
) -> None:
    applied("prod")
    ends_in(provision, days)
    done = drift(provision)
    assert done.code == 2
    assert findings(done) == {(SHOP, "expires"): ("expiring", severity)}
    text = provision("drift", *PROD).out
    assert f"  {severity:7}  {SHOP} expires: {note}" in text


def test_a_certificate_that_is_renewed_in_time_is_no_finding(
    provision: CommandLine, applied: Applied
) -> None:
    applied("prod")
    ends_in(provision, 29)
    assert drift(provision).code == 0


def renewed(provision: CommandLine, tmp_path: Path) -> str:
    """The vault gets a new version of the shop's certificate; the profile that it is of."""
    profile = tmp_path / "renewed.yaml"
    profile.write_text(
        f"extends: {ROOT}/profiles/prod.yaml\nname: prod\ncertificates: {{shop-tls: {{keyType: EC}}}}\n"
    )
    done = provision("apply", str(profile), "--sandbox", "--yes", "--target", SHOP)
    assert done.code == 0, done.out
    return str(profile)


def test_a_renewed_certificate_that_the_cluster_does_not_get(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    applied("prod")
    without_rotation(provision)
    profile = renewed(provision, tmp_path)

    done = drift(provision, profile, "--sandbox")
    assert done.code == 2
    assert findings(done) == {
        ("managed_cluster/aks-prod", ROTATION): ("changed", "error"),
        (SECRET, "tls.crt"): ("outdated", "warning"),
    }
    (report,) = done.json()
    (outdated,) = [each for each in report["findings"] if each["resource"] == SECRET]
    assert len(outdated["desired"]) == len(outdated["observed"]) == 40
    assert outdated["desired"] != outdated["observed"]
    rotation = next(each for each in report["findings"] if each["field"] == ROTATION)
    assert rotation["effect"] == "renewed certificates never reach the cluster"

    assert provision("apply", profile, "--sandbox", "--yes").code == 0
    assert drift(provision, profile, "--sandbox").code == 0


def on_secret(provision: CommandLine, edit: Callable[[Cluster], Any]) -> None:
    with provision.azure() as azure:
        cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        edit(Cluster(azure, cluster["properties"]["resourceUID"]))


def test_a_secret_that_is_gone(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:  # or the add-on would write it again
        for kind, id_ in azure.store.ids(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/"):
            azure.store.delete(kind, id_)
    on_secret(provision, lambda cluster: cluster.delete(kinds.SECRET, SECRET_NAME, "shop"))
    done = drift(provision)
    assert findings(done).get((SECRET, None)) == ("missing", "error")


def refuse_secrets(provision: CommandLine) -> None:
    refused = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}
    with provision.azure() as azure:
        faults.inject(azure, path="/secrets/", status=403, body=refused, count=1000)


def test_secrets_that_may_not_be_read_are_not_checked(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    refuse_secrets(provision)
    done = drift(provision)
    assert done.code == 3
    (report,) = done.json()
    assert report["findings"] == []
    assert not report["inSync"]
    assert {each["resource"] for each in report["unchecked"]} == {
        SECRET,
        "secret/api/kv-gw-cert-prod-api-contoso-com",
    }


def test_whoever_may_not_read_secrets_can_say_so(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    applied("prod")
    refuse_secrets(provision)
    profile = tmp_path / "blind.yaml"
    profile.write_text(
        f"extends: {ROOT}/profiles/prod.yaml\nname: prod\n"
        "drift: {ignore: [{resource: secret/*, field: tls.crt, reason: the check may not read Secrets}]}\n"
    )
    done = drift(provision, str(profile), "--sandbox")
    assert done.code == 0, done.out
    (report,) = done.json()
    assert {each["kind"] for each in report["ignored"]} == {"not checked"}
    assert len(report["ignored"]) == 2


@pytest.mark.parametrize(
    ("days", "level", "code"),
    [(20, "info", 2), (20, "warning", 2), (20, "error", 0), (6, "error", 2)],
)
def test_a_level_below_which_findings_do_not_fail(
    provision: CommandLine, applied: Applied, days: int, level: str, code: int
) -> None:
    applied("prod")
    ends_in(provision, days)
    done = provision("drift", *PROD, "--fail-on", level, "--format", "json")
    assert done.code == code
    assert findings(done)
    (report,) = done.json()
    assert not report["inSync"]


def test_drift_writes_nothing(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    assert drift(provision).writes() == []
