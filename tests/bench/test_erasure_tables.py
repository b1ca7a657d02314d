"""bench/erasure/: what came out of the erasures, what was kept or missed, and that what is left is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.__main__ import DOCUMENT, ERASURE_MARKS, put_into
from bench.erasure.__main__ import problems
from bench.erasure.canaries import BLOCK, COUNT, found_in, words
from bench.erasure.scene import parts, transactions
from bench.erasure.tables import report, targets
from bench.erasure.timing import Timed
from bench.figures import summary


def one(messages: int, longest: float, ack: float, memory: float) -> dict[str, Any]:
    return {
        "counts": {"messages": messages},
        "seconds": 40.0,
        "parts": {"overwrite": 3.25, "look": 0.5},
        "transactions": {
            "count": 1_234,
            "longest": {"what": "exports.erasure._remove_chunk", "ms": longest, "busy_ms": 9.0},
        },
        "ack_before": summary([[4.0]]),
        "ack": summary([[ack]]),
        "ack_most": 2 * ack,
        "memory": {"before": 100.0, "above": memory},
    }


def found(longest: float = 60.0, ack: float = 20.0, memory: float = 3.0) -> dict[str, Any]:
    return {
        "short": one(10_000, 50.0, 10.0, 2.0),
        "long": one(1_000_000, longest, ack, memory),
        "left": {},
        "is_right": True,
        "proof": {"lost": 0},
        "canaries": {
            "planted": 2,
            "before": {"main": ["bcd"], "main-wal": ["bcd", "cdf"]},
            "after": {"main": []},
        },
    }


def document(**measured: float) -> dict[str, Any]:
    return {
        "made_at": "2026-11-24T12:00:00+00:00",
        "scale": "full",
        "hardware": {"processor": "A chip", "cores": 2, "memory_gb": 8, "system": "Linux 6"},
        "load_average_before": 0.1,
        "erasure": {"sqlite": found(**measured)},
    }


def test_a_row_says_what_it_took() -> None:
    text = report(document())
    line = next(line for line in text.splitlines() if line.startswith("| 1,000,000 messages"))
    cells = [cell.strip() for cell in line.split("|")[2:-1]]
    assert cells == ["40.0", "3.25", "0.50", "1,234", "60.0", "4.00", "20.0", "40.0", "3.0"]
    assert "_remove_chunk, 9.00 ms of it at work" in text
    assert "Of 2 words that stood nowhere else 2 were in the files before, and 0 afterwards." in text


def test_what_was_kept_and_what_was_missed() -> None:
    assert [target.is_met for target in targets(document()["erasure"])] == [True] * 4
    missed = list(targets(document(longest=251.0, ack=51.0, memory=20.0)["erasure"]))
    assert [target.is_met for target in missed] == [False] * 4
    assert (missed[2].measured, missed[3].measured) == (51.0 / 4.0, 18.0)


def test_the_document_has_a_place_for_it() -> None:
    assert "A table" in put_into(DOCUMENT.read_text(), "A table", ERASURE_MARKS)


def test_what_is_wrong_is_said() -> None:
    assert problems(found()) == []
    wrong = found()
    wrong["left"] = {"redis": 2}
    wrong["is_right"], wrong["proof"] = False, {"lost": 1}
    wrong["canaries"] = {"planted": 3, "before": {"main": ["bcd"]}, "after": {"main-wal": ["bcd"]}}
    said = problems(wrong)
    assert len(said) == 4
    assert "redis: 2" in said[0] and "lost" in said[1] and "only 1 of 3" in said[2] and "main-wal" in said[3]


def test_parts_are_added_up_and_transactions_are_not() -> None:
    timed = [
        Timed(1.0, 0.2, 0.1, "overwrite", True, is_part=True),
        Timed(2.0, 0.3, 0.1, "overwrite", True, is_part=True),
        Timed(3.0, 0.04, 0.03, "exports.erasure._remove_chunk", True),
        Timed(4.0, 0.06, 0.02, "exports.erasure._remove_chunk", True),
        Timed(5.0, 0.05, 0.01, "exports.erasure._bury", True),
        Timed(6.0, 0.9, 0.01, "conversations.writing.write", False),
    ]
    assert parts(timed) == {"overwrite": 0.5}
    said = transactions(timed)
    assert said["count"] == 3 and said["others_ms"] == 900.0
    assert said["longest"] == {"what": "exports.erasure._remove_chunk", "ms": 60.0, "busy_ms": 20.0}
    assert [kind["ms"] for kind in said["kinds"]] == [60.0, 50.0]


def test_words_begin_otherwise_and_a_piece_of_one_is_found(tmp_path: Path) -> None:
    planted = words(7)
    assert len({word[0] for word in planted}) == len(planted) == COUNT
    assert planted == words(7) != words(8)
    # An index keeps the beginning of a word, or its end, where the rest stood before it.
    first, second, third = (tmp_path / name for name in ("one", "two", "three"))
    first.write_bytes(b"\x00" * 100 + planted[3][2:7].encode() + b"\x00")
    second.write_bytes(b"\x00" * (BLOCK - 4) + planted[4][-8:].encode() + b"\x00")
    assert found_in([first, second, third], planted) == {"one": [planted[3]], "two": [planted[4]]}
