"""The error tree.

    ProvisionError            what we were doing, why it failed, what to do now
    ├── UsageError            the command line
    ├── ProfileError          every problem of one profile at once, each with file:line:column
    ├── CredentialError       no credentials, or refused by Entra
    ├── AccessDeniedError     the service refused; names the missing action and scope where it says so
    ├── UnreachableError      a firewall keeps this machine out: nothing can be said about what is behind it
    ├── NotFoundError         something the profile names is not there
    ├── ConflictError         the object changed or is busy (409, 412)
    ├── ServiceError          any other refusal of a service, or no answer
    ├── ForeignError          exists and is not ours: adopt it or leave it
    ├── UnsafePlanError       refused after showing: object, count, limit, way out
    └── StalePlanError        the world is no longer as the reviewed plan saw it

Every error that reaches a user is one of these; the CLI prints it without a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ProvisionError(Exception):
    """Base of all errors that a user sees.

    `doing` says what we were doing and to what ("reading cluster aks-prod"), `why` why it failed,
    `fix` what to do now, and `command` a command line that does it, printed on a line of its own.
    None of the four may hold a secret.
    """

    def __init__(self, doing: str, why: str, fix: str = "", command: str = "") -> None:
        super().__init__(doing, why, fix, command)
        self.doing = doing
        self.why = why
        self.fix = fix
        self.command = command

    def __str__(self) -> str:
        lines = [f"{self.doing}: {self.why}" if self.doing else self.why]
        if self.fix:
            lines.append(self.fix)
        if self.command:
            lines.append(f"    {self.command}")
        return "\n".join(lines)


class UsageError(ProvisionError):
    """The command line can't be carried out as written."""


class CredentialError(ProvisionError):
    """No usable credentials, or Entra refused them."""


class AccessDeniedError(ProvisionError):
    """The caller lacks a right: `action` at `scope`. `principal` is the caller's object id.

    All three are empty where the service does not say.
    """

    def __init__(
        self,
        doing: str,
        why: str,
        fix: str = "",
        command: str = "",
        *,
        action: str = "",
        scope: str = "",
        principal: str = "",
    ) -> None:
        super().__init__(doing, why, fix, command)
        self.action = action
        self.scope = scope
        self.principal = principal


class UnreachableError(ProvisionError):
    """A firewall keeps this machine out, whatever the caller's rights are."""


class NotFoundError(ProvisionError):
    """Something that must exist does not."""


class ConflictError(ProvisionError):
    """The object changed under us or is busy with another operation."""


class ServiceError(ProvisionError):
    """A service refused for another reason, or gave no answer."""


class ForeignError(ProvisionError):
    """An object exists, differs from the profile and does not carry our mark."""


class UnsafePlanError(ProvisionError):
    """The plan does more than it may without being told so."""


class StalePlanError(ProvisionError):
    """A saved or running plan no longer fits what is there."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a profile. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}" + (f"\n    {self.hint}" if self.hint else "")


class ProfileError(ProvisionError):
    """All problems of a profile, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        super().__init__("", f"{count} problem{'s' if count != 1 else ''} in the profile")

    def __str__(self) -> str:
        return "\n".join([*map(str, self.problems), self.why])
