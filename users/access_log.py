"""The audit log's lines about one person, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from staff.models import AuditEntry

WORDS = {
    "user.viewed": gettext_lazy("Looked at the profile"),
    "user.edited": gettext_lazy("Corrected the details"),
    "user.blocked": gettext_lazy("Blocked"),
    "user.unblocked": gettext_lazy("Unblocked"),
    "user.vip_on": gettext_lazy("Marked as VIP"),
    "user.vip_reason": gettext_lazy("Changed why they are a VIP"),
    "user.vip_off": gettext_lazy("Took the VIP mark off"),
    "user.tagged": gettext_lazy("Put a tag on"),
    "user.untagged": gettext_lazy("Took a tag off"),
    "user.exported": gettext_lazy("Exported everything"),
    "user.held": gettext_lazy("Placed a legal hold"),
    "user.released": gettext_lazy("Lifted the legal hold"),
    "user.imported": gettext_lazy("Brought in from a file"),
    "request.confirmed": gettext_lazy("A request about them came in"),
    "request.handed_over": gettext_lazy("Handed their data over, as requested"),
    "request.refused": gettext_lazy("Refused a request about them"),
    "note.added": gettext_lazy("Added a note"),
    "note.deleted": gettext_lazy("Deleted a note"),
}
FIELDS = {
    "name": pgettext_lazy("what was corrected", "name"),
    "email": pgettext_lazy("what was corrected", "e-mail"),
}


@dataclass(frozen=True)
class AccessLine:
    """Who did what, when; `detail` says more where there is more to say."""

    at: dt.datetime
    actor: str
    verb: str
    what: str
    detail: str


def lines(entries: Iterable[AuditEntry]) -> list[AccessLine]:
    """The entries in words; a verb without words is shown as it is."""
    return [
        AccessLine(
            at=entry.at,
            actor=entry.actor_name or _("The system"),
            verb=entry.verb,
            what=str(WORDS.get(entry.verb, entry.verb)),
            detail=_detail(entry.detail),
        )
        for entry in entries
    ]


def _detail(detail: dict[str, Any]) -> str:
    fields = detail.get("fields")
    named = [str(FIELDS.get(field, field)) for field in fields] if isinstance(fields, list) else []
    if isinstance(detail.get("format"), str):
        named.append(detail["format"].upper())
    if isinstance(detail.get("request"), str):
        named.append(detail["request"])
    if "bulk" in detail:
        named.append(_("many people at once"))
    return ", ".join(named)
