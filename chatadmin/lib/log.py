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

# An invitation's address is as good as a password, and Django logs the address of a request that it refuses.
SECRET_IN_ADDRESS = re.compile(r"(/team/join/)[^/\s]+")


def frames_of(error: BaseException | None) -> str:
    """The exception's type and where it was raised, without its message."""
    if error is None:
        return ""
    return f"{type(error).__name__}\n" + "".join(traceback.format_tb(error.__traceback__)).rstrip()


class QuietFormatter(logging.Formatter):
    """A line a record; exceptions as `frames_of` has them, and no address that lets somebody in."""

    def format(self, record: logging.LogRecord) -> str:
        return SECRET_IN_ADDRESS.sub(r"\1…", super().format(record))

    def formatException(  # noqa: N802
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return frames_of(ei[1])


def _quiet_exceptions(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["frames"] = frames_of(error)
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
