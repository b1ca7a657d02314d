"""Collecting less: each kind of thing that is collected can be switched off for the whole installation, at once.

Beside that a widget's own set-up can leave things out; collected is what both allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from chatadmin.lib import queue
from chatadmin.lib.budget import Budget, OverBudget
from chatadmin.lib.models import OPEN, Job
from exports import collect_purge
from exports.collect_purge import ITEMS, holding
from staff import audit
from staff.actions import change_widget
from staff.models import Account, Widget
from users.models import Collected, CollectSetting

EMAIL_PROMPT = "email_prompt"
PAGE_SECONDS, SECONDS = 2.0, 0.6
SHOWN = 5


class Item(TextChoices):
    """What can be collected or not, beyond what people write."""

    NETWORK = Collected.NETWORK, _("The network prefix of the IP address")
    REFERRER = Collected.REFERRER, _("The page that led here")
    PAGE_TITLES = Collected.PAGE_TITLES, _("Titles of pages")
    DEVICE = Collected.DEVICE, _("Browser and system")
    EMAIL_PROMPT = EMAIL_PROMPT, _("E-mail addresses that the widget asks for")


@dataclass(frozen=True)
class Standing:
    """One item: whether it is collected, and how many rows hold it now; None where counting takes too long."""

    item: Item
    is_on: bool
    held: int | None


def standings() -> list[Standing]:
    """Every item as it is now. Counting takes two seconds at most."""
    budget = Budget(PAGE_SECONDS)
    off = set(CollectSetting.objects.filter(is_on=False).values_list("item", flat=True))
    asks = Widget.objects.filter(ask_email=True).exists()
    return [
        Standing(item, asks if item == Item.EMAIL_PROMPT else item.value not in off, how_many(item, budget))
        for item in Item
    ]


def how_many(item: str, budget: Budget | None = None) -> int | None:
    """The rows that may hold something of an item and would be purged; None where counting takes too long."""
    try:
        with (budget or Budget(PAGE_SECONDS)).part(SECONDS).limit():
            return sum(holding(item, table).count() for table in ITEMS[item])
    except OverBudget:
        return None


def switch(*, item: str, on: bool, actor: Account) -> bool:
    """Collects an item from now on, or no longer; open sockets of all processes go by it. Returns whether that is new."""
    with transaction.atomic():
        if item == Item.EMAIL_PROMPT:
            changed = _ask(on, actor)
        else:
            setting, _new = CollectSetting.objects.select_for_update().get_or_create(item=item)
            changed = setting.is_on != on
            setting.is_on = on
            setting.save(update_fields=["is_on"])
        if changed:
            audit.record(actor=actor, verb="collect.on" if on else "collect.off", detail={"item": item})
    return changed


def _ask(on: bool, actor: Account) -> bool:
    # Each widget tells its open sockets itself.
    widgets = Widget.objects.exclude(ask_email=on).order_by("pk").values_list("pk", flat=True)
    return bool([change_widget(actor=actor, widget_id=pk, changes={"ask_email": on}) for pk in widgets])


def purge(*, item: str, actor: Account) -> Job:
    """Files the job that empties what is held of an item, or returns the one that is at it."""
    with transaction.atomic():
        for job in _jobs().filter(state__in=OPEN).select_for_update():
            if job.detail["item"] == item:
                return job
        total = how_many(item) or 0
        job = queue.file(kind=collect_purge.KIND, account_id=actor.pk, detail={"item": item}, total=total)
        audit.record(actor=actor, verb="collect.purge", detail={"item": item, "job": str(job.pk)})
    return job


def purges() -> Sequence[Job]:
    """Those that are at work, and the last that ended."""
    at_work = _jobs().filter(state__in=OPEN).order_by("created_at")
    ended = _jobs().filter(ended_at__isnull=False).order_by("-ended_at")
    return [*at_work[:SHOWN], *ended[:SHOWN]]


def _jobs() -> QuerySet[Job]:
    return Job.objects.filter(kind=collect_purge.KIND)
