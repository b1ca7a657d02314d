"""The table of what is held in docs/security.md is the register's."""

from __future__ import annotations

from pathlib import Path

import pytest

from exports.register import REGISTER
from scripts import held_table


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "security.md"
    copy.write_text(held_table.PAGE.read_text())
    monkeypatch.setattr(held_table, "PAGE", copy)
    return copy


def test_it_has_a_line_for_each_table_and_is_as_it_must_be(page: Path) -> None:
    rows = page.read_text().partition(held_table.BEGIN)[2].partition(held_table.END)[0].splitlines()[2:]
    assert len(rows) == len(REGISTER)
    assert held_table.main(["--check"]) == 0


def test_one_that_is_not_is_told_and_mended(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = page.read_text()
    page.write_text(right.replace("tags on them", "tags"))
    assert held_table.main(["--check"]) == 1
    assert "the register has changed" in capsys.readouterr().out
    assert held_table.main([]) == 0
    assert page.read_text() == right


def test_a_page_without_its_place_is_refused() -> None:
    with pytest.raises(ValueError, match="is missing"):
        held_table.renewed("# Security\n")
