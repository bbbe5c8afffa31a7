"""`provision zone export PROFILE ZONE` and `provision zone import FILE --zone ZONE`: BIND zone files."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from provision.cli import EXIT_CODES
from provision.cli.arguments import debug_argument, profile_argument, sandbox_argument
from provision.errors import UsageError

if TYPE_CHECKING:
    from provision.profile.model import Profile

HELP = "zone files: write one of a zone in Azure, or turn one into records of a profile"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, help_: str) -> argparse.ArgumentParser:
        added = actions.add_parser(
            name,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        debug_argument(added)
        return added

    export = action("export", "write the records that a zone in Azure has as a BIND zone file")
    profile_argument(export)
    export.add_argument("zone", metavar="ZONE", help="a zone of the profile, such as contoso.com")
    export.add_argument("-o", "--output", metavar="FILE", help="write to FILE instead of the standard output")
    sandbox_argument(export)
    import_ = action("import", "write the records of a BIND zone file as `dns.records` of a profile")
    import_.add_argument("file", metavar="FILE", help="zone file")
    import_.add_argument("--zone", required=True, metavar="ZONE", help="the zone's name, such as contoso.com")
    import_.add_argument(
        "-o", "--output", metavar="FILE", help="write to FILE instead of the standard output"
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "import":
        return _import(arguments)
    import asyncio

    return asyncio.run(_export(arguments))


def _import(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.ingress.zone_import import imported
    from provision.report.zones import records_yaml

    records, notes = imported(arguments.file, arguments.zone.rstrip(".").lower())
    _write(arguments.output, records_yaml(records))
    for note in notes:
        planning.tell(f"Note: {note}")
    return 0


async def _export(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.ingress.zones import zone_id
    from provision.providers.azure.zone_contents import contents
    from provision.report.zones import zone_text

    asked = planning.request(arguments.profile, arguments.sandbox)
    name = _named(asked.profile, arguments.profile, arguments.zone)
    zone = asked.profile.dns.zones[name]
    async with connected(asked.profile, arguments.sandbox) as clients:
        with clients.telling(planning.tell):
            found = await contents(clients, zone_id(asked.profile, name, zone), zone.visibility)
    text, notes = zone_text(name, found)
    _write(arguments.output, text)
    for note in notes:
        planning.tell(f"Note: {note}")
    return 0


def _named(profile: Profile, file: str, name: str) -> str:
    wanted = name.rstrip(".").lower()
    if wanted not in profile.dns.zones:
        zones = profile.dns.zones
        has = f"It has: {', '.join(zones)}." if zones else "It has none."
        raise UsageError(f"exporting zone {name}", f"there is none of that name in {file}", has)
    return wanted


def _write(output: str | None, text: str) -> None:
    from provision.cli import planning

    if output:
        planning.write_text(output, text)
    else:
        sys.stdout.write(text)
