"""Reads settings from the environment and turns a wrong one into a sentence that says what to do."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable's value without white space around it, or `default` where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def words(name: str) -> list[str]:
    """A comma-separated variable as a list of its non-empty parts."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def whole(name: str, default: int, *, least: int = 0, most: int = 65_535) -> int:
    """A whole number between `least` and `most`. Raises ImproperlyConfigured for anything else."""
    raw = text(name, str(default))
    if not raw.isascii() or not raw.isdigit() or len(raw) > 18 or not least <= int(raw) <= most:
        raise ImproperlyConfigured(f"{name}={raw!r}: give a whole number from {least} to {most}.")
    return int(raw)


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`. Raises ImproperlyConfigured for anything else."""
    raw = text(name, default)
    if raw not in allowed:
        raise ImproperlyConfigured(f"{name}={raw!r}: give one of {', '.join(allowed)}.")
    return raw


def flag(name: str) -> bool:
    """True for 1, true, yes, on. Raises ImproperlyConfigured for what is neither yes nor no."""
    raw = text(name).lower()
    if raw not in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name}={raw!r}: give 1 or 0.")
    return raw in {"1", "true", "yes", "on"}


def secret_key(var: Path) -> str:
    """SECRET_KEY from the environment, else from the file that `make run` keeps in `var`."""
    value = text("SECRET_KEY")
    if value:
        return value
    try:
        kept = (var / "secret_key").read_text().strip()
    except (OSError, UnicodeDecodeError):
        kept = ""
    if kept:
        return kept
    raise ImproperlyConfigured(
        "No secret: set SECRET_KEY to 50 random characters or more, or start once with `make run`,"
        f" which keeps one in {var}/secret_key (delete that file if it is empty)."
    )


SQLITE_INIT = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA secure_delete=ON;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA mmap_size=134217728;"
)


def database(var: Path) -> dict:
    """DATABASE_URL as Django's settings: `sqlite:///path` (three slashes relative, four absolute) or
    `postgres://user:password@host:port/name?options`; default: SQLite in `var`."""
    url = text("DATABASE_URL")
    if not url:
        return _sqlite(var / "chatadmin.sqlite3")
    parts = _parts("DATABASE_URL", url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path[1:])
        if not path or parts.netloc:
            raise ImproperlyConfigured(
                "DATABASE_URL: give sqlite:///relative/file or sqlite:////absolute/file."
            )
        return _sqlite(Path(path))
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgres(parts)
    raise ImproperlyConfigured(f"DATABASE_URL: {parts.scheme or 'no'} scheme; give sqlite:// or postgres://.")


def _parts(name: str, url: str) -> SplitResult:
    """The parts of an address; its port, if it has one, is a number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is no address: is the port a number, and is each of @ : / ? # [ ] in the password written as"
            " %40 %3A %2F %3F %23 %5B %5D?"
        ) from None
    return parts


def _sqlite(path: Path) -> dict:
    return {
        "ENGINE": "chatadmin.lib.sqlite",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_INIT},
        # A file, not memory: the server under test is a process of its own.
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }


def _postgres(parts: SplitResult) -> dict:
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL: give postgres://user:password@host:port/NAME.")
    options: dict = dict(parse_qsl(parts.query))
    # Compiling a statement takes longer than any of ours may run.
    options["options"] = f"-c jit=off {options.get('options', '')}".strip()
    options["pool"] = {"min_size": 1, "max_size": whole("DATABASE_POOL", 16, least=1, most=500)}
    return {
        "ENGINE": "chatadmin.lib.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or 5432,
        "CONN_MAX_AGE": 0,
        "OPTIONS": options,
    }


def redis_url() -> str:
    """REDIS_URL: `redis://host:port/number`, `rediss://…` or `unix://path`; "" where there is none."""
    url = text("REDIS_URL")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable and not url.startswith("unix://"):
        raise ImproperlyConfigured("REDIS_URL: give redis://host:6379/0, rediss://… or unix://path.")
    return url


def origin(name: str) -> str:
    """`https://host` or `http://host:port`, without a slash at its end; "" where the variable is unset."""
    url = text(name)
    if not url:
        return ""
    wrong = ImproperlyConfigured(f"{name}={url!r}: give https://host or https://host:port, without a path.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise wrong from None
    more = (
        parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc or "*" in parts.netloc
    )
    if parts.scheme not in {"http", "https"} or not parts.hostname or more or any(map(str.isspace, url)):
        raise wrong
    return f"{parts.scheme}://{parts.netloc.lower()}"


def email(default_from: str) -> dict:
    """EMAIL_URL (`smtp://user:password@host:587`, `smtps://…`, `console://`) as Django's mail settings;
    unset: mail is off."""
    url = text("EMAIL_URL")
    settings: dict = {
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "DEFAULT_FROM_EMAIL": text("EMAIL_FROM", default_from),
    }
    if not url:
        return settings
    parts = _parts("EMAIL_URL", url)
    if parts.scheme == "console":
        return settings | {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL: give smtp://user:password@host:587, smtps://… or console://.")
    return settings | {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
        "EMAIL_TIMEOUT": 15,
    }
