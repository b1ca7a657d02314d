"""What a browser's page is told by socket."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.widget.fake_chat import until


class Frames:
    """All frames of a page, from before it opens its first socket."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.texts: list[str] = []
        page.on("websocket", lambda opened: opened.on("framereceived", self._take))

    def _take(self, payload: str | bytes) -> None:
        self.texts.append(str(payload))

    def wait_for(self, part: str) -> None:
        """Until one has come that holds `part`. Raises AssertionError."""
        until(self.page, lambda: any(part in text for text in self.texts), f"no frame with {part}")
