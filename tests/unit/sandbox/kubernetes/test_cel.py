"""Validation rules: the expressions CRDs use, and which errors they forgive."""

from __future__ import annotations

import pytest

from provision.sandbox.kubernetes.cel import EvaluationError, holds
from provision.sandbox.kubernetes.cel_syntax import SyntaxRefused


@pytest.mark.parametrize(
    "rule",
    [
        "1 + 2 * 3 == 7 && !(2 > 3)",
        "self.a == 'x' ? true : false",
        "has(self.a) && !has(self.b)",
        "self.list.all(i, i > 0) && self.list.exists(i, i == 2) && self.list.exists_one(i, i == 2)",
        "self.list.filter(i, i > 1).size() == 2 && size(self.list.map(i, i + 1)) == 3",
        "self.list[0] == 1 && 2 in self.list && !(9 in self.list)",
        "self.__namespace__ == 'n'",
        'self.a.matches(r"""^x$""") && self.a.startsWith(\'x\') && !self.a.contains(\'/\')',
        "'a/b/c'.split('/')[1] == 'b'",
        "duration('1h30m') > duration('500ms')",
        "isURL('https://x/y') && !isURL('://')",
        "self.b == 1 || self.a == 'x'",
        "self.a == 'x' || self.b == 1",
        "!(self.b == 1 && self.a != 'x')",
    ],
)
def test_rules_that_hold(rule: str) -> None:
    assert holds(rule, self={"a": "x", "list": [1, 2, 3], "namespace": "n"})


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("self.b == 1", "no such key: b"),
        ("self.b == 1 || self.a != 'x'", "no such key: b"),
        ("self.list[3] == 1", "index out of bounds: 3"),
        ("self.a", "no such overload"),
        ("self.a < 1", "no such overload"),
        ("other == 1", "undeclared reference to 'other'"),
        ("self.a.nonsense()", "undeclared reference to 'nonsense'"),
        ("1 / 0 == 1", "division by zero"),
    ],
)
def test_rules_that_cannot_be_decided(rule: str, why: str) -> None:
    with pytest.raises(EvaluationError, match=why):
        holds(rule, self={"a": "x", "list": [1, 2, 3]})


@pytest.mark.parametrize("rule", ["self.", "self.a ==", "(true", "has(self)", "true true", "'open", "a ? b"])
def test_rules_that_cannot_be_read(rule: str) -> None:
    with pytest.raises(SyntaxRefused):
        holds(rule, self={})
