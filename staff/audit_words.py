"""The audit log's lines in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from staff.models import AuditEntry

# What is done to one person comes first: the other lines name nobody.
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
    "user.merged": gettext_lazy("Joined an earlier visitor into them"),
    "user.exported": gettext_lazy("Exported everything"),
    "user.imported": gettext_lazy("Brought in from a file"),
    "user.held": gettext_lazy("Placed a legal hold"),
    "user.released": gettext_lazy("Lifted the legal hold"),
    "user.erased": gettext_lazy("Erased"),
    "erasure.asked": gettext_lazy("Asked for their erasure"),
    "erasure.approved": gettext_lazy("Approved their erasure"),
    "erasure.refused": gettext_lazy("Refused their erasure"),
    "erasure.overtaken": gettext_lazy("Erased them while a request for it waited"),
    "message.redacted": gettext_lazy("Took somebody else's details out of a message"),
    "note.added": gettext_lazy("Added a note"),
    "note.deleted": gettext_lazy("Deleted a note"),
    "users.searched": gettext_lazy("Searched the user list"),
    "users.erased": gettext_lazy("Erased many people at once"),
    "policy.changed": gettext_lazy("Changed who may delete people"),
    "policy.off_asked": gettext_lazy("Asked that deleting needs no second admin any more"),
    "policy.off_refused": gettext_lazy("Refused that deleting needs no second admin any more"),
    "users.bulk": gettext_lazy("Changed many people at once"),
    "conversations.searched": gettext_lazy("Searched the conversations"),
    "list.exported": gettext_lazy("Exported a list of people"),
    "export.started": gettext_lazy("Began an export of many people"),
    "export.downloaded": gettext_lazy("Downloaded an export of many people"),
    "export.deleted": gettext_lazy("Deleted an export of many people"),
    "view.created": gettext_lazy("Made a saved view"),
    "view.changed": gettext_lazy("Changed a saved view"),
    "view.deleted": gettext_lazy("Deleted a saved view"),
    "tag.created": gettext_lazy("Made a tag"),
    "tag.changed": gettext_lazy("Changed a tag"),
    "tag.merged": gettext_lazy("Merged a tag into another"),
    "tag.deleted": gettext_lazy("Deleted a tag"),
    "staff.signed_in": gettext_lazy("Signed in"),
    "staff.signed_out": gettext_lazy("Signed out"),
    "staff.sign_in_failed": gettext_lazy("A sign-in failed"),
    "staff.renamed": gettext_lazy("Changed their own name"),
    "staff.password_changed": gettext_lazy("Changed their own password"),
    "staff.invited": gettext_lazy("Invited somebody to the team"),
    "staff.invitation_revoked": gettext_lazy("Revoked an invitation"),
    "staff.joined": gettext_lazy("Joined the team"),
    "staff.disabled": gettext_lazy("Disabled an account"),
    "staff.enabled": gettext_lazy("Enabled an account"),
    "staff.role_changed": gettext_lazy("Changed a role"),
    "api_key.made": gettext_lazy("Made a key of the API"),
    "api_key.revoked": gettext_lazy("Revoked a key of the API"),
    "widget.changed": gettext_lazy("Changed the widget"),
    "retention.asked": gettext_lazy("Asked to switch a rule of retention on"),
    "retention.added": gettext_lazy("Made a rule of retention"),
    "retention.switched_on": gettext_lazy("Switched a rule of retention on"),
    "retention.switched_off": gettext_lazy("Switched a rule of retention off"),
    "retention.removed": gettext_lazy("Removed a rule of retention"),
    "retention.ran": gettext_lazy("Retention went through"),
    "collect.on": gettext_lazy("Switched on what is collected"),
    "collect.off": gettext_lazy("Switched off what is collected"),
    "collect.purge": gettext_lazy("Asked to purge what was collected"),
    "collect.purged": gettext_lazy("Purged what was collected"),
    "held_data.published": gettext_lazy("Showed visitors what is held"),
    "held_data.withdrawn": gettext_lazy("Shows visitors no longer what is held"),
    "privacy_form.opened": gettext_lazy("Opened the public form for requests"),
    "privacy_form.closed": gettext_lazy("Closed the public form for requests"),
    "request.confirmed": gettext_lazy("A request about them came in"),
    "request.handed_over": gettext_lazy("Handed their data over, as requested"),
    "request.refused": gettext_lazy("Refused a request about them"),
    "request.nothing_held": gettext_lazy("Answered a request: nothing is held"),
    "request.expired": gettext_lazy("A request ran out"),
    "audit.exported": gettext_lazy("Exported the audit log"),
    "audit.taken_over": gettext_lazy(
        "Took the lines before this one as they were: lines have marks from here on"
    ),
    "audit.cut": gettext_lazy("Cut off the beginning of the audit log"),
}
FIELDS = {
    "name": pgettext_lazy("what was corrected", "name"),
    "email": pgettext_lazy("what was corrected", "e-mail"),
}
SAID = (
    *("what", "whose", "keeps", "item"),
    *("reason", "code", "ticket", "request", "key", "role", "before"),
)
# Codes in words; rooms above add theirs.
CODES: dict[str, Promise | str] = {}
COUNTS = {"people": gettext_lazy("%(count)d people"), "lines": gettext_lazy("%(count)d lines")}


@dataclass(frozen=True)
class Line:
    """Who did what, when; `detail` says more where there is more to say. `person`: the keyed hash, "" for nobody."""

    at: dt.datetime
    actor: str
    verb: str
    what: str
    detail: str
    person: str
    is_sealed: bool
    is_refused: bool


def lines(entries: Iterable[AuditEntry], accounts: Mapping[int, str] | None = None) -> list[Line]:
    """The entries in words; a verb without words is shown as it is. `accounts`: names of those to whom it was done."""
    known = accounts or {}
    return [
        Line(
            at=entry.at,
            actor=entry.actor_name or _("The system"),
            verb=entry.verb,
            what=str(WORDS.get(entry.verb, entry.verb)),
            detail=", ".join(
                [*(known[pk] for pk in accounts_in([entry]) if pk in known), *_detail(entry.detail)]
            ),
            person=entry.person_hash,
            is_sealed=entry.position is not None,
            is_refused=bool(entry.is_refused),
        )
        for entry in entries
    ]


def accounts_in(entries: Iterable[AuditEntry]) -> set[int]:
    """The accounts to which something was done in these lines."""
    given = (entry.detail.get("account") for entry in entries if isinstance(entry.detail, dict))
    return {account for account in given if isinstance(account, int) and 0 < account < 2**63}


def _detail(detail: Any) -> Iterator[str]:
    if not isinstance(detail, dict):  # nobody writes such a line but who forges it
        return
    yield from (str(FIELDS.get(name, name)) for name in _texts(detail.get("fields")))
    yield from _texts(detail.get("filters"))
    if isinstance(detail.get("format"), str):
        yield detail["format"].upper()
    codes = [detail.get(name) for name in SAID]
    yield from (str(CODES.get(code, code)) for code in codes if code and isinstance(code, str))
    if isinstance(detail.get("found"), int):
        more = "+" if detail.get("and_more") else ""
        yield _("%(count)s found") % {"count": f"{detail['found']}{more}"}
    counts = detail.get("counts")
    if isinstance(counts, dict):
        numbers = [count for count in counts.values() if isinstance(count, int)]
        yield ngettext("%(count)d row", "%(count)d rows", sum(numbers)) % {"count": sum(numbers)}
    for name, words in COUNTS.items():
        if isinstance(detail.get(name), int):
            yield str(words) % {"count": detail[name]}
    if "bulk" in detail:
        yield _("many people at once")


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
