"""In CI a few tests that failed beside others get a second try by themselves; what fails again has failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import run_tests
from scripts.run_tests import MOST_AGAIN, Half

SUITE = """
import pathlib, pytest

@pytest.mark.parametrize("number", range({count}))
def test_one(number):
    tried = pathlib.Path(__file__).with_name(f"tried-{{number}}")
    times = int(tried.read_text()) if tried.exists() else 0
    tried.write_text(str(times + 1))
    assert times >= {fails}
    {then}

def test_other():
    pass
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a suite of its own is run as CI runs ours."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:django\n")
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    monkeypatch.setattr(run_tests, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run_tests, "WORKERS", 1)
    monkeypatch.setattr(run_tests, "IN_CI", True)
    return tmp_path


def run(suite: Path, count: int, *, fails: int, then: str = "pass") -> tuple[bool, int]:
    """Runs so many tests of which each fails so often. Whether CI passes, and how often the first was tried."""
    (suite / "test_it.py").write_text(SUITE.format(count=count, fails=fails, then=then))
    return run_tests.run(Half("It"), ["-q"], ""), int((suite / "tried-0").read_text())


@pytest.mark.parametrize(
    ("count", "fails", "passes", "tried"),
    [
        (2, 2, False, 2),
        (MOST_AGAIN, 1, True, 2),
        (MOST_AGAIN + 1, 1, False, 1),
    ],
)
def test_a_few_are_tried_twice(
    suite: Path, count: int, fails: int, passes: bool, tried: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(suite, count, fails=fails) == (passes, tried)
    named = "test_it.test_one[0]" in capfd.readouterr().out.partition("Passed alone")[2]
    assert named is passes


def test_one_that_is_skipped_the_second_time_has_not_passed(suite: Path) -> None:
    assert run(suite, 1, fails=1, then="pytest.skip('no')") == (False, 2)


def test_elsewhere_than_in_ci_a_failure_is_one(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "IN_CI", False)
    assert run(suite, 1, fails=1) == (False, 1)


def test_what_is_no_test_that_failed_has_no_second_try(suite: Path) -> None:
    (suite / "conftest.py").write_text("import nothing_of_the_kind\n")
    (suite / "tried-0").write_text("0")
    assert run(suite, 1, fails=1) == (False, 0)
