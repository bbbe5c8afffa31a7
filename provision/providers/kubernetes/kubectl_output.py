"""What kubectl prints, read back into the reply that the API server gave it.

Source of the forms: kubectl `pkg/cmd/util/helpers.go` and `pkg/cmd/apply/apply.go`, 1.20 to 1.34.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from provision.providers.kubernetes.calls import NO_SUCH_PATH, REASONS, Json, Reply, failure

_EXIT = re.compile(r"exit (\d+)\s*\Z")
_FROM_SERVER = re.compile(
    r"^Error from server(?: \((?P<reason>\w+)\))?: (?P<message>.*)", re.MULTILINE | re.DOTALL
)
_INVALID = re.compile(
    r'^(?P<subject>The (?:request|\S+ "[^"]*") is invalid)(?:: ?(?P<causes>.*))?', re.MULTILINE | re.DOTALL
)
_NO_KIND = re.compile(r'no matches for kind "[^"]+" in version "[^"]+"|doesn\'t have a resource type')
_APPLY_CONFLICT = re.compile(
    r"Apply failed with \d+ conflicts?: .*?(?=\nPlease review the fields above|\Z)", re.DOTALL
)
_MODIFIED = re.compile(r"Operation cannot be fulfilled on [^\n]+")
_UNAUTHORIZED = re.compile(r"You must be logged in to the server[^\n]*")
_UNREACHABLE = re.compile(
    r"^(?:Unable to connect to the server|The connection to the server)[^\n]*", re.MULTILINE
)
_NOT_VALID = re.compile(r"error validating data: (?:ValidationError\([^)]*\): )?([^;\n]+)")
_ONE = re.compile(r"conflict with (?P<manager>.*?): (?P<field>\S+)$")
_SEVERAL = re.compile(r"conflicts with (?P<manager>.*):$")


class UnreadableOutput(Exception):  # noqa: N818 - not an error of the user's: the caller finds out why
    """The output is none of kubectl's, or not all of it."""


def parse(text: str) -> Reply:
    """The reply behind one command's output, which ends with a line `exit <code>`.

    Warnings may stand before an object, since standard error is in the output too.
    """
    ended = _EXIT.search(text)
    if not ended:
        raise UnreadableOutput(text)
    output = text[: ended.start()].strip()
    if ended[1] == "0":
        return Reply(200, _object(output))
    for read in (_conflict, _refused, _invalid, _other):
        reply = read(output)
        if reply is not None:
            return reply
    return failure(500, output.removeprefix("error: ") or f"kubectl ended with exit code {ended[1]}")


def _object(output: str) -> Json:
    start = 0 if output.startswith("{") else output.find("\n{") + 1
    try:
        found, _ = json.JSONDecoder().raw_decode(output, start)
    except ValueError:
        raise UnreadableOutput(output) from None
    if not isinstance(found, dict):
        raise UnreadableOutput(output)
    return found


def _conflict(output: str) -> Reply | None:
    found = _APPLY_CONFLICT.search(output)
    if found:
        return failure(409, found[0].strip(), "Conflict", conflict_causes(found[0]))
    found = _MODIFIED.search(output)
    return failure(409, found[0], "Conflict") if found else None


def _refused(output: str) -> Reply | None:
    found = _FROM_SERVER.search(output)
    if not found:
        return None
    reason, message = found["reason"] or "", found["message"].strip()
    return failure(REASONS.get(reason, 500), message, reason or "InternalError")


def _invalid(output: str) -> Reply | None:
    found = _INVALID.search(output)
    if not found:
        return None
    listed = (found["causes"] or "").strip()
    lines = [line.removeprefix("* ").strip() for line in listed.split("\n* ")] if listed else []
    causes = [_cause(line) for line in lines if line]
    return failure(422, found[0].strip(), "Invalid", causes)


def _cause(line: str) -> Json:
    """`spec.x: Required value` as the API server's cause."""
    field, colon, message = line.partition(": ")
    return {"field": field, "message": message} if colon else {"message": line}


def _other(output: str) -> Reply | None:
    if _NO_KIND.search(output):
        return failure(404, NO_SUCH_PATH)
    if found := _UNAUTHORIZED.search(output):
        return failure(401, found[0])
    if found := _NOT_VALID.search(output):
        return failure(400, found[1])
    if found := _UNREACHABLE.search(output):
        return failure(503, found[0])
    return None


def conflict_causes(message: str) -> Sequence[Json]:
    """The causes of an apply conflict from its message, which lists several by manager."""
    causes: list[Json] = []
    manager = ""
    for line in message.split(": ", 1)[-1].splitlines():
        several, one = _SEVERAL.search(line), _ONE.search(line)
        if several:
            manager = several["manager"]
        elif one:
            causes.append(_taken(one["manager"], one["field"]))
        elif line.startswith("- "):
            causes.append(_taken(manager, line[2:]))
    return causes


def _taken(manager: str, field: str) -> Json:
    return {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field.strip()}
