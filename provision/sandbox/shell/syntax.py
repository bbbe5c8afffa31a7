"""What a command line for sh means: text → a tree of pipelines. Nothing is run here.

Covered: lists (`;`, `&&`, `||`, newlines), pipes, `!`, subshells and groups, redirections (`>`, `>>`, `<`,
`2>&1`, here-documents), quoting, `$?`, `$NAME`, `${NAME:-text}`, `$(…)`, assignments and comments. The rest
of POSIX sh (`if`, `for`, functions, arithmetic, backquotes, jobs) is refused by name.
"""

from __future__ import annotations

import re

from provision.sandbox.shell.tree import (
    Group,
    Part,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Substitution,
    Text,
    Variable,
    Word,
)

_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")
_REDIRECTION = re.compile(r"(\d?)(>>|>&|>\||<<-?|>|<)")
_SPECIAL = re.compile(r"[ \t\n;&|()<>'\"\\$`]")
_ENDS_WORD = " \t\n;&|()<>"
_DEEPEST = 50
_NOT_HERE = ("if", "for", "while", "until", "case", "function")


class SyntaxRefusal(Exception):  # noqa: N818 - an answer of the shell, not a fault of ours
    """The text is no command of this subset; the message is what sh would print after `sh: LINE: `."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str) -> Script:
    """The tree of a whole script; raises `SyntaxRefusal`."""
    reader = _Reader(text)
    script = reader.script("")
    if not reader.ended():
        raise reader.unexpected()
    return script


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def ended(self) -> bool:
        return self.at >= len(self.text)

    def script(self, closer: str) -> Script:
        """Pipelines up to `closer` (`)`, `}` or nothing), which is left to read."""
        items: list[tuple[str, Pipeline]] = []
        operator = ";"
        self.depth += 1
        if self.depth > _DEEPEST:
            raise SyntaxRefusal(self._line(), "Syntax error: nested too deeply")
        while True:
            self._blank(newlines=True)
            if self.ended() or self._closes(closer):
                if operator != ";":
                    raise self.unexpected()
                self.depth -= 1
                return Script(tuple(items))
            items.append((operator, self._pipeline()))
            self._blank()
            operator = self._operator(closer)

    def _operator(self, closer: str) -> str:
        for operator in ("&&", "||"):
            if self._take(operator):
                return operator
        if self.ended() or self._closes(closer) or self._take("\n"):
            return ";"
        if not self._sees(";;") and self._take(";"):
            return ";"
        raise self.unexpected()

    def _pipeline(self) -> Pipeline:
        negated = False
        if re.match(r"!\s", self.text[self.at : self.at + 2]):
            negated, self.at = True, self.at + 1
            self._blank()
        commands = [self._command()]
        while not self._sees("||") and self._take("|"):
            self._blank(newlines=True)
            commands.append(self._command())
        return Pipeline(tuple(commands), negated)

    def _command(self) -> Simple | Group:
        for opener, closer in (("(", ")"), ("{", "}")):
            if self._sees("(") if opener == "(" else re.match(r"\{\s", self.text[self.at : self.at + 2]):
                self.at += 1
                body = self.script(closer)
                if not self._take(closer):
                    raise self.unexpected()
                return Group(body, opener == "(", self._redirections())
        return self._simple()

    def _redirections(self) -> tuple[Redirection, ...]:
        found: list[Redirection] = []
        while redirection := self._redirection():
            found.append(redirection)
        return tuple(found)

    def _simple(self) -> Simple:
        line = self._line()
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        while True:
            self._blank()
            if redirection := self._redirection():
                redirections.append(redirection)
                continue
            if self.ended() or self.text[self.at] in _ENDS_WORD:
                break
            assigned = None if words else _ASSIGNMENT.match(self.text, self.at)
            if assigned:
                self.at = assigned.end()
                assignments.append((assigned[1], self._word()))
                continue
            words.append(self._word())
            if len(words) == 1 and words[0] in [(Text(name),) for name in _NOT_HERE]:
                raise SyntaxRefusal(line, f"{_plain(words[0])}: not in the sandbox")
        if not assignments and not words and not redirections:
            raise self.unexpected()
        return Simple(line, tuple(assignments), tuple(words), tuple(redirections))

    def _redirection(self) -> Redirection | None:
        self._blank()
        found = _REDIRECTION.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        operator = {">|": ">"}.get(found[2], found[2])
        self._blank()
        target = self._word()
        if not target:
            raise self.unexpected()
        if operator.startswith("<<"):
            return Redirection(0, "<<", self._document(target, strip=operator == "<<-"))
        return Redirection(int(found[1] or (0 if operator == "<" else 1)), operator, target)

    def _document(self, delimiter: Word, *, strip: bool) -> Word:
        """The here-document that begins on the next line; it is cut out of the text."""
        start = self.text.find("\n", self.at) + 1 or len(self.text)
        taken: list[str] = []
        end = start
        for line in self.text[start:].splitlines(keepends=True):
            end += len(line)
            bare = line.lstrip("\t") if strip else line
            if bare.rstrip("\n") == _plain(delimiter):
                break
            taken.append(bare)
        self.text = self.text[:start] + self.text[end:]
        body = "".join(taken)
        if any(isinstance(part, Text) and part.quoted for part in delimiter):
            return (Text(body, quoted=True),)
        inner = _Reader(body)
        return tuple(inner.quoted_parts(""))

    def _word(self) -> Word:
        parts: list[Part] = []
        while not self.ended() and self.text[self.at] not in _ENDS_WORD:
            character = self.text[self.at]
            if character == "'":
                close = self.text.find("'", self.at + 1)
                if close < 0:
                    raise SyntaxRefusal(self._line(), "Syntax error: Unterminated quoted string")
                parts.append(Text(self.text[self.at + 1 : close], quoted=True))
                self.at = close + 1
            elif character == '"':
                self.at += 1
                parts += self.quoted_parts('"') or [Text("", quoted=True)]
                self.at += 1
            elif self._take("\\\n"):
                continue
            elif character == "\\":
                parts.append(Text(self.text[self.at + 1 : self.at + 2], quoted=True))
                self.at += 2
            elif character in "$`":
                parts.append(self._expansion(quoted=False))
            else:
                end = _SPECIAL.search(self.text, self.at)
                stop = end.start() if end else len(self.text)
                parts.append(Text(self.text[self.at : stop]))
                self.at = stop
        return tuple(parts)

    def quoted_parts(self, closer: str) -> list[Part]:
        """What double quotes hold, up to the closing one; with no closer, a whole here-document."""
        parts: list[Part] = []
        text = ""
        while not self.ended() and (not closer or self.text[self.at] != closer):
            if self._take("\\\n"):
                continue
            character = self.text[self.at]
            if character == "\\" and self.text[self.at + 1 : self.at + 2] in tuple('$`"\\'):
                text += self.text[self.at + 1]
                self.at += 2
            elif character in "$`":
                expansion = self._expansion(quoted=True)
                parts += [Text(text, quoted=True), expansion] if text else [expansion]
                text = ""
            else:
                text += character
                self.at += 1
        if closer and self.ended():
            raise SyntaxRefusal(self._line(), "Syntax error: Unterminated quoted string")
        return [*parts, Text(text, quoted=True)] if text else parts

    def _expansion(self, *, quoted: bool) -> Part:
        if self.text[self.at] == "`" or self._sees("$(("):
            raise SyntaxRefusal(self._line(), f"{self.text[self.at]}: not in the sandbox")
        self.at += 1
        if self._take("("):
            script = self.script(")")
            if not self._take(")"):
                raise self.unexpected()
            return Substitution(script, quoted)
        if self._take("?"):
            return Variable("?", quoted)
        braced = re.compile(r"\{([A-Za-z_]\w*|\?)(?::-([^}]*))?\}").match(self.text, self.at)
        if braced:
            self.at = braced.end()
            return Variable(braced[1], quoted, braced[2] or "")
        if self._sees("{"):
            raise SyntaxRefusal(self._line(), "Bad substitution")
        name = _NAME.match(self.text, self.at)
        if not name:
            return Text("$", quoted)
        self.at = name.end()
        return Variable(name[0], quoted)

    def _blank(self, *, newlines: bool = False) -> None:
        """Skip blanks and comments; a comment begins a word, so it is only looked for here."""
        while not self.ended():
            character = self.text[self.at]
            if character == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif character in " \t" or (newlines and character == "\n"):
                self.at += 1
            elif self._sees("\\\n"):
                self.at += 2
            else:
                return

    def _sees(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def _take(self, token: str) -> bool:
        if not self._sees(token):
            return False
        self.at += len(token)
        return True

    def _closes(self, closer: str) -> bool:
        return bool(closer) and self._sees(closer)

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def unexpected(self) -> SyntaxRefusal:
        """The refusal of whatever stands here."""
        if self.ended():
            return SyntaxRefusal(self._line(), "Syntax error: end of file unexpected")
        found = re.compile(r"&&|\|\||;;|\n|.").match(self.text, self.at)
        token = found[0] if found else ""
        if token == "&":
            return SyntaxRefusal(self._line(), "&: not in the sandbox")
        named = "newline" if token == "\n" else f'"{token}"'
        return SyntaxRefusal(self._line(), f"Syntax error: {named} unexpected")


def _plain(word: Word) -> str:
    return "".join(part.text for part in word if isinstance(part, Text))
