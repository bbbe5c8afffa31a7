"""`provision schema [-o FILE]`: the JSON Schema of profiles."""

from __future__ import annotations

import argparse
import sys

HELP = "print the JSON Schema of profiles, for editors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead")


def run(arguments: argparse.Namespace) -> int:
    import json
    from pathlib import Path

    from provision.errors import UsageError
    from provision.profile.schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"writing {arguments.output}", why, "Give a file that can be written.") from error
    return 0
