"""Cells: a formula is kept from running, and every text comes back as it was."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.cells import cell, cells, neutralise, restore

RISKY = ["=", "+", "-", "@", "'", "\t", "\r", "＝", "＋", "－", "＠", "＇"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("sign", RISKY)
def test_one_quote_goes_before_what_begins_like_a_formula(sign: str) -> None:
    assert neutralise(f"{sign}1+1") == f"'{sign}1+1"
    assert neutralise(sign) == f"'{sign}"


@pytest.mark.parametrize("text", ["", "a=1", " =1", "1-1", "Ünder", "١", "\n=1"])
def test_other_text_stays(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize("number", ["-1", "+1", "-12.5", "+.5", "-3.", "-1e-9", "+2E+10"])
def test_numbers_stay(number: str) -> None:
    assert neutralise(number) == number


@pytest.mark.parametrize("text", ["-1-1", "+49 30 123", "-1\n", "-", "+e5", "-１", "-٣", "-1e", "--1"])
def test_what_only_looks_like_a_number_is_quoted(text: str) -> None:
    assert neutralise(text) == "'" + text


@given(TEXT | st.tuples(st.sampled_from([*RISKY, "''"]), TEXT).map("".join))
def test_every_text_comes_back(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(TEXT)
def test_nothing_begins_like_a_formula_any_more(text: str) -> None:
    made = neutralise(text)
    assert made[:1] not in set(RISKY) - {"'"} or float(made) is not None


@given(st.lists(TEXT | st.tuples(st.sampled_from(RISKY), TEXT).map("".join), min_size=1))
def test_every_row_comes_back_through_a_csv_file(texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow([neutralise(text) for text in texts])
    [row] = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert [restore(text) for text in row] == texts


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-7, "-7"),
        (dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=3))), "2026-03-01T09:00:00Z"),
        ({"a": "ü"}, '{"a":"ü"}'),
        (["=1"], '["=1"]'),
        ({"half": "\ud83d"}, r'{"half":"\ud83d"}'),
        ("=SUM(A1)", "'=SUM(A1)"),
    ],
)
def test_values_as_cells(value: Any, made: str) -> None:
    assert cell(value) == made


NUMBER = st.none() | st.integers()
TEXTS = st.none() | TEXT | st.tuples(st.sampled_from(RISKY), TEXT | st.just("1.5")).map("".join)
OTHER = st.none() | st.booleans() | st.integers() | TEXT | st.dictionaries(TEXT, TEXT) | st.datetimes()


@given(st.lists(NUMBER) | st.lists(TEXTS) | st.lists(OTHER))
def test_a_whole_column_is_written_as_each_of_its_cells(column: list[Any]) -> None:
    written = []
    for made in (cells(column), map(cell, column)):
        file = io.StringIO(newline="")
        csv.writer(file).writerows(zip(column and range(len(column)), made, strict=True))
        written.append(file.getvalue())
    assert written[0] == written[1]
