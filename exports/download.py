"""An exported file on its way to a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.http.response import StreamingHttpResponse

from exports.stream import File, through_threads


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
