"""The locks hold what pyproject.toml asks for, and nothing of the machine that wrote them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {"base": PROJECT["project"]["dependencies"], "test": PROJECT["dependency-groups"]["test"]}


def blocks(name: str) -> list[str]:
    """One text per locked package: the line that pins it and the hashes that follow."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    return re.split(r"\n(?=\S)", text.strip())


def pins(name: str) -> dict[str, set[str]]:
    """The versions locked for each package; several where they differ by platform or Python."""
    found: dict[str, set[str]] = {}
    for block in blocks(name):
        requirement = Requirement(block.split("\\")[0].strip())
        versions = {one.version for one in requirement.specifier if one.operator == "=="}
        found.setdefault(canonicalize_name(requirement.name), set()).update(versions)
    return found


@pytest.mark.parametrize("name", ["base", "test"])
def test_what_is_asked_for_is_locked_within_its_bounds(name: str) -> None:
    locked = pins(name)
    for asked in map(Requirement, ASKED[name]):
        versions = locked.get(canonicalize_name(asked.name), set())
        assert versions, f"{asked.name} is not locked: run make lock"
        assert all(asked.specifier.contains(version) for version in versions), f"{asked}: run make lock"


@pytest.mark.parametrize("name", ["base", "test"])
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    assert len(blocks(name)) > 20
    for block in blocks(name):
        assert re.match(r"\S+==\S+", block), block
        assert "--hash=sha256:" in block, block


def test_both_locks_agree() -> None:
    base, test = pins("base"), pins("test")
    shared = base.keys() & test.keys()
    assert "django" in shared
    assert {name: base[name] for name in shared} == {name: test[name] for name in shared}


@pytest.mark.parametrize("name", ["base", "test"])
def test_a_lock_names_no_host_and_no_path(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    assert not re.search(r"https?:|--(?:extra-)?index-url|--find-links|(?<!\w)/\w", text)
