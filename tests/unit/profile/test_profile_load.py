"""Loading: overlays, variables, overrides, and where values are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ProfileError
from provision.ingress.load import load, load_any_option
from provision.profile.load import FragmentError
from provision.profile.loaded import LoadedProfile
from provision.profile.nodes import Place

WHOLE = (
    Path(__file__)
    .parent.joinpath("cases", "base", "whole.yaml")
    .read_text(encoding="utf-8")
    .replace("case", "one")
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("whole.yaml").write_text(WHOLE)
    return tmp_path


def loaded(folder: Path, text: str, **environment: str) -> LoadedProfile:
    folder.joinpath("p.yaml").write_text(f"extends: whole.yaml\n{text}")
    return load("p.yaml", environment)


def problems(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        loaded(folder, text, **environment)
    return [str(each).splitlines()[0] for each in caught.value.problems]


def test_overlay_changes_what_it_names(folder: Path) -> None:
    profile = loaded(folder, "cluster: {name: aks-two}\n").profile
    assert (profile.cluster.name, profile.cluster.resource_group) == ("aks-two", "rg-one")


def test_lists_are_replaced(folder: Path) -> None:
    text = "certificates: {shop-tls: {dnsNames: [shop.contoso.com, b.contoso.com]}}\n"
    names = loaded(folder, text).profile.certificates["shop-tls"].dns_names
    assert names == ("shop.contoso.com", "b.contoso.com")


def test_null_removes_a_key(folder: Path) -> None:
    assert not loaded(folder, "hosts: {shop.contoso.com: null}\n").profile.hosts


def test_null_is_a_default_where_nothing_is_below(folder: Path) -> None:
    assert loaded(folder, "drift:\nidentity: ~\n").profile.drift.ignore == ()


def test_files_are_relative_to_the_one_that_names_them(folder: Path) -> None:
    folder.joinpath("shared").mkdir()
    folder.joinpath("shared", "one.yaml").write_text("extends: ../whole.yaml\nroles: verify\n")
    folder.joinpath("p.yaml").write_text("extends: shared/one.yaml\n")
    result = load("p.yaml", {})
    assert result.profile.roles == "verify"
    assert result.files == ("p.yaml", "shared/one.yaml", "whole.yaml")


def test_later_files_win(folder: Path) -> None:
    folder.joinpath("verify.yaml").write_text("roles: verify\nadopt: true\n")
    folder.joinpath("off.yaml").write_text("roles: off\n".replace("off", '"off"'))
    folder.joinpath("p.yaml").write_text("extends: [whole.yaml, verify.yaml, off.yaml]\n")
    profile = load("p.yaml", {}).profile
    assert (profile.roles, profile.adopt) == ("off", True)


def test_a_file_may_be_extended_twice(folder: Path) -> None:
    folder.joinpath("left.yaml").write_text("extends: whole.yaml\n")
    folder.joinpath("right.yaml").write_text("extends: whole.yaml\nadopt: true\n")
    folder.joinpath("p.yaml").write_text("extends: [left.yaml, right.yaml]\n")
    result = load("p.yaml", {})
    assert result.profile.adopt
    assert result.files == ("p.yaml", "left.yaml", "whole.yaml", "right.yaml")


def test_a_circle_of_files(folder: Path) -> None:
    folder.joinpath("a.yaml").write_text("extends: b.yaml\n")
    folder.joinpath("b.yaml").write_text("name: b\nextends: a.yaml\n")
    with pytest.raises(ProfileError) as caught:
        load("a.yaml", {})
    (problem,) = caught.value.problems
    assert str(problem) == "b.yaml:2:10: extends goes round in a circle: a.yaml → b.yaml → a.yaml"


def test_too_long_a_chain(folder: Path) -> None:
    for number in range(30):
        folder.joinpath(f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    with pytest.raises(ProfileError, match=r"19\.yaml:1:10: more than 20 files extend one another"):
        load("0.yaml", {})


def test_problems_of_all_files_at_once(folder: Path) -> None:
    folder.joinpath("bad.yaml").write_text("a: !x 1\n")
    folder.joinpath("p.yaml").write_text("extends: [bad.yaml, none.yaml]\n")
    with pytest.raises(ProfileError) as caught:
        load("p.yaml", {})
    assert [(each.file, each.line) for each in caught.value.problems] == [("bad.yaml", 1), ("p.yaml", 1)]


def test_problems_come_in_the_order_of_the_file(folder: Path) -> None:
    text = 'cluster: {name: "${A}", acess: auto}\nadopt: 1\nhosts: {a.contoso.com: {}}\nroles: none\n'
    assert [line.split(":")[1] for line in problems(folder, text)] == ["2", "2", "3", "4", "5"]


def test_variables(folder: Path) -> None:
    text = "cluster:\n  name: aks-${A}-${B:-b}-${C:-c}-${D:-x}-${E:-}e${F}\n"
    assert loaded(folder, text, A="a", C="", D="d", F="").profile.cluster.name == "aks-a-b-c-d-e"


def test_an_escaped_variable_stays(folder: Path) -> None:
    text = 'drift: {ignore: [{resource: a, field: b, reason: "costs $${A} $A"}]}\n'
    assert loaded(folder, text).profile.drift.ignore[0].reason == "costs ${A} $A"


def test_a_variable_counts_as_what_is_wanted(folder: Path) -> None:
    text = "name: ${A}\nadopt: ${YES}\nhosts: {shop.contoso.com: {service: {port: '${A}'}}}\n"
    profile = loaded(folder, text, A="8080", YES="true").profile
    assert (profile.name, profile.adopt) == ("8080", True)
    assert profile.hosts["shop.contoso.com"].service.port == 8080


def test_the_value_of_a_variable_is_never_yaml(folder: Path) -> None:
    lines = problems(folder, 'cluster: {name: "${A}"}\n', A="x}\nadopt: true")
    assert lines == ["p.yaml:2:17: cluster.name can't be the value of `${A}`"]


def test_a_variable_that_is_overlaid_need_not_be_set(folder: Path) -> None:
    folder.joinpath("top.yaml").write_text("extends: p.yaml\ncluster: {name: aks-two}\n")
    folder.joinpath("p.yaml").write_text("extends: whole.yaml\ncluster: {name: '${A}'}\n")
    assert load("top.yaml", {}).profile.cluster.name == "aks-two"


def test_extends_takes_variables(folder: Path) -> None:
    folder.joinpath("p.yaml").write_text("extends: ${WHICH}.yaml\n")
    assert load("p.yaml", {"WHICH": "whole"}).profile.name == "one"
    with pytest.raises(ProfileError) as caught:
        load("p.yaml", {})
    (problem,) = caught.value.problems
    assert str(problem).startswith("p.yaml:1:10: the environment variable WHICH is not set")


@pytest.mark.parametrize("value", ["12", "' '", "[whole.yaml, 12]", "[{}]", "[null]"])
def test_extends_names_files(folder: Path, value: str) -> None:
    folder.joinpath("p.yaml").write_text(f"extends: {value}\nname: one\n")
    with pytest.raises(ProfileError, match=r"p\.yaml:1:\d+: extends must name files"):
        load("p.yaml", {})


def test_extends_without_a_value_is_as_if_absent(folder: Path) -> None:
    folder.joinpath("p.yaml").write_text(f"extends:\n{WHOLE}")
    assert load("p.yaml", {}).files == ("p.yaml",)


@pytest.mark.parametrize("day", ["2027-03-01", "'2027-03-01'"])
def test_a_day_needs_no_quotes(folder: Path, day: str) -> None:
    text = f"drift: {{ignore: [{{resource: a, field: b, reason: c, expires: {day}}}]}}\n"
    assert loaded(folder, text).profile.drift.ignore[0].expires == "2027-03-01"


def test_overrides_win(folder: Path) -> None:
    result = load("whole.yaml", {}, {"adopt": True, "cluster": {"access": "none"}})
    assert (result.profile.adopt, result.profile.cluster.access) == (True, "none")
    assert result.profile.cluster.name == "aks-one"


def test_a_wrong_override_is_on_the_command_line(folder: Path) -> None:
    with pytest.raises(ProfileError, match=r"^command line: cluster\.access can't be `ssh`"):
        load("whole.yaml", {}, {"cluster": {"access": "ssh"}})


def test_places(folder: Path) -> None:
    result = loaded(folder, "cluster:\n  name: aks-two\n")
    assert result.place(("cluster", "name")) == Place("p.yaml", 3, 9)
    assert result.place(("cluster", "resourceGroup")) == Place("whole.yaml", 5, 41)
    assert result.place(("cluster",)) == Place("p.yaml", 2, 1)
    assert result.place(("hosts", "shop.contoso.com", "certificate")) == Place("whole.yaml", 16, 85)
    assert result.place(("hosts", "shop.contoso.com")) == Place("whole.yaml", 16, 3)
    assert result.place(("certificates", "shop-tls", "dnsNames", 0)) == Place("whole.yaml", 10, 40)


def test_a_default_is_placed_at_the_nearest_block(folder: Path) -> None:
    result = loaded(folder, "")
    assert result.place(("hosts", "shop.contoso.com", "tls")) == Place("whole.yaml", 16, 3)
    assert not result.is_written(("hosts", "shop.contoso.com", "tls"))
    assert result.is_written(("hosts", "shop.contoso.com", "certificate"))
    problem = result.problem(("drift", "ignore"), "message", "hint")
    assert (problem.file, problem.line, problem.message, problem.hint) == ("p.yaml", 1, "message", "hint")


def test_a_part_is_told_from_a_wrong_profile(folder: Path) -> None:
    folder.joinpath("p.yaml").write_text("roles: verify\n")
    with pytest.raises(FragmentError, match=r"p\.yaml:1:1: is not a profile by itself"):
        load("p.yaml", {})
    folder.joinpath("p.yaml").write_text("cluter: {name: a}\n")
    with pytest.raises(ProfileError) as caught:
        load("p.yaml", {})
    assert not isinstance(caught.value, FragmentError)


def test_any_option_allows_what_the_option_lacks(folder: Path) -> None:
    folder.joinpath("p.yaml").write_text("extends: whole.yaml\nhosts: {shop.contoso.com: {tls: mutual}}\n")
    assert load_any_option("p.yaml", {}).profile.hosts["shop.contoso.com"].tls == "mutual"
    with pytest.raises(ProfileError, match="not possible with app-routing/gateway-api"):
        load("p.yaml", {})
    folder.joinpath("p.yaml").write_text("extends: whole.yaml\nvaults: null\n")
    with pytest.raises(ProfileError, match="there is no vault"):
        load_any_option("p.yaml", {})


def test_limits_are_allowed(folder: Path) -> None:
    addresses = ", ".join(f"20.0.0.{number}" for number in range(20))
    text = (
        f"dns: {{records: [{{zone: contoso.com, name: many, type: A, ttl: 1, values: [{addresses}]}}]}}\n"
        "hosts: {shop.contoso.com: {service: {port: 65535}}}\n"
    )
    profile = loaded(folder, text).profile
    assert (len(profile.dns.records[0].values), profile.dns.records[0].ttl) == (20, 1)
    assert profile.hosts["shop.contoso.com"].service.port == 65535
