"""What the conversation list reads comes from an index of its own, on either database."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet

from chatadmin.lib.paging import Cursor, beyond
from conversations.models import Conversation
from search.conversation_rows import with_last_messages
from search.conversation_walk import ORDER, Kinds, unread
from tests.factories import make_person
from tests.search.talks import T, make_talk
from users.queries import living

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]
CURSOR = Cursor(T, 1)


def plan(rows: QuerySet) -> str:
    """How the database would find `rows`, if it had more than the few of a test."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    return str(rows.explain())


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize(
    ("is_unread", "index"), [(True, "conversation_unread"), (False, "conversation_read")]
)
def test_each_kind_is_one_walk_along_a_range(
    is_unread: bool, index: str, people: bool, descending: bool
) -> None:
    for part in Kinds().parts(is_unread, living() if people else None):
        names = ["-last_message_at", "-pk"] if descending else ["last_message_at", "pk"]
        rows = part.filter(beyond(ORDER.column, CURSOR, descending)).order_by(*names)[:51]
        found = plan(rows)
        assert index in found
        assert "SCAN conversations" not in found and "TEMP B-TREE" not in found and "Sort" not in found


def test_the_unread_are_counted_along_their_index() -> None:
    assert unread().ordered
    found = plan(unread()[:1001])
    assert "conversation_unread" in found
    assert "TEMP B-TREE" not in found and "Sort" not in found


def test_the_last_message_is_found_along_the_persons_history() -> None:
    make_talk(make_person("Ada"), ("visitor", "Hello"))
    found = plan(with_last_messages([talk.pk for talk in Conversation.objects.all()]))
    assert "message_history" in found
    assert "TEMP B-TREE" not in found and "Sort" not in found
    assert "message_conversation_id" not in found
