"""bench/export/tables.py: what came out of the exports, and what was kept or missed."""

from __future__ import annotations

from typing import Any

from bench.__main__ import DOCUMENT, EXPORT_MARKS, put_into
from bench.export.tables import report, targets


def inside(messages: int, ours: float, stock: float) -> dict[str, Any]:
    return {
        "messages": messages,
        "form": "json",
        "ours": {"seconds": ours, "peak_mb": 5.0},
        "stock": {"seconds": stock, "peak_mb": 2_300.0},
    }


def served(messages: int, first: float, memory: float) -> dict[str, Any]:
    return {
        "messages": messages,
        "form": "json",
        "first_ms": first,
        "seconds": 2.0,
        "bytes": 1_000_000,
        "memory_mb": memory,
    }


def document(long: float = 60.0, memory: float = 30.0) -> dict[str, Any]:
    return {
        "made_at": "2026-11-24T12:00:00+00:00",
        "scale": "full",
        "hardware": {"processor": "A chip", "cores": 2, "memory_gb": 8, "system": "Linux 6"},
        "load_average_before": 0.1,
        "export": {
            "sqlite": {
                "inside": [inside(10_000, 0.1, 0.7), inside(1_000_000, 10.0, long)],
                "served": [served(10_000, 20.0, 20.0), served(1_000_000, 150.0, memory)],
            }
        },
    }


def test_rows_a_second_and_the_ratio() -> None:
    text = report(document())
    line = next(line for line in text.splitlines() if line.startswith("| 1,000,000 messages, JSON"))
    assert [cell.strip() for cell in line.split("|")[2:4]] == ["10.00", "100,000"]
    assert "6.0 ×" in line


def test_what_was_kept_and_what_was_missed() -> None:
    kept = list(targets(document()["export"]))
    assert [target.is_met for target in kept] == [True] * 4
    missed = list(targets(document(long=30.0, memory=95.0)["export"]))
    assert [target.is_met for target in missed] == [False, True, False, False]
    assert missed[0].measured == 3.0 and missed[3].measured == 75.0


def test_the_document_has_a_place_for_it() -> None:
    assert "A table" in put_into(DOCUMENT.read_text(), "A table", EXPORT_MARKS)
