"""What is said of certificates that were read: those of others must fit, those of ours must be renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from golden import PROFILE

from provision.ingress.certificate_checks import problems, warnings
from provision.plan.plan import Observation
from provision.profile.model import Certificate, CertificateFile, Profile
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import CaseInsensitive

TODAY = date(2026, 11, 24)
THEIRS = Certificate(vault="kv", managed=False)
FINE: Mapping[str, Any] = {"enabled": True, "exportable": True, "contentType": "application/x-pkcs12"}


def profile(declared: Certificate) -> Profile:
    return replace(PROFILE, certificates={"all": declared})


def read(expires: str = "2027-11-24", names: tuple[str, ...] = ("*.a.example",), **more: Any) -> Observation:
    present = Present(properties={**FINE, **more}, outputs={"expires": expires, "names": names})
    return Observation({"certificate/kv/all": present})


@pytest.mark.parametrize(
    ("observation", "why"),
    [
        (read(), []),
        (read(enabled=False), ["it is disabled"]),
        (read(exportable=False), ["its private key can't be read, as an ingress must"]),
        (
            read(contentType="application/x-pem-file"),
            ["its secret is application/x-pem-file, and the ingress options read application/x-pkcs12"],
        ),
        (read(names=("b.example",)), ["it is for b.example, not for www.a.example"]),
        (read(names=()), ["it is for no name, not for www.a.example"]),
        (read("2026-11-23"), ["it expired on 2026-11-23"]),
        (read("2026-11-24"), []),
    ],
)
def test_a_certificate_of_others_must_fit(observation: Observation, why: list[str]) -> None:
    found = problems(profile(THEIRS), observation, TODAY)
    assert [error.why for error in found] == why
    assert {error.command for error in found} <= {"az keyvault certificate show --vault-name kv --name all"}


def test_what_is_ours_is_put_right_by_the_plan() -> None:
    assert problems(PROFILE, read(enabled=False, names=()), TODAY) == []


@pytest.mark.parametrize("observed", [Absent()])
def test_what_is_not_there_is_told_by_the_plan(observed: Observed) -> None:
    assert problems(profile(THEIRS), Observation({"certificate/kv/all": observed}), TODAY) == []


@pytest.mark.parametrize(
    ("declared", "expires", "text"),
    [
        (THEIRS, "2026-12-24", ""),
        (THEIRS, "2026-12-23", "expires in 29 days: Key Vault should have renewed it 30 days before"),
        (Certificate(vault="kv", issuer="Unknown"), "2026-11-30", "provision certificate csr PROFILE all"),
        (Certificate(vault="kv", import_=CertificateFile(file="/shop.pfx")), "2026-11-30", ""),
        (THEIRS, "2026-11-23", ""),
        (
            Certificate(vault="kv"),
            "2026-11-23",
            "certificate all expired on 2026-11-23: Key Vault should have",
        ),
    ],
)
def test_what_should_have_been_renewed_is_warned_of(declared: Certificate, expires: str, text: str) -> None:
    found = warnings(profile(declared), read(expires), TODAY)
    assert text in "".join(found)
    assert bool(found) == bool(text)


@pytest.mark.parametrize(("expires", "due"), [("2026-12-14", False), ("2026-12-13", True)])
def test_a_renewal_by_percentage_of_the_lifetime(expires: str, due: bool) -> None:
    read_ = Present(properties=FINE, outputs={"expires": expires, "names": (), "lifetime": 100})
    declared = Certificate(vault="kv", managed=False, renew_at_percent=80)
    found = warnings(profile(declared), Observation({"certificate/kv/all": read_}), TODAY)
    wanted = (
        "certificate all expires in 19 days: Key Vault should have renewed it at 80 % of its lifetime,"
        " 20 days before its end; see its issuer"
    )
    assert found == ([wanted] if due else [])


OURS = Certificate(vault="kv", issuer="Unknown", dns_names=("*.a.example",))


@pytest.mark.parametrize(
    ("declared", "policy", "names", "text"),
    [
        (OURS, {"*.a.example"}, ("*.a.example",), ""),
        (OURS, {"*.a.example"}, ("b.example",), "is for b.example, not for www.a.example: request a new one"),
        (OURS, {"b.example"}, ("b.example",), ""),  # the plan has it made anew
        (THEIRS, {"*.a.example"}, ("b.example",), ""),  # an error already
    ],
)
def test_what_was_merged_for_other_names_is_warned_of(
    declared: Certificate, policy: set[str], names: tuple[str, ...], text: str
) -> None:
    observation = read(names=names, dnsNames=frozenset(CaseInsensitive(each) for each in policy))
    found = warnings(profile(declared), observation, TODAY)
    assert text in "".join(found)
    assert bool(found) == bool(text)


@pytest.mark.parametrize(
    ("declared", "stage", "self_signed", "warned"),
    [
        (THEIRS, "production", True, True),
        (THEIRS, "development", True, False),
        (THEIRS, "production", False, False),
        (Certificate(vault="kv"), "production", True, False),  # the profile's own rule says so
    ],
)
def test_one_of_others_that_is_self_signed_is_warned_of(
    declared: Certificate, stage: Any, self_signed: bool, warned: bool
) -> None:
    present = Present(properties=FINE, outputs={"names": ("*.a.example",), "selfSigned": self_signed})
    found = warnings(
        replace(profile(declared), stage=stage), Observation({"certificate/kv/all": present}), TODAY
    )
    assert found == (["certificate all is self-signed: browsers refuse it"] if warned else [])
