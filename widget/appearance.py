"""How a widget looks and what it says, as its owner set it up."""

from __future__ import annotations

import sys
from typing import Any

from conversations.mailing import missing
from staff.models import Widget
from widget import frames


def appearance(widget: Widget) -> dict[str, Any]:
    """The widget as `welcome` describes it. `mail`: unread replies are mailed, so that its words may promise it."""
    asked = [name for name, wanted in (("name", widget.ask_name), ("email", widget.ask_email)) if wanted]
    return {
        "title": widget.title,
        "greeting": widget.greeting,
        "away": widget.away,
        "accent": widget.accent,
        "side": widget.side,
        "ask": asked,
        "mail": widget.mail_replies and not missing(),
    }


def settings_frame(widget: Widget, *, staff_online: bool) -> str:
    """What a tab is told of the widget, as one text. Each tab keeps what it was told, and all the same one."""
    return sys.intern(frames.encode("settings", widget=appearance(widget), staff_online=staff_online))
