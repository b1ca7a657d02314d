"""Measures search, the live part, exports and erasures, prints tables: `make bench ARGS="[SECTION…] [--markdown] [--adopt]"`.

BENCH_SCALE: small (default), medium or full. BENCH_ONLY: sqlite or postgresql alone. BENCH_DATABASE_URL: a database of
the PostgreSQL server in which databases `<BENCH_NAME>_<scale>` are made (default: TEST_DATABASE_URL, else the local
one; `bench`). BENCH_REDIS_URL: the Redis that the server uses on PostgreSQL. What is loaded is used again next time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench import machine
from bench.erasure.tables import report as erasure_report
from bench.export.tables import report as export_report
from bench.live.tables import report as live_report
from bench.places import ENGINES, ROOT, SIZES, folder
from bench.progress import say
from bench.run import APART, SECTIONS, Failed, erasure, export, live, measure, no_postgresql, prepare
from bench.tables import report

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- what make bench printed -->", "<!-- end of it -->"
LIVE_BEGIN, LIVE_END = "<!-- what make bench printed of the live part -->", "<!-- end of the live part -->"
EXPORT_MARKS = ("<!-- what make bench printed of the export -->", "<!-- end of the export -->")
ERASURE_MARKS = ("<!-- what make bench printed of the erasure -->", "<!-- end of the erasure -->")


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measures search, the list, the live part, exports and erasures."
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)} (all)")
    parser.add_argument("--markdown", action="store_true", help="also put the tables into docs/benchmarks.md")
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="use data loaded by `manage.py demo` that bear no mark, as they are",
    )
    chosen = parser.parse_args(words)
    unknown = set(chosen.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return chosen


def put_into(text: str, tables: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """`text` with `tables` between its two marks. Raises ValueError where they aren't there."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (begin and end):
        raise ValueError(f"{marks[0]} and {marks[1]} aren't there")
    return f"{before}{begin}\n{tables}\n{end}{after}"


def engines(only: str) -> tuple[list[str], str]:
    """The database systems to measure, and what is wrong where one of them can't be."""
    if only not in ("", *ENGINES):
        sys.exit(f"BENCH_ONLY={only}: give {' or '.join(ENGINES)}.")
    if only == "sqlite":
        return ["sqlite"], ""
    missing = no_postgresql()
    if missing and only:
        sys.exit(f"No PostgreSQL answers: {missing}. Set BENCH_DATABASE_URL.")
    if missing:
        return ["sqlite"], f"PostgreSQL was NOT measured, none answers: {missing}. Set BENCH_DATABASE_URL."
    return (["postgresql"] if only else ["sqlite", "postgresql"]), ""


def main(words: list[str]) -> int:
    """Exit status: 0 where all was measured, whatever came out; 1 where something couldn't be."""
    chosen = arguments(words)
    sections = [name for name in SECTIONS if name in chosen.sections or not chosen.sections]
    scale = os.environ.get("BENCH_SCALE") or "small"
    if scale not in SIZES:
        sys.exit(f"BENCH_SCALE={scale}: give one of {', '.join(SIZES)}.")
    measured, missing = engines(os.environ.get("BENCH_ONLY", ""))
    if missing:
        print(missing, file=sys.stderr)
    prepare()
    began = time.monotonic()
    document: dict[str, Any] = {
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "scale": scale,
        "sections": sections,
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        "load_average_before": machine.load_average(),
        "engines": {},
        "live": {},
        "export": {},
        "erasure": {},
    }
    failed = ""
    for engine in measured:
        try:
            failed = measure_one(document, engine, adopt=chosen.adopt) or failed
        except Failed as error:
            failed = str(error)
            print(failed, file=sys.stderr)
    document["seconds"] = round(time.monotonic() - began)
    show(document, into_docs=chosen.markdown)
    for problem in (missing, failed):
        if problem:
            print(problem, file=sys.stderr)
    return 1 if missing or failed else 0


def measure_one(document: dict[str, Any], engine: str, *, adopt: bool) -> str:
    """Writes into the document what is measured of one database system. Returns what is wrong, or "". Raises Failed."""
    stored = [name for name in document["sections"] if name not in APART]
    if stored:
        document["engines"][engine] = measure(engine, document["scale"], stored, adopt=adopt)
    if "export" in document["sections"]:
        document["export"][engine] = export(engine, document["scale"])
    wrong = []
    for name, measured in (("erasure", erasure), ("live", live)):
        if name in document["sections"]:
            document[name][engine], problem = measured(engine, document["scale"])
            wrong.append(problem)
    return "; ".join(filter(None, wrong))


def show(document: dict[str, Any], *, into_docs: bool) -> None:
    """Writes `bench.json`, and prints the tables."""
    out: Path = folder().parent / "bench.json"
    out.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    printed = []
    if document["engines"]:
        printed.append((report(document), (BEGIN, END)))
    if document["live"]:
        printed.append((live_report(document), (LIVE_BEGIN, LIVE_END)))
    if document["export"]:
        printed.append((export_report(document), EXPORT_MARKS))
    if document["erasure"]:
        printed.append((erasure_report(document), ERASURE_MARKS))
    for tables, marks in printed:
        print(f"\n{tables}\n")
        if into_docs:
            DOCUMENT.write_text(put_into(DOCUMENT.read_text(), tables, marks))
    say(f"{document['seconds']} s in all; the numbers are in {out}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
