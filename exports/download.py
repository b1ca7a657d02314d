"""An exported file on its way to a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.http.response import StreamingHttpResponse

from exports.stream import File, through_threads

READ_BYTES = 256 * 1024


class FileGone(Exception):
    """The file was deleted while it was downloaded."""


def as_download(request: HttpRequest, file: File) -> StreamingHttpResponse:
    """The file as it is read."""
    # Django holds the whole answer in memory where the kind of iterator isn't the server's own.
    blocks: AsyncIterator[bytes] | Iterator[bytes] = (
        through_threads(file.blocks) if isinstance(request, ASGIRequest) else file.blocks
    )
    return StreamingHttpResponse(
        blocks,
        content_type=file.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Cache-Control": "no-store",
        },
    )


def file_download(request: HttpRequest, path: Path, name: str, media_type: str) -> StreamingHttpResponse:
    """A file of the private place, with its length; it breaks off once the file is deleted."""
    answer = as_download(request, File(name, media_type, _blocks(path)))
    answer.headers["Content-Length"] = str(path.stat().st_size)
    return answer


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            # Somebody in it may have been erased meanwhile.
            if not path.exists():
                raise FileGone
            yield block
