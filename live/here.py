"""Tells the pages of /live/ who came and who looks at another page now: looked up and drawn once, however many pages
show it. Who goes is told by the leaf of their presence, as on every page."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.template.loader import render_to_string

from chatadmin.lib.bus import Event
from chatadmin.lib.threads import hop
from live.queries import PAGE_PEOPLE, PAGES, Row, Where, here, places_of_people, rows_of_people
from users.drawing import draw

# So many of those who come at once are sent; of more the page says so.
MOST_CAME = 50
# A page says anew what it shows long before it was sent so many.
MOST_SHOWN = 400


class HerePage(Protocol):
    """What is asked of a page that shows who is here. `users`: those whom it hears of, by uuid."""

    users: set[str]

    def push(self, text: str) -> None: ...
    def takes_in(self, people: Iterable[str]) -> None: ...


@dataclass
class Drawn:
    """HTML: the rows of those who came, and the leaf of each one who looks at another page now (by uuid)."""

    rows: str = ""
    places: dict[str, str] = field(default_factory=dict)


async def told(events: Iterable[Event], pages: Collection[HerePage]) -> None:
    """Looks up what these events changed, and tells the pages."""
    came, moved = _gathered(events)
    shown = came[-MOST_CAME:]
    # Listening first, reading second: what they do in between is told again.
    for page in pages:
        if len(page.users) < MOST_SHOWN:
            page.takes_in(shown)
    watched = {name for page in pages for name in page.users}
    # Where those are who came just now is in their rows.
    drawn = await _drawn(shown, sorted((moved & watched) - set(shown)))
    rows = drawn.rows + (more() if len(came) > MOST_CAME else "")
    for page in pages:
        text = rows + "".join(drawn.places[name] for name in sorted(page.users & drawn.places.keys()))
        if text:
            page.push(text)


def missed(users: Collection[uuid.UUID]) -> str:
    """What a page of /live/ that shows these people may lack: who came meanwhile, and where everybody is now."""
    shown = {str(user) for user in users}
    fresh = [row for row in here().rows if str(row.person.user.uuid) not in shown]
    leaves = "".join(place(name, where) for name, where in sorted(places_of_people(shown).items()))
    if shown and len(fresh) == PAGE_PEOPLE:
        # A later page, or one that was away for long.
        return leaves + more()
    return leaves + arrivals(fresh)


def arrivals(rows: Sequence[Row]) -> str:
    """Rows, as a page takes them in; its script puts each one where it belongs."""
    if not rows:
        return ""
    body = draw("live/rows.html", rows=rows)
    return f'<div hx-swap-oob="beforeend:[data-arrivals]"><table><tbody>{body}</tbody></table></div>'


def place(name: str, where: Where) -> str:
    """The leaf that says where somebody is."""
    return draw("live/leaf/where.html", uuid=name, where=where, live=True)


def more() -> str:
    """The link to those who came and aren't shown."""
    return render_to_string("live/leaf/more.html", {"is_more": True, "live": True})


def _gathered(events: Iterable[Event]) -> tuple[list[str], set[str]]:
    """Those who came, in that order, and those who look at another page. Whether they are still here presence knows: that
    somebody went may be told after they came back."""
    came: dict[str, None] = {}
    moved = set()
    for event in events:
        name = event.chat_user
        if event.name == "presence.changed" and event.data["online"]:
            came[name] = None
        elif event.name in {"user.erased", "user.merged"}:
            came.pop(name, None)
        elif event.name == "event.recorded" and event.data["kind"] in PAGES:
            moved.add(name)
    return list(came), moved


@hop
def _drawn(came: Sequence[str], moved: Sequence[str]) -> Drawn:
    rows = rows_of_people(came) if came else []
    where = places_of_people(moved) if moved else {}
    return Drawn(arrivals(rows), {name: place(name, one) for name, one in where.items()})
