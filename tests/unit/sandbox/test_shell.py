"""The sandbox's shell: what it prints and how it ends, as dash with Debian's coreutils does."""

from __future__ import annotations

import base64
import gzip

import pytest

from provision.sandbox.shell import Files, Process, run


def shown(script: str, **context: bytes) -> tuple[int, str]:
    """Status and output of a script; `a_yaml` is the file `a.yaml` of the context."""
    files = Files({name.replace("_", "."): content for name, content in context.items()})
    status, logs = run(script, files, {"say": _say})
    return status, logs.decode()


def _say(process: Process) -> int:
    """A program of the caller: its arguments and input to stdout, a word to stderr."""
    process.write(f"{'|'.join(process.arguments)}<{process.stdin.decode()}>")
    process.err.extend(b"!")
    return len(process.arguments)


@pytest.mark.parametrize(
    ("script", "status", "output"),
    [
        ("echo a; echo b && echo c || echo d", 0, "a\nb\nc\n"),
        ("false || echo yes; echo $?", 0, "yes\n0\n"),
        ("false && echo no; echo $?", 0, "1\n"),
        ("true\n\necho b &&\n  echo c |\n cat", 0, "b\nc\n"),
        ("! false; echo $?; ! true; echo $?", 0, "0\n1\n"),
        ("( echo x; exit 3 ); echo $?", 0, "x\n3\n"),
        ("{ echo g; echo h; } | tail -n 1", 0, "h\n"),
        ("true | false; echo $?; false | true; echo $?", 0, "1\n0\n"),
        ("exit 7; echo never", 7, ""),
        ("false", 1, ""),
        ("set -e; false || true; ! true; echo on; false; echo never", 1, "on\n"),
        ("# comment\necho a # comment\necho a#b", 0, "a\na#b\n"),
        ("echo a \\\n  b", 0, "a b\n"),
        ("sleep 3600; :; echo done", 0, "done\n"),
        ("", 0, ""),
    ],
)
def test_lists_pipes_and_groups(script: str, status: int, output: str) -> None:
    assert shown(script) == (status, output)


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("A=1; B=\"x $A  'y'\"; echo \"$B\" $B '$B' \\$B", "x 1  'y' x 1 'y' $B $B\n"),
        ('echo ${A:-none} "${A:-}" ${A}x', "none  x\n"),
        ('echo $(echo one; echo two) "$(echo one; echo two)"', "one two one\ntwo\n"),
        ("x=$(exit 4); echo $?", "4\n"),
        ("A=1; (A=2; echo $A); echo $A", "2\n1\n"),
        ("A=1; echo x | A=2; echo $A", "1\n"),
        ('echo "a\\"b\\$c\\\\d"', 'a"b$c\\d\n'),
        ("export Z='p q'; say $Z \"$Z\"", "p|q|p q<>!"),
        ('say "" $NONE ""', "|<>!"),
        ("echo 'a\\tb'; echo -n x; echo 'a\\c'; echo b", "a\tb\nxab\n"),
        ("printf '%s-%d\\n' a 1 b 2", "a-1\nb-2\n"),
        ("printf '%5s|%-5s|%%\\n' ab cd", "   ab|cd   |%\n"),
    ],
)
def test_quoting_and_expansion(script: str, output: str) -> None:
    assert shown(script)[1] == output


def test_every_argument_is_split_as_written() -> None:
    assert shown("say a'b c'\"d e\" f")[1] == "ab cd e|f<>!"


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("echo out > f; echo more >> f; cat f; cat < f; wc -c < f", "out\nmore\nout\nmore\n9\n"),
        ("{ echo err >&2; echo out; } 2>/dev/null", "out\n"),
        ("say 2>&1 | tail -c 1", "!"),
        ("say 2>&1 >/dev/null | cat", "!"),
        ("say 2>/dev/null", "<>"),
        ("cat <<EOF; echo after\nline $(echo sub)\nEOF\necho end", "line sub\nafter\nend\n"),
        ("cat <<'EOF'\n$A `x`\nEOF", "$A `x`\n"),
        ("cat <<-EOF\n\tindented\n\tEOF\necho end", "indented\nend\n"),
        ("say <<EOF\ninput\nEOF", "<input\n>!"),
    ],
)
def test_redirections(script: str, output: str) -> None:
    assert shown(script)[1] == output


def test_one_line_a_call_survives_the_way_through_gzip_and_base64() -> None:
    packed = "command -v gzip >/dev/null && command -v base64 >/dev/null && gzip -c | base64 -w0 || cat"
    call = f'( echo hi; foo; echo "exit $?" ) 2>&1 | ( {packed} ); echo'
    status, output = shown(f"{call}\n{call}")
    lines = output.splitlines()
    assert (status, len(lines)) == (0, 2)
    assert gzip.decompress(base64.b64decode(lines[0])) == b"hi\nsh: 1: foo: not found\nexit 127\n"


def test_files_of_the_context_folders_and_patterns() -> None:
    script = "ls; cat *.yaml; mkdir -p a/b; echo 1 > a/b/x; cd a; ls b; cat b/*; [ -f b/x ] && echo is"
    assert shown(script, a_yaml=b"A", b_yaml=b"B") == (0, "a.yaml\nb.yaml\nABx\n1\nis\n")


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("printf 'foo\\nbar\\nbaz\\n' | grep -v o", "bar\nbaz\n"),
        ("printf 'foo\\nbar\\nbaz\\n' | grep -c ba", "2\n"),
        ("printf 'foo\\nbar\\n' | grep -n BA; echo $?; echo Bar | grep -i bA", "1\nBar\n"),
        ("printf '1\\n2\\n3\\n' | head -2", "1\n2\n"),
        ("printf '1\\n2\\n3\\n' | tail -n 1", "3\n"),
        ("printf abcdef | head -c 3", "abc"),
        ("printf 'a b\\nc\\n' | wc", "      2       3       6\n"),
        ("printf abc | base64; printf YWJj | base64 -d", "YWJj\nabc"),
        ("printf abc | gzip | gzip -d", "abc"),
        ("[ 1 -lt 2 ] && [ a = a ] && [ -z '' ] && test ! -d none && echo yes", "yes\n"),
        ("[ a = b ]; echo $?; [ x -eq 1 ]; echo $?", "1\n[: x -eq 1: unexpected operator\n2\n"),
    ],
)
def test_programs(script: str, output: str) -> None:
    assert shown(script)[1] == output


@pytest.mark.parametrize(
    ("script", "status", "output"),
    [
        ("foo bar", 127, "sh: 1: foo: not found\n"),
        ("true\ncurl example.org", 127, "sh: 2: curl: not found\n"),
        ("/bin/sh -c 'echo x'", 127, "sh: 1: /bin/sh: not found\n"),
        ("python3 -c 'print(1)'", 127, "sh: 1: python3: not found\n"),
        ("helm ls", 127, "helm: not in the sandbox\n"),
        ("cat missing", 1, "cat: missing: No such file or directory\n"),
        ("cat < missing", 2, "sh: 1: cannot open missing: No such file\n"),
        ("cat /etc/passwd", 1, "cat: /etc/passwd: No such file or directory\n"),
        ("echo x > nodir/f", 2, "sh: 1: cannot create nodir/f: Directory nonexistent\n"),
        ("cd nope", 2, "sh: 1: cd: can't cd to nope\n"),
        ("echo '!!!' | base64 -d", 1, "base64: invalid input\n"),
        ("echo abc | gzip -d", 1, "\ngzip: stdin: not in gzip format\n"),
        ("ls --color", 1, "ls: unrecognized option '--color'\n"),
        ('echo "open', 2, "sh: 1: Syntax error: Unterminated quoted string\n"),
        ("echo a &&", 2, "sh: 1: Syntax error: end of file unexpected\n"),
        ("echo )", 2, 'sh: 1: Syntax error: ")" unexpected\n'),
        ("echo a;;", 2, 'sh: 1: Syntax error: ";;" unexpected\n'),
        ("for i in 1 2; do echo $i; done", 2, "sh: 1: for: not in the sandbox\n"),
        ("sleep 1 &", 2, "sh: 1: &: not in the sandbox\n"),
        ("echo `id`", 2, "sh: 1: `: not in the sandbox\n"),
        ("(" * 5000, 2, "sh: 1: Syntax error: nested too deeply\n"),
    ],
)
def test_what_fails_says_so(script: str, status: int, output: str) -> None:
    assert shown(script) == (status, output)


def test_a_syntax_error_runs_nothing() -> None:
    assert shown("echo early; echo 'open")[1] == "sh: 1: Syntax error: Unterminated quoted string\n"
