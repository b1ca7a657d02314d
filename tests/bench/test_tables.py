"""bench/tables.py and bench/targets.py: what came out as tables, and what was kept or missed and by how much."""

from __future__ import annotations

from typing import Any

import pytest

from bench.__main__ import BEGIN, DOCUMENT, END, arguments, put_into
from bench.figures import summary
from bench.tables import report, table
from bench.targets import Target, targets

DATA = {"people": 20, "messages": 200, "rows": 210, "words": 9, "bytes": 1_500_000, "server": "15.1"}


def took(milliseconds: float) -> dict[str, Any]:
    return summary([[milliseconds] * 3] * 5)


def one_class(milliseconds: float, **more: Any) -> dict[str, Any]:
    return {
        "share": "1 %",
        "wrong": [],
        "partial": [],
        "database": took(milliseconds),
        "whole": took(milliseconds + 1),
        **more,
    }


def document(**result: Any) -> dict[str, Any]:
    return {
        "made_at": "2026-11-24T12:00:00+00:00",
        "scale": "full",
        "hardware": {"processor": "A chip", "cores": 2, "memory_gb": 8, "system": "Linux 6"},
        "versions": {"Python": "3.11.7"},
        "engines": {"postgresql": {"datasets": {"full": DATA}, **result}},
    }


def lines(text: str, part: str) -> list[str]:
    return [line for line in text.splitlines() if part in line]


def test_columns_line_up() -> None:
    assert table(["a", "b"], [["one|two", "1"], ["x", "1,234"]]).splitlines() == [
        "| a        |     b |",
        "|----------|------:|",
        "| one\\|two |     1 |",
        "| x        | 1,234 |",
    ]


def test_the_worst_class_decides_and_is_named() -> None:
    found = {"one": one_class(2.0), "20": one_class(30.0), "1": one_class(12.0), "apart": one_class(99.0)}
    text = report(document(search=found))
    assert len(lines(text, "two common words, never in one message")) == 1
    (line,) = lines(text, "message search, p95")
    assert "≤ 25.0 ms" in line and "30.0 ms (20 %)" in line and "MISSED, 1.2 times it" in line
    assert text.index("| one match") < text.index("| 1 %") < text.index("| 20 %")


def test_pages_that_are_wrong_or_cut_short_are_told() -> None:
    fine = report(document(search={"one": one_class(2.0)}))
    assert "WRONG" not in fine and "budget" not in fine
    found = {"one": one_class(2.0, wrong=["kettle"]), "20": one_class(3.0, partial=["the"])}
    text = report(document(search=found))
    assert "WRONG pages: one match: kettle." in text
    assert "pages that met the time budget: 20 %: the." in text


def test_what_was_broken_off_is_a_bound() -> None:
    admin = [
        {"term": "a", "share": "1 %", "ours": 10.0, "theirs": 60_000.0, "broken_off": True},
        {"term": "b", "share": "2 %", "ours": 10.0, "theirs": 70_000.0, "broken_off": False},
    ]
    text = report(document(admin=admin))
    assert "> 6,000 ×" in text and "7,000 ×" in text and "> 7,000" not in text
    (line,) = lines(text, "as fast as a stock admin")
    assert "≥ 6,000 × (a)" in line and "met, 6.0 times it" in line


def test_growth_compares_the_ends() -> None:
    growth = {
        "small": {"one": one_class(4.0), "1": one_class(8.0)},
        "medium": {"one": one_class(1.0), "1": one_class(9.0)},
        "full": {"one": one_class(6.0), "1": one_class(24.0)},
    }
    text = report(document(growth=growth))
    assert [cell.strip() for cell in lines(text, "| one match")[0].split("|")[2:-1]] == [
        *("4.00", "1.00", "6.00", "1.5 ×"),
    ]
    (line,) = lines(text, "p95 at full beside small")
    assert "3.00 × (1 %)" in line and "MISSED, 1.5 times it" in line


def test_the_list_far_down() -> None:
    far = {
        "page": 10_000,
        **{f"{where} name": {"database": took(value)} for where, value in (("first", 2.0), ("far", 3.0))},
    }
    first = {name: {"database": took(5.0)} for name in ("all", "sort=name", "vip=yes")}
    people = {"first": {"times": first, "asked": 12, "partial": 1}, "far": far}
    text = report(document(people=people))
    assert "Of 12 pages 1 met the time budget." in text
    assert "page 10,000" in lines(text, "| order")[0]
    (line,) = lines(text, "page 10,000 beside page 1")
    assert "1.50 × (sort=name)" in line and "met, 75 % of it" in line


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert targets({"sqlite": {"datasets": {}}}, "full") == []
    text = report(document())
    assert "####" not in text and "200 messages" in text


@pytest.mark.parametrize(
    ("target", "margin"),
    [
        (Target("a", 25, 10, "ms"), "met, 40 % of it"),
        (Target("a", 25, 50, "ms"), "MISSED, 2.0 times it"),
        (Target("a", 10, 25, "×", is_least=True), "met, 2.5 times it"),
        (Target("a", 10, 9, "×", is_least=True), "MISSED, 90 % of it"),
    ],
)
def test_margins(target: Target, margin: str) -> None:
    assert target.margin == margin


def test_the_document_has_room_for_the_tables() -> None:
    written = put_into(DOCUMENT.read_text(), "the tables")
    assert f"{BEGIN}\nthe tables\n{END}" in written
    assert put_into(written, "others") == put_into(DOCUMENT.read_text(), "others")
    with pytest.raises(ValueError, match="aren't there"):
        put_into("nothing", "the tables")


def test_sections_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert arguments(["list", "messages", "--markdown"]).sections == ["list", "messages"]
    with pytest.raises(SystemExit):
        arguments(["lists"])
    assert "no such section: lists" in capsys.readouterr().err
