"""What a socket sends is what the page drew, leaf by leaf, with the place where it goes."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from live import fragments
from search.list_page import Row
from tests.factories import make_person
from users.drawing import draw
from users.models import ChatUser, Tag, Tagging
from users.queries import people

pytestmark = pytest.mark.django_db
SWAP = re.compile(r' hx-swap-oob="outerHTML:\[data-user=\'([0-9a-f-]+)\'\] \[data-slot=\'([a-z_]+)\'\]"')


def somebody() -> ChatUser:
    """A person with all that a row can show."""
    now = timezone.now()
    person = make_person("Ada O'Hara <ada>")
    ChatUser.objects.filter(pk=person.pk).update(
        email="ada@example.com",
        unread_count=1_234,
        message_count=4_321,
        visit_count=5,
        is_vip=True,
        vip_reason='Press & "TV"',
        first_contact=now,
        last_active=now,
        browser="Firefox",
        os="Linux",
    )
    Tagging.objects.create(
        chat_user=person, tag=Tag.objects.create(name="a<b", name_folded="a b", color="red")
    )
    return ChatUser.objects.get(pk=person.pk)


@pytest.mark.parametrize("slot", fragments.ALL_SLOTS)
def test_a_leaf_is_the_same_on_the_page_and_from_the_socket(slot: str) -> None:
    person = people([somebody()])[0]
    sent = draw(f"users/leaf/{slot}.html", person=person, live=True)
    swap = SWAP.search(sent)
    assert swap is not None and swap.groups() == (str(person.user.uuid), slot)
    page = draw("search/rows.html", rows=[Row(person, None)], may_tick=True)
    assert SWAP.sub("", sent) in page
    assert page.count(f'data-slot="{slot}"') == 1
    assert sent in fragments.rows([person])


def test_a_page_sends_itself_nowhere() -> None:
    page = draw("search/rows.html", rows=[Row(people([somebody()])[0], None)], may_tick=True)
    assert "hx-swap-oob" not in page
