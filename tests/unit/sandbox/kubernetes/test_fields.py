"""Sets of fields: the FieldsV1 notation and the text of conflicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provision.sandbox.kubernetes import fields

ELEMENTS = st.one_of(
    st.sampled_from(["f:spec", "f:name", "f:a.b/c", "f:"]),
    st.sampled_from(['k:{"name":"https"}', 'k:{"port":80,"protocol":"TCP"}', 'v:"x"', "v:1", "i:0"]),
)
PATHS = st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple)


@given(st.frozensets(PATHS, max_size=12))
def test_what_is_encoded_decodes_to_the_same_fields(some: fields.Fields) -> None:
    assert fields.decode(fields.encode(some)) == some


def test_a_member_with_children_has_a_dot() -> None:
    some = [("f:spec", 'k:{"name":"a"}'), ("f:spec", 'k:{"name":"a"}', "f:port"), ("f:spec", "f:class")]
    assert fields.encode(some) == {
        "f:spec": {'k:{"name":"a"}': {".": {}, "f:port": {}}, "f:class": {}},
    }


def test_keys_are_written_in_one_order() -> None:
    assert fields.key_element({"protocol": "TCP", "port": 80}) == 'k:{"port":80,"protocol":"TCP"}'


def test_paths_read_as_conflicts_print_them() -> None:
    path = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort")
    assert fields.text(path) == '.spec.ports[port=80,protocol="TCP"].targetPort'
    assert fields.text(("f:metadata", "f:finalizers", 'v:"x/y"')) == '.metadata.finalizers[="x/y"]'
