"""Runs the suite twice: on SQLite within one process, then on a real PostgreSQL and a real Redis.

`run_tests.py [--coverage] [PYTEST ARGUMENTS…]`. The second half runs where both answer ($TEST_DATABASE_URL,
$TEST_REDIS_URL, else their standard local ports); where not, a line says so. With CI=true nothing may be left
out: no half, no test; and up to MOST_AGAIN tests that failed beside others are run once more by themselves, and named.
`--coverage` runs the first half alone and shows which lines it missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from scripts.chromium import NoChromium, ensure
from scripts.services import DATABASE_URL, REDIS_URL, missing_postgresql, missing_redis

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
# Each takes a server, a browser or a database of its own; more of them than cores slow each other down.
WORKERS = max(1, min(4, os.cpu_count() or 1))
# A few of thousands lose a race on a machine that is busy with the others; more of them are a fault.
MOST_AGAIN = 3
# pytest's exit status where tests ran and some failed; any other is no matter of a test.
FAILURES = 1


@dataclass(frozen=True)
class Half:
    """One run of the whole suite: what it is called, and the two addresses it runs against ("" for none)."""

    name: str
    database_url: str = ""
    redis_url: str = ""


def skipped_tests(report: Path) -> list[str]:
    """`test: reason` for each test that a JUnit report calls skipped or expected to fail."""
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it just now
    return [
        f"{case.get('classname')}.{case.get('name')}: {skipped.get('message')}"
        for case in cases
        for skipped in case.iter("skipped")
    ]


def failed_tests(report: Path) -> list[str]:
    """Those that a JUnit report says failed, or couldn't be set up."""
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - as above
    failed = (case for case in cases if case.find("failure") is not None or case.find("error") is not None)
    return list(dict.fromkeys(f"{case.get('classname')}.{case.get('name')}" for case in failed))


def command(report: Path, cache: Path, arguments: list[str], *, with_coverage: bool) -> list[str]:
    """The words that run pytest."""
    words = ["-m", "coverage", "run", "-m", "pytest"] if with_coverage else ["-m", "pytest"]
    words += ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder", f"--junitxml={report}"]
    return [sys.executable, *words, "-o", f"cache_dir={cache}", *arguments]


def passed_alone(report: Path, cache: Path, environment: dict[str, str]) -> bool:
    """Whether the tests that failed, if they are few, pass by themselves."""
    failed = failed_tests(report) if report.exists() else []
    if not 0 < len(failed) <= MOST_AGAIN:
        return False
    print("== again, with nothing beside them:", *failed, sep="\n  ", flush=True)
    again = report.with_suffix(".again.xml")
    again.unlink(missing_ok=True)
    words = ["-m", "pytest", "-o", f"cache_dir={cache}", "--last-failed", "--last-failed-no-failures=none"]
    status = subprocess.run(
        [sys.executable, *words, f"--junitxml={again}"], cwd=ROOT, env=environment
    ).returncode
    if status != 0 or skipped_tests(again):
        return False
    print("Passed alone, so they depend on how busy the machine is:", *failed, sep="\n  ", flush=True)
    return True


def run(half: Half, arguments: list[str], browser: str, *, with_coverage: bool = False) -> bool:
    """Runs one half, its output as it comes; True where all passed and, in CI, none was skipped."""
    report = RESULTS / f"{half.name.split()[0].lower()}.xml"
    report.unlink(missing_ok=True)
    print(f"== {half.name}", flush=True)
    # Databases, servers' logs, browsers' profiles: all in one folder, which stays where there is something to look into.
    scratch = Path(tempfile.mkdtemp(prefix="chatadmin-tests-"))
    ours = {
        "DATABASE_URL": half.database_url,
        "REDIS_URL": half.redis_url,
        "CHATADMIN_VAR": str(scratch),
        "TMPDIR": str(scratch),
        "CHROMIUM": browser,
    }
    environment = {name: value for name, value in (os.environ | ours).items() if value}
    cache = scratch / "cache"
    words = command(report, cache, arguments, with_coverage=with_coverage)
    status = subprocess.run(words, cwd=ROOT, env=environment).returncode
    if status == FAILURES and IN_CI and passed_alone(report, cache, environment):
        status = 0
    if status == 0 or IN_CI:
        shutil.rmtree(scratch, ignore_errors=True)
    else:
        print(f"What the tests left is in {scratch}.", flush=True)
    skipped = skipped_tests(report) if IN_CI and report.exists() else []
    if skipped:
        print("Nothing may be skipped in CI:", *skipped, sep="\n  ", flush=True)
    return status == 0 and not skipped


def covered(arguments: list[str], browser: str) -> bool:
    """The first half under coverage, and the lines that it missed."""
    passed = run(Half("SQLite in one process"), arguments, browser, with_coverage=True)
    for words in (["combine", "-q"], ["report"]):
        subprocess.run([sys.executable, "-m", "coverage", *words], cwd=ROOT, check=True)
    return passed


def main(arguments: list[str]) -> int:
    """Exit status: 0 where everything ran and passed, else 1."""
    try:
        browser = ensure()
    except NoChromium as refusal:
        print(refusal, file=sys.stderr)
        return 1
    RESULTS.mkdir(exist_ok=True)
    if "--coverage" in arguments:
        return 0 if covered([word for word in arguments if word != "--coverage"], browser) else 1
    missing = missing_postgresql() or missing_redis()
    if missing and IN_CI:
        print(
            f"In CI the suite must run on PostgreSQL and Redis too, and {missing} was found.", file=sys.stderr
        )
        return 1
    halves = [Half("SQLite in one process")]
    if not missing:
        halves.append(Half("PostgreSQL and Redis", DATABASE_URL, REDIS_URL))
    passed = [run(half, arguments, browser) for half in halves]
    for half, ok in zip(halves, passed, strict=True):
        print(f"{half.name}: {'passed' if ok else 'FAILED'}")
    if missing:
        print(f"The half on PostgreSQL and Redis was skipped: {missing}.")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
