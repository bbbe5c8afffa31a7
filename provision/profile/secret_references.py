"""References to secrets (`env:NAME`, `file:PATH`) → the secrets, at the call that needs them."""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import UsageError


def secret(reference: str, doing: str) -> str:
    """What a reference leads to, without the line break at the end of a file.

    Raises UsageError, which names the reference and never what it leads to. Keep the answer in no object
    that outlives the call.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        found = os.environ.get(name, "")
        if not found:
            raise UsageError(doing, f"the variable {name} is not set", f"Set {name} to the secret.")
        return found
    try:
        found = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(
            doing, f"the file {name} can't be read: {why}", "Put the secret there, readable for provision."
        ) from None
    if not found:
        raise UsageError(doing, f"the file {name} is empty", "Put the secret there.")
    return found
