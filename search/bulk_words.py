"""What a bulk job's page says."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatadmin.lib.models import JobState
from search.bulk import Action
from search.bulk_queries import Bulk
from users.actions import TAGS_PER_PERSON


def question(bulk: Bulk, tag: str) -> SafeString:
    """What would be done to how many. `tag`: the name of one that is yet to be made."""
    n = bulk.job.total
    words = {
        Action.TAG: ngettext("Put “{tag}” on {n} person?", "Put “{tag}” on {n} people?", n),
        Action.UNTAG: ngettext("Take “{tag}” off {n} person?", "Take “{tag}” off {n} people?", n),
        Action.VIP: ngettext("Mark {n} person as VIP?", "Mark {n} people as VIP?", n),
        Action.UNVIP: ngettext("Take the VIP mark off {n} person?", "Take the VIP mark off {n} people?", n),
    }
    return _filled(words[bulk.action], bulk, n, tag)


def button(bulk: Bulk) -> str:
    """What the button says that does it."""
    words = {
        Action.TAG: _("Put it on"),
        Action.UNTAG: _("Take it off"),
        Action.VIP: _("Mark them"),
        Action.UNVIP: _("Take it off"),
    }
    return words[bulk.action]


def already(bulk: Bulk) -> str:
    """For how many nothing would change; "" for nobody."""
    return _unchanged(bulk.action, bulk.already) if bulk.already else ""


def heading(bulk: Bulk) -> SafeString:
    """How it stands, in a line."""
    job, n = bulk.job, bulk.job.changed
    if job.state == JobState.DONE:
        words = {
            Action.TAG: ngettext("Done: “{tag}” put on {n} person", "Done: “{tag}” put on {n} people", n),
            Action.UNTAG: ngettext(
                "Done: “{tag}” taken off {n} person", "Done: “{tag}” taken off {n} people", n
            ),
            Action.VIP: ngettext("Done: {n} person marked as VIP", "Done: {n} people marked as VIP", n),
            Action.UNVIP: ngettext(
                "Done: VIP mark taken off {n} person", "Done: VIP mark taken off {n} people", n
            ),
        }
        return _filled(words[bulk.action], bulk, n)
    if job.state == JobState.STOPPED:
        return _filled(_("Stopped after {n} of {total} people"), bulk, job.done)
    if job.state == JobState.FAILED:
        return _filled(_("Failed after {n} of {total} people"), bulk, job.done)
    n = job.total
    words = {
        Action.TAG: ngettext("Putting “{tag}” on {n} person", "Putting “{tag}” on {n} people", n),
        Action.UNTAG: ngettext("Taking “{tag}” off {n} person", "Taking “{tag}” off {n} people", n),
        Action.VIP: ngettext("Marking {n} person as VIP", "Marking {n} people as VIP", n),
        Action.UNVIP: ngettext("Taking the VIP mark off {n} person", "Taking the VIP mark off {n} people", n),
    }
    return _filled(words[bulk.action], bulk, n)


def passed_over(bulk: Bulk) -> list[str]:
    """Who was left as they were, and why: a line for each reason there was."""
    gone, full, no_tag = (bulk.count(name) for name in ("gone", "full", "no_tag"))
    said = {
        _unchanged(bulk.action, bulk.unchanged): bulk.unchanged,
        ngettext(
            "{n} was deleted, or joined with somebody else, meanwhile",
            "{n} were deleted, or joined with somebody else, meanwhile",
            gone,
        ): gone,
        ngettext("{n} has {most} tags already", "{n} have {most} tags already", full): full,
        ngettext(
            "{n} was left, for the tag was deleted meanwhile",
            "{n} were left, for the tag was deleted meanwhile",
            no_tag,
        ): no_tag,
    }
    return [words.format(n=intcomma(n), most=TAGS_PER_PERSON) for words, n in said.items() if n]


def message(bulk: Bulk) -> SafeString:
    """All of it in a line, for the list that somebody is led back to."""
    rest = "; ".join(passed_over(bulk))
    if not rest:
        return format_html("{}.", heading(bulk))
    return format_html("{}. {}.", heading(bulk), rest[:1].upper() + rest[1:])


def _unchanged(action: Action, n: int) -> str:
    words = {
        Action.TAG: ngettext("{n} has it already", "{n} have it already", n),
        Action.UNTAG: ngettext("{n} doesn't have it", "{n} don't have it", n),
        Action.VIP: ngettext("{n} is a VIP already", "{n} are VIPs already", n),
        Action.UNVIP: ngettext("{n} is no VIP", "{n} are no VIPs", n),
    }
    return words[action].format(n=intcomma(n))


def _filled(words: str, bulk: Bulk, n: int, tag: str = "") -> SafeString:
    name = format_html("<bdi>{}</bdi>", bulk.tag_name or tag or _("a new tag"))
    return format_html(words, tag=name, n=intcomma(n), total=intcomma(bulk.job.total))
