"""What is signed is known for ours, and nothing else is."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pytest_django.fixtures import Settings

from chatadmin.lib import signatures

SAID = b'{"erased":"1"}'


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    return settings.VAR_DIR


def test_what_was_signed_is_known_and_what_was_changed_is_not() -> None:
    signature = signatures.sign(SAID)
    assert signatures.verify(SAID, signature)
    assert not signatures.verify(SAID + b" ", signature)
    assert not signatures.verify(SAID, signatures.sign(b"something else"))


@pytest.mark.parametrize("forged", ["", "%", "é", "AAAA", base64.b64encode(bytes(64)).decode()])
def test_what_is_no_signature_is_not_one(forged: str) -> None:
    assert not signatures.verify(SAID, forged)


def test_anybody_can_verify_with_the_public_key() -> None:
    public = load_pem_public_key(signatures.public_key().encode())
    assert isinstance(public, Ed25519PublicKey)
    public.verify(base64.b64decode(signatures.sign(SAID)), SAID)


def test_the_key_is_its_owners_only_and_stays(var: Path) -> None:
    assert not var.exists()
    signature = signatures.sign(SAID)
    assert [path.name for path in var.iterdir()] == ["signing.key"]
    assert stat.S_IMODE((var / "signing.key").stat().st_mode) == 0o600
    signatures._key.cache_clear()
    assert signatures.verify(SAID, signature)


def test_another_installations_signature_is_not_ours(settings: Settings, tmp_path: Path) -> None:
    theirs = signatures.sign(SAID)
    settings.VAR_DIR = tmp_path / "other"
    assert not signatures.verify(SAID, theirs)


@pytest.mark.parametrize("held", [b"", b"no key at all"])
def test_a_file_that_holds_no_key_is_said_to_and_not_overwritten(var: Path, held: bytes) -> None:
    var.mkdir()
    (var / "signing.key").write_bytes(held)
    for ask in (
        lambda: signatures.sign(SAID),
        lambda: signatures.verify(SAID, "AAAA"),
        signatures.public_key,
    ):
        with pytest.raises(signatures.NoKey, match=r"signing\.key"):
            ask()
    assert (var / "signing.key").read_bytes() == held


def test_of_many_processes_that_make_one_all_have_the_same(var: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from chatadmin.lib import signatures as s;"
        "from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat;"
        "k = s._key(Path(sys.argv[1])).public_key();"
        "print(k.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())"
    )
    words = [sys.executable, "-c", program, str(var / "signing.key")]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=60)[0].strip() for process in started}
    assert len(said) == 1 and len(said.pop()) == 64
    assert [path.name for path in var.iterdir()] == ["signing.key"]
