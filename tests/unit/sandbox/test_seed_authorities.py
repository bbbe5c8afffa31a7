"""The certificate authority that the seed lays down for a mesh."""

from __future__ import annotations

from typing import Any

import pytest
from core_bench import CoreBench
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provision.sandbox import seed
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.vault_plain_secrets import SECRET, VERSION
from provision.sandbox.vaults import VAULT, vault_id

NAMES = {"root": "root-cert", "certificate": "ca-cert", "key": "ca-key", "chain": "cert-chain"}
ID = vault_id(SUBSCRIPTION, "rg-mesh", "kv-mesh")


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def ensure(bench: CoreBench, **names: str) -> list[str]:
    """The secrets that were made."""
    wanted: dict[str, Any] = {"vaults": {"kv-mesh": "rg-mesh"}, "authorities": {ID: NAMES | names}}
    made = seed.ensure(bench.azure, SUBSCRIPTION, **wanted)
    return [line.split()[1] for line in made if line.startswith("secret ")]


def value(bench: CoreBench, name: str) -> str:
    document = bench.azure.store.get(SECRET, f"{ID}/secrets/{name}")
    assert document is not None
    version = bench.azure.store.get(VERSION, f"{ID}/secrets/{name}/{document['current']}")
    assert version is not None
    return str(version["value"])


def test_its_parts_fit_together(bench: CoreBench) -> None:
    assert ensure(bench) == list(NAMES.values())
    (root,) = x509.load_pem_x509_certificates(value(bench, "root-cert").encode())
    (intermediate,) = x509.load_pem_x509_certificates(value(bench, "ca-cert").encode())
    root.verify_directly_issued_by(root)
    intermediate.verify_directly_issued_by(root)
    key = load_pem_private_key(value(bench, "ca-key").encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == intermediate.public_key()
    chain = x509.load_pem_x509_certificates(value(bench, "cert-chain").encode())
    assert chain == [intermediate, root]
    for each in chain:
        assert each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert each.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_it_is_laid_down_once(bench: CoreBench) -> None:
    ensure(bench)
    bench.azure.store.delete(SECRET, f"{ID}/secrets/ca-key")
    assert ensure(bench) == []
    assert bench.azure.store.get(SECRET, f"{ID}/secrets/ca-key") is None


def test_profiles_share_the_one_of_their_vault(bench: CoreBench) -> None:
    ensure(bench)
    assert ensure(bench, certificate="west-cert", key="west-key") == ["west-cert", "west-key"]
    assert value(bench, "west-cert") == value(bench, "ca-cert")
    assert value(bench, "west-key") == value(bench, "ca-key")


def test_nothing_is_added_to_somebody_elses(bench: CoreBench) -> None:
    theirs = {"name": "root-cert", "current": "1"}
    seed.ensure(bench.azure, SUBSCRIPTION, vaults={"kv-mesh": "rg-mesh"})
    bench.azure.store.put(SECRET, f"{ID}/secrets/root-cert", theirs)
    assert ensure(bench) == []
    assert bench.azure.store.get(SECRET, f"{ID}/secrets/root-cert") == theirs


def test_a_vault_that_is_gone_gets_none(bench: CoreBench) -> None:
    seed.ensure(bench.azure, SUBSCRIPTION, vaults={"kv-mesh": "rg-mesh"})
    bench.azure.store.delete(VAULT, ID)
    assert ensure(bench) == []
    assert bench.azure.store.list(SECRET) == []
