"""What is kept of what a browser says by itself: what the widget's owner chose to collect, and nothing else.

What is not collected is dropped here, before it reaches a row, an event or a log.
"""

from __future__ import annotations

from chatadmin.lib.address import network_prefix
from staff.models import Widget
from users.device import device_of
from users.models import Collected
from users.visits import Arrival, DeviceInfo
from widget import sessions
from widget.frames import Page


def arrival(widget: Widget, page: Page | None, user_agent: str, address: str) -> Arrival:
    """How somebody came, as far as this widget collects it."""
    page = page or Page()
    kept = Page(
        url=page.url,
        title=title_of(widget, page.title),
        referrer=page.referrer if Collected.REFERRER in widget.collect else "",
    )
    device = device_of(user_agent) if Collected.DEVICE in widget.collect else DeviceInfo()
    network = network_prefix(address) if Collected.NETWORK in widget.collect else ""
    return sessions.arrival_of(kept, device, network)


def title_of(widget: Widget, title: str) -> str:
    """A page's title, where this widget collects titles."""
    return title if Collected.PAGE_TITLES in widget.collect else ""
