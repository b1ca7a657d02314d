"""What this installation says of itself, signed with Ed25519: whoever has the public key can tell that it said so.

The private key is a file, `signing.key` among the installation's own files, made when it is first needed. It is not
in the database: who can write there, or has a copy of it, can't sign. Source: RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import os
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

KEY_FILE = "signing.key"


class NoKey(Exception):
    """The file of the key holds something else, or none can be made there."""


def sign(data: bytes) -> str:
    """The signature of `data`, in base64. Raises NoKey."""
    return base64.b64encode(_key(_path()).sign(data)).decode()


def verify(data: bytes, signature: str) -> bool:
    """Whether `signature` is this installation's of exactly `data`. Raises NoKey."""
    try:
        raw = base64.b64decode(signature, validate=True)
        _key(_path()).public_key().verify(raw, data)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def public_key() -> str:
    """The public key as PEM text, for those who verify elsewhere. Raises NoKey."""
    public = _key(_path()).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _path() -> Path:
    return Path(settings.VAR_DIR) / KEY_FILE


@functools.lru_cache(maxsize=8)
def _key(path: Path) -> Ed25519PrivateKey:
    try:
        if not path.exists():
            _make(path)
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise NoKey(f"{path} can't be read or made, or holds no key.") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise NoKey(f"{path} holds another kind of key.")
    return found


def _make(path: Path) -> None:
    """A new key in a file of its own, readable by its owner only. Of two processes that make one, the first's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(made)
            out.flush()
            os.fsync(out.fileno())
        # Under its name only once it is whole, and never in the place of another.
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        Path(part).unlink()
