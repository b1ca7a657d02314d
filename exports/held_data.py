"""What we hold, why and how long: made from the register and the rules, so that it says what is really done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.collecting import Item
from exports.register import REGISTER
from exports.retention_models import PublishedPage, RetentionRule, What, Whose
from staff import audit
from staff.models import Account, Widget
from users.models import CollectSetting

PAGE = "what_we_hold"

# Why each table of the register is held, by its name there.
WHY: Mapping[str, Promise] = {
    "browsers": gettext_lazy(
        "So that whoever comes back finds their own conversation again, and nobody else does."
    ),
    "messages": gettext_lazy("To answer, and so that either side can look up what was said."),
    "activity": gettext_lazy(
        "To understand what a question is about: which page it came from, what happened before."
    ),
    "visits": gettext_lazy(
        "To help with the page and the device somebody has trouble with, and to notice abuse."
    ),
    "conversations": gettext_lazy("To know what is answered and what still waits."),
    "tags": gettext_lazy("To sort requests."),
    "notes": gettext_lazy("So that nobody has to explain the same thing twice."),
    "merges": gettext_lazy("To put right what was joined by mistake."),
    "requests": gettext_lazy("To answer what a person asks of their data, and to show that it was answered."),
    "profile": gettext_lazy("To know whom an answer goes to."),
}
# The rules that let rows of a table go, besides those that let go of everything.
OWN_RULES: Mapping[str, str] = {
    "messages": What.MESSAGES,
    "conversations": What.MESSAGES,
    "visits": What.VISITS,
    "activity": What.ACTIVITY,
}


@dataclass(frozen=True)
class Held:
    """One kind of data: what it is, why it is held, and for how long, in sentences."""

    name: str
    what: Promise
    why: Promise | str
    how_long: Sequence[str]


@dataclass(frozen=True)
class HeldData:
    """The whole page: what is held, the rules by which all of it goes, what could be and isn't collected, and what
    outlives a deletion."""

    held: Sequence[Held]
    everything: Sequence[str]
    not_collected: Sequence[Promise]
    stays: Sequence[str]


def held_data() -> HeldData:
    """What is held now, by the rules that are on. Three queries."""
    rules = list(RetentionRule.objects.filter(is_on=True).order_by("what", "whose"))
    profile_first = [REGISTER[-1], *REGISTER[:-1]]
    held = [
        Held(one.name, one.holds, WHY.get(one.name, ""), _how_long(one.name, rules)) for one in profile_first
    ]
    everything = [_sentence(rule) for rule in rules if rule.what == What.EVERYTHING]
    return HeldData(held, everything, _not_collected(), _stays(rules))


def _how_long(name: str, rules: Sequence[RetentionRule]) -> list[str]:
    """What goes by its own age, and until when the rest stays. By which rules people go as a whole is said once."""
    own = [rule for rule in rules if rule.what == OWN_RULES.get(name)]
    whole = [rule for rule in rules if rule.what == What.EVERYTHING]
    said = [_sentence(rule) for rule in own]
    if any(rule.whose == Whose.EVERYONE for rule in own):
        return said
    if any(rule.whose == Whose.EVERYONE for rule in whole):
        return said or [_("Until everything of the person is deleted, as said above.")]
    asked = (
        _("Until the person asks for its deletion, or we delete it.")
        if not said
        else _("Else until the person asks for its deletion, or we delete it.")
    )
    return [*said, asked]


def _sentence(rule: RetentionRule) -> str:
    words = (
        _("{whose}: {keeps} after they were last active, then everything is deleted.")
        if rule.what == What.EVERYTHING
        else _("{whose}: {keeps}.")
    )
    return words.format(whose=rule.get_whose_display(), keeps=rule.keeps)


def _not_collected() -> list[Promise]:
    """What is switched off, for the installation or in each of its widgets."""
    off = set(CollectSetting.objects.filter(is_on=False).values_list("item", flat=True))
    widgets = list(Widget.objects.values_list("collect", "ask_email"))
    wanted = {item for collect, _asks in widgets for item in collect}
    wanted |= {Item.EMAIL_PROMPT.value for _collect, asks in widgets if asks}
    if not widgets:
        wanted = set(Item.values)
    return [item.label for item in Item if item.value in off or item.value not in wanted]


def _stays(rules: Sequence[RetentionRule]) -> list[str]:
    lines = _("Lines of our log of who did what, which name the person by a keyed hash only")
    kept = [rule for rule in rules if rule.what == What.AUDIT]
    if kept:
        lines += f": {kept[0].keeps}"
    backups = _("Backups from before the deletion: {n} days at most.").format(n=settings.BACKUP_DAYS)
    stops = _("That an e-mail address wants no mail from us, as a keyed hash of it.")
    return [f"{lines}.", _("Proof that and when somebody was deleted, without saying whom."), stops, backups]


def is_published() -> bool:
    """Whether visitors may see the page."""
    return PublishedPage.objects.filter(page=PAGE).exists()


def publish(*, on: bool, actor: Account) -> bool:
    """Shows the page to everybody, or no longer. Returns whether that is new."""
    with transaction.atomic():
        if on:
            changed = PublishedPage.objects.get_or_create(page=PAGE)[1]
        else:
            changed = bool(PublishedPage.objects.filter(page=PAGE).delete()[0])
        if changed:
            verb = "held_data.published" if on else "held_data.withdrawn"
            audit.record(actor=actor, verb=verb)
    return changed
