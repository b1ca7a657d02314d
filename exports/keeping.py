"""When a person's data goes, and by which rule."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from conversations.models import ActivityEvent
from exports import periods
from exports.retention_models import RetentionRule, What, Whose
from users.models import ChatUser, Visit


@dataclass(frozen=True)
class Goes:
    """The day from which on a rule lets something of a person go, if they don't come back; None where there is none."""

    rule: RetentionRule
    day: dt.date | None


def rules_for(person: ChatUser) -> list[RetentionRule]:
    """The rules that are on and about this person."""
    kind = Whose.ANONYMOUS if person.is_anonymous else Whose.IDENTIFIED
    rules = RetentionRule.objects.filter(is_on=True, whose__in=[kind, Whose.EVERYONE]).exclude(
        what=What.AUDIT
    )
    return list(rules.order_by("what", "whose"))


def goes(person: ChatUser) -> list[Goes]:
    """What goes when, the whole person first. Not today and earlier: what is due goes with the next sweep."""
    found = [Goes(rule, _day(rule, person)) for rule in rules_for(person)]
    return sorted(found, key=lambda one: (one.rule.what != What.EVERYTHING, one.day or dt.date.max))


def _day(rule: RetentionRule, person: ChatUser) -> dt.date | None:
    oldest = _oldest(rule.what, person)
    return max(periods.today(), periods.goes_on(rule.amount, rule.unit, oldest)) if oldest else None


def _oldest(what: str, person: ChatUser) -> dt.datetime | None:
    if what == What.EVERYTHING:
        return person.last_active or person.first_seen
    if what == What.MESSAGES:
        return person.first_contact
    if what == What.VISITS:
        ended = Visit.objects.filter(chat_user=person, ended_at__isnull=False).order_by("started_at", "pk")
        return ended.values_list("ended_at", flat=True).first()
    events = ActivityEvent.objects.filter(chat_user=person).order_by("at", "pk")
    return events.values_list("at", flat=True).first()
