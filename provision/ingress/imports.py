"""Opens the files of imported certificates while a profile is loaded, so that every fault of theirs is a
problem of the profile, with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from provision.errors import Problem, UsageError
from provision.ingress.certificate_files import Bundle, BundleError, read
from provision.profile.keys import HOST_NAME
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Certificate, CertificateFile
from provision.profile.secret_references import secret
from provision.resources.certificate import RenewalTrigger


def opened(loaded: LoadedProfile) -> tuple[LoadedProfile, list[Problem]]:
    """The profile with each imported certificate's names, thumbprint and whole path, and what is wrong.

    Its notes tell of what is right and deserves a look. A profile that imports nothing comes back as it is,
    and no library for certificates is loaded.
    """
    problems: list[Problem] = []
    notes = list(loaded.notes)
    certificates = dict(loaded.profile.certificates)
    for name, certificate in certificates.items():
        if certificate.import_ is None:
            continue
        found = _opened(loaded, name, certificate, certificate.import_)
        if isinstance(found, Problem):
            problems.append(found)
            # What it is for is not known then, and no rule may go by what the profile says of it.
            unknown = replace(certificate.import_, thumbprint=None)
            certificates[name] = replace(certificate, import_=unknown)
        else:
            certificates[name], bundle = found
            notes += _notes(loaded, name, certificate, bundle)
    profile = replace(loaded.profile, certificates=certificates)
    return replace(loaded, profile=profile, notes=tuple(notes)), problems


def _opened(
    loaded: LoadedProfile, name: str, certificate: Certificate, held: CertificateFile
) -> tuple[Certificate, Bundle] | Problem:
    path = ("certificates", name, "import")
    written = loaded.place((*path, "file"))
    file = str((Path(written.file).parent / held.file).resolve())
    doing = f"certificate {name} can't be imported"
    try:
        password = secret(held.password, f"opening {held.file}") if held.password else ""
    except UsageError as error:
        return loaded.problem((*path, "password"), f"{doing}: {error.why}", error.fix)
    try:
        bundle = read(file, password)
    except BundleError as error:
        return loaded.problem((*path, "file"), f"{doing}: {error.why}", error.fix)
    return _fitting(loaded, name, certificate, replace(held, file=file), bundle)


def _fitting(
    loaded: LoadedProfile, name: str, certificate: Certificate, held: CertificateFile, bundle: Bundle
) -> tuple[Certificate, Bundle] | Problem:
    path = ("certificates", name, "import")
    if held.thumbprint and held.thumbprint.upper() != bundle.thumbprint:
        message = f"the file of certificate {name} holds {bundle.thumbprint}, not {held.thumbprint}"
        return loaded.problem((*path, "thumbprint"), message, "Put the right file there, or mend thumbprint.")
    if bundle.not_after <= datetime.now(UTC):
        message = f"certificate {name} can't be imported: it expired on {bundle.not_after.date()}"
        return loaded.problem((*path, "file"), message, "Put a current one there.")
    # A certificate may be for names that no profile could write, such as localhost.
    names = tuple(each.lower() for each in bundle.names if re.fullmatch(HOST_NAME.regex, each.lower()))
    held = replace(held, thumbprint=bundle.thumbprint)
    return replace(certificate, import_=held, dns_names=names), bundle


def _notes(loaded: LoadedProfile, name: str, certificate: Certificate, bundle: Bundle) -> Iterator[Problem]:
    path = ("certificates", name, "import", "file")
    left = (bundle.not_after - datetime.now(UTC)).days
    trigger = RenewalTrigger(certificate.renew_before_days, certificate.renew_at_percent)
    if left < trigger.days(bundle.lifetime):
        due = trigger.words(bundle.lifetime)
        message = f"certificate {name} expires in {left} days; a new one is due {due}"
        yield loaded.problem(path, message, "Put a new one there.")
    used = any(host.certificate == name for host in loaded.profile.hosts.values())
    if bundle.self_signed and used and loaded.profile.stage == "production":
        message = f"certificate {name} is self-signed: browsers refuse it"
        yield loaded.problem(path, message, "Put one of an authority there, or write stage: development.")
