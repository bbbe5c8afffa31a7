"""Which looks of the add-ons are left out: those that can't find anything to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from addon_bench import Bench, Shop

from provision.sandbox import addons, authorization, certificate_store, roles
from provision.sandbox.addons import quiet
from provision.sandbox.kubernetes import kinds
from provision.sandbox.store import Store

SECRET = (kinds.SECRET, "kv-gw-cert-shop-https", "shop")


def pass_(bench: Bench, seconds: float) -> None:
    """Time in which somebody's request made the add-ons look."""
    addons.after_write(bench.azure)
    bench.clock.moment[0] += seconds
    bench.azure.settle()


@pytest.fixture
def shop() -> Shop:
    """One in which two looks have left nothing to do."""
    made = Shop()
    pass_(made, 4)
    pass_(made, 4)
    assert quiet.holds(made.azure)
    return made


def test_nothing_is_left_out_after_a_look_that_changed_something() -> None:
    shop = Shop()
    pass_(shop, 4)
    assert not quiet.holds(shop.azure)


def test_any_change_is_looked_at(shop: Shop) -> None:
    shop.objects.delete(*SECRET)
    pass_(shop, 4)
    shop.need(*SECRET)
    shop.unassign()
    assert not quiet.holds(shop.azure)


def test_a_change_that_was_rolled_back_is_none(shop: Shop) -> None:
    def undone() -> None:
        with shop.azure.store.transaction():
            shop.objects.delete(*SECRET)
            assert not quiet.holds(shop.azure)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert quiet.holds(shop.azure)


def test_a_role_is_waited_for(shop: Shop) -> None:
    shop.unassign()
    shop.objects.delete(*SECRET)
    reader = shop.reader["properties"]["principalId"]
    authorization.new_assignment(shop.azure, shop.kv["id"], roles.KEY_VAULT_SECRETS_USER, reader)
    for _ in range(3):
        pass_(shop, 4)
    assert quiet.holds(shop.azure)
    shop.clock.moment[0] += 60
    assert not quiet.holds(shop.azure)


def test_a_recovered_certificate_is_waited_for(shop: Shop) -> None:
    shop.data_plane("DELETE", "/certificates/shop-tls", None)
    shop.clock.moment[0] += certificate_store.BEING_DELETED
    shop.data_plane("POST", "/deletedcertificates/shop-tls/recover", None)
    for _ in range(2):
        pass_(shop, 3)
    assert "SecretNotFound" in shop.told("MountRotationFailed")
    assert quiet.holds(shop.azure)
    shop.clock.moment[0] += 2
    assert not quiet.holds(shop.azure)


def test_an_event_goes_when_its_hour_is_over(shop: Shop) -> None:
    shop.unassign()
    for _ in range(3):
        pass_(shop, 4)
    assert shop.objects.list(kinds.EVENT)
    pass_(shop, 3000)
    assert quiet.holds(shop.azure)
    shop.clock.moment[0] += 1000
    assert not quiet.holds(shop.azure)


def test_the_revision_is_that_of_the_state_not_of_a_process(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "state.db"), Store(tmp_path / "state.db")
    before = one.revision()
    other.put("zone", "/a", {"ttl": 1})
    after = one.revision()
    other.put("zone", "/a", {"ttl": 1})
    other.delete("zone", "/none")
    assert before != after == one.revision()
    other.put("zone", "/a", {"ttl": 2})
    assert one.revision() != after
    changed = one.revision()
    other.delete("zone", "/a")
    assert one.revision() != changed
    one.close()
    other.close()
