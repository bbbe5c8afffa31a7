"""`provision certificate csr|merge|renew|cancel|purge PROFILE NAME`: what certificates need by hand."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from provision.cli import EXIT_CODES
from provision.cli.arguments import debug_argument, profile_argument, sandbox_argument
from provision.errors import UsageError

if TYPE_CHECKING:
    from provision.profile.model import Profile
    from provision.resources.certificate import Certificate

HELP = "requests to certification authorities that Key Vault can't ask, and other work by hand"

_ACTIONS = {
    "csr": "print the signing request of a certificate with issuer Unknown, made anew if none is under way",
    "merge": "complete the request with the certificate that the authority made of it",
    "renew": "have a new version made now, by the profile's policy",
    "cancel": "give up the request that is under way, or forget the one that ended",
    "purge": "remove a deleted certificate of ours for ever, so that its name is free",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, help_ in _ACTIONS.items():
        action = actions.add_parser(
            name,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        profile_argument(action)
        action.add_argument("certificate", metavar="NAME", help="name of the certificate in the profile")
        if name == "csr":
            action.add_argument("-o", "--output", metavar="FILE", help="write the request to a file")
        if name == "merge":
            action.add_argument("file", metavar="FILE", help="certificate and its chain, PEM or DER")
        if name == "purge":
            action.add_argument("--yes", "-y", action="store_true", help="go on without asking")
        sandbox_argument(action)
        debug_argument(action)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.apply.handler import Mark
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.cli.executing import may_go_on
    from provision.plan.change import digest
    from provision.providers.azure import certificate_work as work

    asked = planning.request(arguments.profile, arguments.sandbox)
    resource = _named(asked.profile, arguments.profile, arguments.certificate)
    mark = Mark(asked.profile.name, digest(resource))
    async with connected(asked.profile, arguments.sandbox) as clients:
        match arguments.action:
            case "csr":
                text = await work.signing_request(clients, resource, mark)
                if arguments.output:
                    planning.write_text(arguments.output, text)
                else:
                    sys.stdout.write(text)
            case "merge":
                chain = _content(arguments.file)
                made = await work.merge(clients, resource, chain, arguments.file, mark)
                sys.stdout.write(f"merged {resource.address}: {made}\n")
            case "renew":
                made = await work.renew(clients, resource, mark, planning.tell)
                sys.stdout.write(f"renewed {resource.address}: {made}\n")
            case "cancel":
                sys.stdout.write(f"{resource.address}: {await work.cancel(clients, resource)}\n")
            case "purge":
                question = f"Remove the deleted {resource.address} for ever?"
                may_go_on(question, yes=arguments.yes, must_ask=True, json=False)
                await work.purge(clients, resource, asked.profile.name)
                sys.stdout.write(f"purged {resource.address}\n")
    return 0


def _named(profile: Profile, file: str, name: str) -> Certificate:
    from provision.ingress.certificates import certificates

    found = {each.certificate_name: each for each in certificates(profile)}
    if name not in found:
        has = f"It has: {', '.join(found)}." if found else "It has none."
        raise UsageError(f"looking for certificate {name}", f"there is none of that name in {file}", has)
    return found[name]


def _content(file: str) -> bytes:
    from pathlib import Path

    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"reading {file}", error.strerror or str(error)) from error
