"""Certificates in files: what is wrong with them is a problem of the profile, with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from certificate_material import certificate, key_pem, new_key, pem, pfx, thumbprint
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from provision.errors import ProfileError
from provision.ingress.load import load
from provision.profile.loaded import LoadedProfile

PASSWORD = "canary-3b77"
HOST = "shop.contoso.com"
PROFILE = """\
apiVersion: provision/v1
name: certs
azure: {subscription: 11111111-1111-1111-1111-111111111111}
cluster: {name: aks, resourceGroup: rg}
ingress: {option: app-routing}
vaults: {kv-one: {resourceGroup: rg}}
hosts: {shop.contoso.com: {namespace: web, service: {name: web, port: 80}, certificate: shop-tls}}
certificates:
  shop-tls:
    vault: kv-one
    import:
      file: shop.file
"""
FILE, WORD = "12:13", "13:17"
"""Where the file and the password are written."""

KEY, OTHER = new_key(), new_key()
FINE = certificate(KEY, HOST)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadedProfile]:
    """Loads the profile with a file of that content."""
    monkeypatch.setenv("TEST_WORD", PASSWORD)

    def write(content: bytes | None, *lines: str) -> LoadedProfile:
        if content is not None:
            (tmp_path / "shop.file").write_bytes(content)
        path = tmp_path / "certs.yaml"
        path.write_text(PROFILE + "".join(f"{line}\n" for line in lines))
        return load(path, {})

    return write


def pkcs8(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def old_form(key: ec.EllipticCurvePrivateKey) -> bytes:
    """As openssl wrote keys before PKCS#8, and as Key Vault does not take them."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


WITH_WORD = "      password: env:TEST_WORD"
RSA_1024 = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
P_224 = ec.generate_private_key(ec.SECP224R1())

FAULTS: Mapping[str, tuple[bytes | None, tuple[str, ...], str, str]] = {
    "nothing": (None, (), FILE, "its file can't be read: No such file or directory"),
    "empty": (b"", (), FILE, "it is no PFX file, or a damaged one"),
    "damaged PFX": (pfx(KEY, FINE)[:-40], (), FILE, "it is no PFX file, or a damaged one"),
    "certificate alone, DER": (FINE.public_bytes(Encoding.DER), (), FILE, "it is no PFX file"),
    "wrong password": (pfx(KEY, FINE, "else"), (WITH_WORD,), FILE, "its password is wrong"),
    "no password": (pfx(KEY, FINE, "else"), (), FILE, "it needs a password"),
    "password not set": (pfx(KEY, FINE), ("      password: env:NO_SUCH",), WORD, "NO_SUCH is not set"),
    "password in no file": (
        pfx(KEY, FINE),
        ("      password: file:/no/such",),
        WORD,
        "the file /no/such can't be read",
    ),
    "certificate without key": (pem(FINE), (), FILE, "it holds a certificate and no private key"),
    "key without certificate": (key_pem(KEY), (), FILE, "it holds a key and no certificate"),
    "of another key": (key_pem(OTHER) + pem(FINE), (), FILE, "no certificate in the file belongs to its"),
    "locked key": (key_pem(KEY, "else") + pem(FINE), (), FILE, "its key needs a password"),
    "key locked otherwise": (
        key_pem(KEY, "else") + pem(FINE),
        (WITH_WORD,),
        FILE,
        "its private key is damaged, or the password is wrong",
    ),
    "key not locked": (key_pem(KEY) + pem(FINE), (WITH_WORD,), FILE, "its key is not encrypted, and a passw"),
    "damaged certificate": (key_pem(KEY) + pem(FINE)[:200], (), FILE, "a certificate in it is damaged"),
    "expired": (pfx(KEY, certificate(KEY, HOST, days=-1)), (), FILE, "it expired on"),
    "for others": (
        pfx(KEY, certificate(KEY, "x.net", "y.net")),
        (),
        "7:89",
        "certificate shop-tls is for x.net, y.net, not for shop.contoso.com",
    ),
    "for nobody": (
        pfx(KEY, certificate(KEY, HOST, alternative=False)),
        (),
        "7:89",
        "certificate shop-tls is for no DNS name, not for shop.contoso.com",
    ),
    "short key": (key_pem(RSA_1024) + pem(certificate(RSA_1024, HOST)), (), FILE, "RSA key has 1024 bits"),
    "odd curve": (key_pem(P_224) + pem(certificate(P_224, HOST)), (), FILE, "on the curve secp224r1"),
    "odd key": (
        pkcs8(ed25519.Ed25519PrivateKey.generate()) + pem(FINE),
        (),
        FILE,
        "its key is neither RSA nor EC",
    ),
    "another than named": (
        pfx(KEY, FINE),
        (f"      thumbprint: {'A' * 40}",),
        "13:19",
        f"holds {thumbprint(FINE)}, not {'A' * 40}",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_a_place_and_show_no_secret(fault: str, loaded: Callable[..., LoadedProfile]) -> None:
    content, lines, place, message = FAULTS[fault]
    with pytest.raises(ProfileError) as caught:
        loaded(content, *lines)
    [problem] = caught.value.problems
    assert (f"{problem.line}:{problem.column}", message in problem.message) == (place, True), str(problem)
    assert problem.hint
    assert PASSWORD not in str(caught.value)
    assert "BEGIN" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (pfx(KEY, FINE), ()),
        (pfx(KEY, FINE, PASSWORD), (WITH_WORD,)),
        (key_pem(KEY) + pem(FINE), ()),
        (pem(certificate(OTHER, "authority.example"), FINE) + key_pem(KEY), ()),
        (key_pem(KEY, PASSWORD) + pem(FINE), (WITH_WORD,)),
        (old_form(KEY) + pem(FINE), ()),
        (key_pem(KEY).replace(b"\n", b"\r\n") + pem(FINE).replace(b"\n", b"\r\n"), ()),
    ],
    ids=["pfx", "locked pfx", "pem", "chain first", "locked pem", "old pem", "of Windows"],
)
def test_what_a_file_holds_is_known_to_the_profile(
    content: bytes, lines: tuple[str, ...], loaded: Callable[..., LoadedProfile], tmp_path: Path
) -> None:
    held = loaded(content, *lines).profile.certificates["shop-tls"]
    assert held.dns_names == (HOST,)
    assert held.import_ is not None
    assert (held.import_.file, held.import_.thumbprint) == (str(tmp_path / "shop.file"), thumbprint(FINE))


def test_what_deserves_a_look(loaded: Callable[..., LoadedProfile]) -> None:
    soon = pfx(KEY, certificate(KEY, HOST, days=10))
    notes = [(f"{note.line}:{note.column}", note.message) for note in loaded(soon).notes]
    assert notes == [
        (FILE, "certificate shop-tls expires in 9 days; a new one is due 30 days before its end"),
        (FILE, "certificate shop-tls is self-signed: browsers refuse it"),
    ]
    assert loaded(soon, "    renewBeforeDays: 5", "stage: development").notes == ()


@pytest.mark.parametrize(("percent", "due"), [(5, 9), (98, 0)])
def test_a_new_file_is_due_at_a_percentage(
    percent: int, due: int, loaded: Callable[..., LoadedProfile]
) -> None:
    soon = pfx(KEY, certificate(KEY, HOST, days=10))
    notes = loaded(soon, f"    renewAtPercent: {percent}", "stage: development").notes
    wanted = f"certificate shop-tls expires in 9 days; a new one is due at {percent} % of its lifetime"
    assert [note.message.startswith(wanted) for note in notes] == [True] * bool(due)
