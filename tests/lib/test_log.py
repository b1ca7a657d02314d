"""Logs hold no personal text: of an exception its type and where it was raised, never its words."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from chatadmin.lib import log as module
from chatadmin.lib.log import QuietFormatter, frames_of

PRIVATE = "ann@example.com said hello"


def fail() -> None:
    raise ValueError(PRIVATE)


def failed() -> ValueError:
    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a logger of the standard library writes through our formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(QuietFormatter("%(levelname)s %(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("tests.quiet", "asyncio", "django.db.backends.base")]
    for logger in loggers:
        logger.addHandler(handler)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def test_an_exceptions_words_are_left_out(lines: io.StringIO):
    try:
        fail()
    except ValueError:
        logging.getLogger("tests.quiet").exception("It failed")
    written = lines.getvalue()
    assert written.startswith("ERROR tests.quiet It failed\nValueError\n")
    assert "test_log.py" in written and "in fail" in written
    assert PRIVATE not in written


def test_an_exception_as_an_argument_is_its_type(lines: io.StringIO):
    logging.getLogger("tests.quiet").error("%s: %s of %d", "Refused", failed(), 7)
    assert lines.getvalue() == "ERROR tests.quiet Refused: ValueError of 7\n"


def test_an_exception_in_the_message_itself_is_left_out(lines: io.StringIO):
    error = failed()
    message = f"Error calling it ({error})."
    logging.getLogger("tests.quiet").error(message, exc_info=error)
    assert lines.getvalue().startswith("ERROR tests.quiet Error calling it (…).\nValueError\n")


def test_what_another_handler_kept_is_not_used(lines: io.StringIO):
    record = logging.LogRecord(
        "tests.quiet", logging.ERROR, "f", 1, "It failed", (), (ValueError, failed(), None)
    )
    logging.Formatter().format(record)
    assert record.exc_text is not None and PRIVATE in record.exc_text
    assert PRIVATE not in QuietFormatter("%(message)s").format(record)
    # And ours leaves the record as it was.
    assert PRIVATE in record.exc_text


def test_plain_records_are_as_they_were(lines: io.StringIO):
    logger = logging.getLogger("tests.quiet")
    logger.warning("%d of %s", 3, "five")
    logger.warning("%(a)s", {"a": 1})
    logger.warning("100 %")
    assert lines.getvalue() == (
        "WARNING tests.quiet 3 of five\nWARNING tests.quiet 1\nWARNING tests.quiet 100 %\n"
    )


def test_no_address_that_lets_somebody_in_or_stops_somebodys_mails(lines: io.StringIO):
    logger = logging.getLogger("tests.quiet")
    for address in (
        "/team/join/Ab-9_x/",
        "/mail/stop/Ab-9_x.yZ/",
        "/privacy/confirm/gAAAAAb-9_x==/",
        "/users/Ab-9_x/",
    ):
        logger.warning("Not Found: %s", address)
    assert lines.getvalue().splitlines() == [
        "WARNING tests.quiet Not Found: /team/join/…/",
        "WARNING tests.quiet Not Found: /mail/stop/…/",
        "WARNING tests.quiet Not Found: /privacy/confirm/…/",
        "WARNING tests.quiet Not Found: /users/Ab-9_x/",
    ]


def test_a_task_that_nobody_waited_for(lines: io.StringIO):
    async def body() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        future.set_exception(failed())
        loop.call_exception_handler({"message": "Future exception was never retrieved", "future": future})
        future.exception()
        loop.call_exception_handler({"message": "Task failed", "exception": failed(), "person": PRIVATE})

    asyncio.run(body())
    written = lines.getvalue()
    assert "Future exception was never retrieved" in written
    assert "Task failed\nValueError" in written
    assert PRIVATE not in written


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_a_commit(lines: io.StringIO):
    from django.db import transaction

    with transaction.atomic():
        transaction.on_commit(fail, robust=True)
    assert "on_commit" in lines.getvalue()
    assert PRIVATE not in lines.getvalue()


def test_frames_tell_where(lines: io.StringIO):
    found = frames_of(failed())
    assert found.startswith("ValueError\n") and "in fail" in found
    assert PRIVATE not in found
    assert frames_of(None) == ""


@pytest.fixture
def structured(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    held = structlog.get_config()
    monkeypatch.setattr(sys, "stderr", stream)
    module.configure()
    yield stream
    structlog.configure(**held)


def test_ours_are_one_line_each(structured: io.StringIO):
    log = structlog.get_logger("tests")
    log.warning("hub.failed", hub="VisitorHub", error="ValueError", exc_info=failed())
    log.info("bus.sent", text='a "b"\nc=d')
    first, second = structured.getvalue().splitlines()
    assert "level=warning event=hub.failed" in first and "error=ValueError" in first
    assert "in fail" in first and PRIVATE not in first
    assert second.endswith('event=bus.sent text="a \\"b\\"\\nc=d"')


def test_ours_leave_words_out_however_the_exception_is_given(structured: io.StringIO):
    log, current = structlog.get_logger("tests"), {"exc_info": True}
    try:
        fail()
    except ValueError as error:
        log.exception("one")
        log.error("two", **current)
        log.error("three", exc_info=(type(error), error, error.__traceback__))
        log.error("four", reason=error)
    log.error("five", **current)
    written = structured.getvalue().splitlines()
    assert ["in fail" in line for line in written] == [True, True, True, False, False]
    assert "reason=ValueError" in written[3]
    assert PRIVATE not in structured.getvalue()
