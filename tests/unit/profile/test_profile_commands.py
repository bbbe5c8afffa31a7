"""`validate`, `options` and `schema`: output, exit codes, and what they do not import."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision import cli
from provision.errors import ProfileError, UsageError

PROFILES = Path(__file__).parents[3] / "profiles"
ENVIRONMENT = {
    "AZURE_TENANT_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_SUBSCRIPTION_ID": "22222222-3333-4444-5555-666666666666",
}


@pytest.fixture(autouse=True)
def _project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROFILES.parent)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def run(name: str, *words: str) -> int:
    command = cli.load(name)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_valid_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "profiles/prod.yaml", "profiles/dev.yaml") == 0
    out, err = capsys.readouterr()
    assert out == "profiles/prod.yaml: valid\nprofiles/dev.yaml: valid\n"
    warned = [line for line in err.splitlines() if ": warning: " in line]
    assert [line.partition(": warning: ")[2] for line in warned] == [
        f"certificate {name} is self-signed: browsers refuse it" for name in ("shop-tls", "api-tls")
    ]


def test_warnings_are_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "profiles/nginx.yaml") == 0
    out, err = capsys.readouterr()
    assert out == "profiles/nginx.yaml: valid\n"
    assert err.startswith("profiles/nginx.yaml:15:19: warning: Microsoft's support of the NGINX controller")


def test_a_part_is_checked_through_its_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "profiles/base.yaml", "profiles/prod.yaml") == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert first == "profiles/base.yaml: a part, checked through profiles/prod.yaml"


def test_a_part_alone_is_no_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "profiles/base.yaml") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "profiles/base.yaml:6:1: is not a profile by itself" in err


def test_problems_of_all_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_TENANT_ID")
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID")
    assert run("validate", "profiles/dev.yaml", str(tmp_path / "none.yaml")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "profiles/base.yaml:11:11: the environment variable AZURE_TENANT_ID is not set" in err
    assert "profiles/base.yaml:12:17: the environment variable AZURE_SUBSCRIPTION_ID is not set" in err
    assert err.splitlines()[-1] == "3 problems in 2 files"


def test_validate_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "--format", "json", "profiles/base.yaml", "profiles/nginx.yaml", "profiles") == 1
    out, err = capsys.readouterr()
    base, nginx, folder = json.loads(out)["profiles"]
    assert err == ""
    assert (base["valid"], base["extendedBy"]) == (True, ["profiles/nginx.yaml"])
    assert (nginx["valid"], len(nginx["warnings"]), nginx["warnings"][0]["line"]) == (True, 3, 15)
    problem = {"file": "profiles", "line": 0, "column": 0, "message": "is a directory, not a file"}
    assert folder["problems"] == [{**problem, "hint": "Give the profile file in it."}]


@pytest.mark.parametrize("edition", ["2024-06", "2026-06"])
def test_the_table_fits_100_columns(capsys: pytest.CaptureFixture[str], edition: str) -> None:
    assert run("options", "--edition", edition) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    static = next(line for line in lines if line.startswith("Static IP address"))
    assert static.split()[3] == {"2024-06": "no", "2026-06": "yes"}[edition]


def test_the_table_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("options", "--format", "json") == 0
    table = json.loads(capsys.readouterr().out)
    row = next(each for each in table["features"] if each["feature"] == "Mutual TLS")
    assert [each["support"] for each in row["options"]["istio-service-mesh"]] == ["no", "yes"]
    assert all(
        cell["source"] and cell["date"]
        for each in table["features"]
        for cells in each["options"].values()
        for cell in cells
    )
    assert {"value": 5, "text": "DNS zones attached to the NGINX add-on"}.items() <= table["limits"][
        0
    ].items()


def test_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("options", "profiles/nginx.yaml") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "app-routing/nginx: yes (chosen)" in lines
    assert "istio-service-mesh/istio: yes" in lines


def test_comparison_of_what_the_option_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mutual.yaml"
    file.write_text(f"extends: {PROFILES}/dev.yaml\nhosts: {{web.dev.contoso.com: {{tls: mutual}}}}\n")
    assert run("options", str(file), "--format", "json") == 0
    variants = {each["variant"]: each for each in json.loads(capsys.readouterr().out)["variants"]}
    chosen = variants["app-routing/gateway-api"]
    assert (chosen["chosen"], chosen["able"]) == (True, False)
    reason = "the add-on has no mutual TLS"
    assert chosen["lacks"] == [{"asked": "mutual TLS on web.dev.contoso.com", "reason": reason}]
    assert variants["application-gateway-for-containers"]["able"]


def test_options_of_a_wrong_profile() -> None:
    with pytest.raises(ProfileError):
        run("options", "profiles/base.yaml")


def test_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    printed = capsys.readouterr().out
    assert run("schema", "-o", str(tmp_path / "s.json")) == 0
    assert tmp_path.joinpath("s.json").read_text(encoding="utf-8") == printed
    assert json.loads(printed)["title"] == "provision profile"


def test_schema_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        run("schema", "-o", str(tmp_path))


SLOW = ("azure", "aiohttp", "asyncio", "cryptography", "rich", "jsonschema", "dns")
RUN = """
import argparse, sys
from provision import cli
command = cli.load(sys.argv[1])
parser = argparse.ArgumentParser()
command.add_arguments(parser)
command.run(parser.parse_args(sys.argv[2:]))
sys.stderr.write(" ".join({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    "words", [["validate", "profiles/prod.yaml"], ["options"], ["options", "profiles/prod.yaml"], ["schema"]]
)
def test_nothing_slow_is_imported(words: list[str]) -> None:
    command = [sys.executable, "-c", RUN, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = set(done.stderr.split())
    assert "provision" in imported
    assert imported.isdisjoint(SLOW)
