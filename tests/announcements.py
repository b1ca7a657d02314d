"""Hears what actions announce, without sockets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chatadmin.lib import bus


def listen(monkeypatch: pytest.MonkeyPatch, *, at_commit: bool = False) -> list[bus.Event]:
    """What is announced from now on: as it is said, or `at_commit` of the real transactions that the test makes."""
    heard: list[bus.Event] = []
    monkeypatch.setattr(bus, "_publish", heard.extend)
    if not at_commit:
        monkeypatch.setattr(bus, "transaction", SimpleNamespace(on_commit=lambda call, robust: call()))
    return heard
