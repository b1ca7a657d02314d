"""Tags that two people change at the same moment."""

from __future__ import annotations

import pytest

from staff.models import Account
from tests.threads import together
from tests.users.tags import make_people, make_tag, names_on
from users import actions, tag_actions
from users.models import Tag, Tagging

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.parametrize("attempt", range(3))]


def test_a_tag_put_on_while_it_is_deleted_is_a_new_one_or_none(attempt: int, support: Account) -> None:
    person, *others = make_people(20)
    tag = make_tag("spam", *others)
    added, deleted = together(
        lambda: actions.add_tag(chat_user_id=person.pk, name="spam", actor=support),
        lambda: tag_actions.delete_tag(tag_id=tag.pk, actor=support),
    )
    assert isinstance(added, Tag) and deleted is True
    assert names_on(person) == ([] if added.pk == tag.pk else ["spam"])
    assert not Tag.everything.filter(pk=tag.pk).exists()


def test_the_tag_that_others_become_is_put_on_meanwhile(attempt: int, support: Account) -> None:
    people = make_people(20)
    tag, into = make_tag("biling", *people), make_tag("billing")
    done = together(
        lambda: tag_actions.merge_tag(tag_id=tag.pk, into_id=into.pk, actor=support),
        lambda: [actions.add_tag(chat_user_id=one.pk, name="billing", actor=support) for one in people],
        lambda: [
            actions.remove_tag(chat_user_id=one.pk, name="biling", actor=support) for one in reversed(people)
        ],
    )
    assert not [problem for problem in done if isinstance(problem, Exception)]
    assert Tagging.objects.filter(tag=into).count() == 20 == Tagging.objects.count()


def test_of_two_who_give_the_same_name_one_is_told(attempt: int, support: Account) -> None:
    first, second = make_tag("a"), make_tag("b")
    done = together(
        lambda: tag_actions.change_tag(tag_id=first.pk, name="same", color="", actor=support),
        lambda: tag_actions.change_tag(tag_id=second.pk, name="SAME", color="", actor=support),
    )
    assert sorted(type(one).__name__ for one in done) == ["NameTaken", "Tag"]


def test_of_two_who_merge_crosswise_one_is_refused(attempt: int, support: Account) -> None:
    people = make_people(6)
    first, second = make_tag("a", *people[:3]), make_tag("b", *people[3:])
    done = together(
        lambda: tag_actions.merge_tag(tag_id=first.pk, into_id=second.pk, actor=support),
        lambda: tag_actions.merge_tag(tag_id=second.pk, into_id=first.pk, actor=support),
    )
    assert len([one for one in done if isinstance(one, tag_actions.TagGone)]) == 1 and True in done
    assert Tag.objects.get().taggings.count() == 6
