"""The pages on which the same is done to many people, without scripts: asked, counted, started, watched, stopped."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.budget import OverBudget
from chatadmin.lib.models import Job, JobState
from search import bulk, bulk_chunks, bulk_views
from search.models import SavedView
from staff.models import Account
from tests.search.bulking import (
    asked,
    erase_at_once,
    errors_of,
    make_crowd,
    make_tag,
    numbers,
    own,
    proposed,
    text_of,
    wearers,
)
from users.models import ChatUser, Tag

pytestmark = pytest.mark.django_db
UNPROCESSABLE = 422


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done at once, and chunks are small."""
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    monkeypatch.setattr(bulk_chunks, "CHUNK_PEOPLE", 4)


def ticked(people: list[ChatUser]) -> list[str]:
    return [str(person.uuid) for person in people]


def work_a_while() -> None:
    """What the server's thread does in its turn: here one chunk."""
    taken = queue.take([bulk.KIND])
    assert taken is not None
    queue.work(taken, bulk.JOBS, seconds=0)


# -- the question


def test_it_says_how_many_before_anything_is_done(support_client: Client) -> None:
    people = make_crowd(5)
    make_tag("refund", *people[:2])
    page = asked(support_client, action="tag", tag="Refund", user=ticked(people[:4]))
    assert page.status_code == 200
    assert page.redirect_chain[0][0] == own(Job.objects.get())
    assert "Put “refund” on 4 people? 2 have it already." in text_of(page)
    assert numbers(page) == {"bulk": "proposed", "total": "4", "already": "2"}
    assert len(wearers("refund")) == 2


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("tag", "Put “refund” on 1,204 people? 37 have it already."),
        ("untag", "Take “refund” off 1,204 people? 1,167 don't have it."),
        ("vip", "Mark 1,204 people as VIP? 37 are VIPs already."),
        ("unvip", "Take the VIP mark off 1,204 people? 1,167 are no VIPs."),
    ],
)
def test_a_whole_search_is_counted_exactly(action: str, words: str, support_client: Client) -> None:
    people = make_crowd(1_204)
    make_crowd(3, word="Other")
    make_tag("refund", *people[:37])
    ChatUser.objects.filter(pk__in=[person.pk for person in people[:37]]).update(is_vip=True)
    tag = "refund" if "tag" in action else ""
    page = asked(support_client, action=action, tag=tag, all="yes", query="?q=crowd&sort=name&after=lost")
    assert words in text_of(page)


def test_everyone_goes_before_the_ticks_and_everything_is_a_search_too(support_client: Client) -> None:
    people = make_crowd(5)
    page = asked(support_client, action="vip", all="yes", query="", user=ticked(people[:2]))
    assert numbers(page)["total"] == "5"


def test_the_erased_are_not_counted(support_client: Client) -> None:
    people = make_crowd(3)
    ChatUser.objects.filter(pk=people[0].pk).update(erased_at=timezone.now())
    page = asked(support_client, action="vip", user=ticked(people))
    assert numbers(page)["total"] == "2"
    page = asked(support_client, action="vip", user=ticked(people[:1]))
    assert (page.status_code, list(errors_of(page))) == (UNPROCESSABLE, ["user"])


def test_a_new_tag_is_named_and_made_at_the_start(support_client: Client) -> None:
    people = make_crowd(2)
    page = asked(support_client, action="tag", tag="Ümlaut & <b>", user=ticked(people))
    assert "Put “Ümlaut & <b>” on 2 people?" in text_of(page)
    assert "&lt;b&gt;" in page.content.decode()
    assert 'name="tag" value="Ümlaut &amp; &lt;b&gt;"' in page.content.decode()
    assert not Tag.objects.exists()
    support_client.post(own(Job.objects.get()), {"do": "start", "tag": "Ümlaut & <b>"})
    assert len(wearers("Ümlaut & <b>")) == 2


def test_a_new_tag_whose_name_was_lost_is_asked_for(support_client: Client, support: Account) -> None:
    job = proposed("tag", make_crowd(2), support, None)
    assert '<input name="tag"' in support_client.get(own(job)).content.decode()
    for wrong in ("", "a\x00b", "x" * 41):
        page = support_client.post(own(job), {"do": "start", "tag": wrong, "query": "q=crowd"})
        assert (page.status_code, list(errors_of(page))) == (UNPROCESSABLE, ["tag"])
        assert 'name="query" value="q=crowd"' in page.content.decode()
    assert not Tag.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"action": "explode"}, "action"),
        ({"action": ""}, "action"),
        ({"action": "tag", "tag": ""}, "tag"),
        ({"action": "tag", "tag": "a\nb"}, "tag"),
        ({"action": "untag", "tag": "nobody's"}, "tag"),
        ({"user": []}, "user"),
        ({"user": ["Crowd 1"]}, "user"),
        ({"user": [str(uuid.uuid4()) for _ in range(201)]}, "user"),
        ({"user": [str(uuid.uuid4())]}, "user"),
        ({"all": "perhaps"}, "all"),
        ({"all": "yes", "query": "min_messages=many"}, "query"),
        ({"all": "yes", "query": "q=%00"}, "query"),
        ({"all": "yes", "query": "q=" + "x" * 8_000}, "query"),
        ({"all": "yes", "query": "&".join(f"p{n}=1" for n in range(600))}, "query"),
        ({"all": "yes", "query": "q=nobody+is+called+so"}, "user"),
    ],
)
def test_what_can_not_be_done_is_said_by_the_field(
    given: dict[str, Any], field: str, support_client: Client
) -> None:
    make_crowd(2)
    person = ticked(make_crowd(1))
    page = asked(support_client, **{"action": "vip", "user": person, "query": "q=back", **given})
    assert page.status_code == UNPROCESSABLE
    assert list(errors_of(page)) == [field]
    assert not Job.objects.exists()


def test_nothing_that_was_posted_is_lost(support_client: Client) -> None:
    people = ticked(make_crowd(3))
    page = asked(support_client, action="untag", tag="nobody's", user=people, query="q=crowd&sort=name")
    html = unescape(page.content.decode())
    assert errors_of(page) == {"tag": "There is no tag of this name."}
    assert 'value="untag" selected' in html
    assert 'name="tag" id="bulk-tag" value="nobody\'s"' in html
    assert all(f'name="user" value="{person}"' in html for person in people)
    assert 'name="query" value="q=crowd&sort=name"' in html
    assert 'href="/users/?q=crowd&sort=name"' in html


def test_a_search_with_a_mistake_is_not_taken_for_a_wider_one(support_client: Client) -> None:
    make_crowd(3)
    assert asked(support_client, action="vip", all="yes", query="q=crowd").status_code == 200
    page = asked(support_client, action="vip", all="yes", query="q=crowd&has_email=perhaps")
    assert (page.status_code, list(errors_of(page))) == (UNPROCESSABLE, ["query"])


def test_a_saved_view_is_what_it_holds(support_client: Client, support: Account, admin: Account) -> None:
    make_crowd(3)
    make_crowd(4, word="Other")
    own_view = SavedView.objects.create(
        name="Crowd", name_folded="crowd", owner=support, query="q=crowd", position=1
    )
    theirs = SavedView.objects.create(
        name="Crowd", name_folded="crowd", owner=admin, query="q=crowd", position=1
    )
    page = asked(support_client, action="vip", all="yes", query=f"view={own_view.pk}")
    assert numbers(page)["total"] == "3"
    for lost in (theirs.pk, 10**6, "x"):
        page = asked(support_client, action="vip", all="yes", query=f"view={lost}")
        assert (page.status_code, list(errors_of(page))) == (UNPROCESSABLE, ["query"])


def test_too_many_are_refused_with_what_to_do(
    support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_PEOPLE", 1_000)
    make_crowd(1_001)
    page = asked(support_client, action="vip", all="yes", query="q=crowd")
    assert page.status_code == UNPROCESSABLE
    assert "more than 1,000 people. Narrow the search" in errors_of(page)["user"]
    assert 'href="/users/?q=crowd"' in page.content.decode()
    assert not Job.objects.exists()


def test_so_is_a_search_that_takes_too_long(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def long(*_: object) -> None:
        raise OverBudget

    monkeypatch.setattr(bulk_views, "every_id", long)
    page = asked(support_client, action="vip", all="yes", query="q=crowd")
    assert page.status_code == UNPROCESSABLE
    assert "too long. Narrow the search" in errors_of(page)["user"]


def test_there_is_nothing_to_see_without_a_post(support_client: Client) -> None:
    assert support_client.get("/users/bulk/")["Location"] == "/users/"


# -- the start


def test_few_are_done_at_once_and_the_list_says_so(support_client: Client) -> None:
    people = make_crowd(4)
    make_tag("refund", people[0])
    asked(support_client, action="tag", tag="refund", user=ticked(people), query="q=crowd")
    job = Job.objects.get()
    erase_at_once(people[3])
    answer = support_client.post(own(job), {"do": "start", "query": "q=crowd"})
    assert answer["Location"] == "/users/?q=crowd"
    said = "Done: “refund” put on 2 people. 1 has it already; 1 was deleted, or joined with somebody else, meanwhile."
    assert said in text_of(support_client.get(answer["Location"]))


@pytest.mark.usefixtures("slow")
def test_many_are_watched(support_client: Client) -> None:
    people = make_crowd(10)
    make_tag("refund", people[0])
    asked(support_client, action="tag", tag="refund", user=ticked(people), query="q=crowd")
    job = Job.objects.get()
    answer = support_client.post(own(job), {"do": "start", "query": "q=crowd"})
    assert answer["Location"] == f"{own(job)}?q={''}".replace("q=", "query=q%3Dcrowd")
    page = support_client.get(answer["Location"])
    assert numbers(page) == {"bulk": "queued", "total": "10", "done": "0", "changed": "0"}
    work_a_while()
    page = support_client.get(answer["Location"])
    assert numbers(page) == {"bulk": "running", "total": "10", "done": "4", "changed": "3"}
    assert "4 of 10 people" in text_of(page)
    assert "1 has it already" in text_of(page)
    part = support_client.get(answer["Location"], headers={"HX-Request": "true"})
    assert numbers(part)["done"] == "4"
    assert part.content.decode().strip().startswith("<section")
    assert f'hx-get="{answer["Location"]}"' in unescape(part.content.decode())
    work_a_while()
    work_a_while()
    over = support_client.get(answer["Location"], headers={"HX-Request": "true"})
    assert over["HX-Redirect"] == answer["Location"]
    page = support_client.get(answer["Location"])
    assert numbers(page) == {"bulk": "done", "total": "10", "done": "10", "changed": "9"}
    assert "Done: “refund” put on 9 people" in text_of(page)
    assert 'href="/users/?q=crowd"' in page.content.decode()
    assert "hx-trigger" not in page.content.decode().split('id="main"')[1]


@pytest.mark.usefixtures("slow")
def test_it_is_stopped(support_client: Client, support: Account) -> None:
    people = make_crowd(10)
    job = proposed("vip", people, support)
    support_client.post(own(job), {"do": "start"})
    work_a_while()
    assert 'value="stop"' in support_client.get(own(job)).content.decode()
    page = support_client.post(own(job), {"do": "stop"}, follow=True)
    assert numbers(page)["bulk"] == "stopping"
    work_a_while()
    page = support_client.get(own(job))
    assert numbers(page) == {"bulk": "stopped", "total": "10", "done": "4", "changed": "4"}
    assert "Stopped after 4 of 10 people" in text_of(page)
    assert 'value="stop"' not in page.content.decode()
    assert ChatUser.objects.filter(is_vip=True).count() == 4
    support_client.post(own(job), {"do": "start"})
    assert Job.objects.get().state == JobState.STOPPED


def test_a_proposal_is_cancelled(support_client: Client, support: Account) -> None:
    job = proposed("vip", make_crowd(2), support)
    assert support_client.post(own(job), {"do": "stop", "query": "vip=yes"})["Location"] == "/users/?vip=yes"
    assert not Job.objects.exists()
    assert support_client.get(own(job)).status_code == 404


def test_starting_twice_does_it_once(support_client: Client, support: Account) -> None:
    people = make_crowd(2)
    job = proposed("vip", people, support)
    support_client.post(own(job), {"do": "start"})
    ChatUser.objects.update(is_vip=False)
    assert support_client.post(own(job), {"do": "start"})["Location"] == own(job)
    assert not ChatUser.objects.filter(is_vip=True).exists()


def test_what_went_wrong_is_tried_again_by_the_queue(
    support_client: Client, support: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = proposed("vip", make_crowd(2), support)

    def fail(*_: object, **__: object) -> None:
        raise OSError("ann@example.com")

    with monkeypatch.context() as broken:
        broken.setattr(bulk_chunks, "announce", fail)
        page = support_client.post(own(job), {"do": "start"}, follow=True)
    assert numbers(page) == {"bulk": "queued", "total": "2", "done": "0", "changed": "0"}
    assert "it will be tried again" in text_of(page)
    Job.objects.update(due_at=timezone.now())
    work_a_while()
    assert numbers(support_client.get(own(job)))["changed"] == "2"


def test_a_failure_says_that_starting_again_does_no_harm(support_client: Client, support: Account) -> None:
    job = proposed("vip", make_crowd(2), support)
    Job.objects.update(state=JobState.FAILED, ended_at=timezone.now(), error="OSError", done=1)
    page = support_client.get(own(job))
    assert "Failed after 1 of 2 people" in text_of(page)
    assert "does no harm" in text_of(page)


def test_a_tag_deleted_before_the_start_is_said(support_client: Client, support: Account) -> None:
    tag = make_tag("refund")
    job = proposed("tag", make_crowd(2), support, tag)
    tag.delete()
    page = support_client.post(own(job), {"do": "start"})
    assert (page.status_code, list(errors_of(page))) == (UNPROCESSABLE, ["do"])


@pytest.mark.parametrize("given", [{}, {"do": "explode"}])
def test_a_word_that_is_none_is_said(given: dict[str, str], support_client: Client, support: Account) -> None:
    job = proposed("vip", make_crowd(2), support)
    page = support_client.post(own(job), given)
    assert (page.status_code, list(errors_of(page))) == (UNPROCESSABLE, ["do"])


# -- whose it is, and what it costs


def test_only_who_filed_it_and_admins_see_it(
    support: Account,
    support_client: Client,
    admin_client: Client,
    stranger: Client,
    signed_in: Callable[[Account], Client],
) -> None:
    job = proposed("vip", make_crowd(2), support)
    colleague = signed_in(Account.objects.create_user("kim@team.example", "x" * 12))
    for client, status in ((support_client, 200), (admin_client, 200), (colleague, 404), (stranger, 302)):
        assert client.get(own(job)).status_code == status
    for client in (colleague, stranger):
        client.post(own(job), {"do": "start"})
        client.post(own(job), {"do": "stop"})
    assert Job.objects.get().state == JobState.PROPOSED
    assert support_client.get(f"/users/bulk/{uuid.uuid4()}/").status_code == 404


def test_a_job_of_another_kind_has_no_page_here(support: Account, support_client: Client) -> None:
    other = queue.file(kind="other", account_id=support.pk)
    assert support_client.get(own(other)).status_code == 404


def test_the_access_tab_says_that_it_was_many_at_once(support_client: Client, support: Account) -> None:
    people = make_crowd(2)
    job = proposed("vip", people, support)
    support_client.post(own(job), {"do": "start"})
    page = text_of(support_client.get(f"/users/{people[0].uuid}/access/"))
    assert "Marked as VIP · many people at once" in page


def test_proposing_and_watching_cost_the_same_for_many(support_client: Client) -> None:
    make_tag("refund")
    support_client.get("/users/")

    def cost(word: str, size: int) -> tuple[int, int]:
        make_crowd(size, word)
        with CaptureQueriesContext(connection) as proposing:
            asked(support_client, action="tag", tag="refund", all="yes", query=f"q={word}&in=name")
        with CaptureQueriesContext(connection) as watching:
            page = support_client.get(own(Job.objects.latest("created_at")))
        assert numbers(page)["total"] == str(size)
        return len(proposing), len(watching)

    few = cost("few", 30)
    assert cost("many", 600) == few
    assert max(few) <= 24
