"""Logs that hold no personal text: an exception is its type and its frames, never its message, for a database
quotes the offending value in it."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

# An invitation's address is as good as a password, who has that of a mail stops and resumes somebody's mails or makes
# their request, and Django logs the address of a request that it refuses.
SECRET_IN_ADDRESS = re.compile(r"(/(?:team/join|mail/stop|privacy/confirm)/)[^/\s]+")


def frames_of(error: BaseException | None) -> str:
    """The exception's type and where it was raised, without its message."""
    if error is None:
        return ""
    return f"{type(error).__name__}\n" + "".join(traceback.format_tb(error.__traceback__)).rstrip()


class QuietFormatter(logging.Formatter):
    """A line a record; exceptions as `frames_of` has them, wherever in the record they are, and no address that lets
    somebody in."""

    def format(self, record: logging.LogRecord) -> str:
        quiet = logging.makeLogRecord(record.__dict__)
        quiet.msg, quiet.args = _message(record), ()
        quiet.exc_text = None  # another handler may have kept the whole of it there
        return SECRET_IN_ADDRESS.sub(r"\1…", super().format(quiet))

    def formatException(  # noqa: N802
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return frames_of(ei[1])


def _message(record: logging.LogRecord) -> str:
    if isinstance(record.args, tuple):
        record = logging.makeLogRecord(record.__dict__)
        record.args = tuple(
            type(arg).__name__ if isinstance(arg, BaseException) else arg for arg in record.args or ()
        )
    message = record.getMessage()
    if record.name == "asyncio":  # its first line says what happened, the others show the exception
        message = message.partition("\n")[0]
    error = record.exc_info[1] if record.exc_info else None
    told = str(error) if error is not None else ""
    return message.replace(told, "…") if told else message


def _quiet_exceptions(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error and not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["frames"] = frames_of(error)
    for key, value in event.items():
        if isinstance(value, BaseException):
            event[key] = type(value).__name__
    return event


def configure() -> None:
    """Sets up structlog: logfmt on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _quiet_exceptions,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
