"""`/retention/`: rules, the forecast of each, switching; and the profile says when its data goes."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client

from exports import holds, periods, retention
from exports.plot import HEIGHT, plot
from exports.retention_forecast import Month
from exports.retention_models import RetentionRule, RetentionRun
from staff.models import Account, AuditEntry
from staff.policy import change_policy
from tests.exports.retaining import ago, make_rule, make_talker, sweep
from tests.factories import make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that other tests started on this database takes jobs too, but not of a kind that it doesn't know.
    monkeypatch.setattr(retention, "KIND", "retention.tested")


def page_of(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def errors(response: HttpResponse) -> list[str]:
    return re.findall(r'data-error="([^"]*)"', response.content.decode())


RULE = {"what": "messages", "whose": "everyone", "amount": "24", "unit": "months"}


def test_a_rule_is_made_off_shown_with_its_forecast_and_switched_on(admin_client: Client) -> None:
    make_talker("Ana", 800, 799, 20)
    response = admin_client.post("/retention/", RULE, follow=True)
    rule = RetentionRule.objects.get()
    page = page_of(response)
    assert not rule.is_on
    assert 'data-people="1"' in page
    assert 'data-messages="4"' in page
    assert f'datetime="{ago(800):%Y-%m-%d}' in page
    is_last_day = (periods.today() + dt.timedelta(days=1)).day == 1
    assert len(re.findall(r'<rect [^>]*data-rows="\d+"', page)) == (12 if is_last_day else 13)
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*(?:src=|application/json))", page)
    page = page_of(admin_client.post(f"/retention/{rule.pk}/", {"do": "on"}, follow=True))
    assert f'data-rule="{rule.pk}" data-on="true"' in page
    sweep()
    page = page_of(admin_client.get("/retention/"))
    assert 'data-run="done"' in page
    assert "messages 4" in page
    page = page_of(admin_client.post(f"/retention/{rule.pk}/", {"do": "off"}, follow=True))
    assert 'data-on="false"' in page
    admin_client.post(f"/retention/{rule.pk}/", {"do": "remove"})
    assert not RetentionRule.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": "coffee"}, "what"),
        ({"whose": "cats"}, "whose"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "x"}, "amount"),
        ({"amount": "241"}, "amount"),
        ({"amount": "3661", "unit": "days"}, "amount"),
        ({"amount": "9" * 400}, "amount"),
        ({"unit": "moons"}, "unit"),
        ({"what": "audit", "whose": "identified"}, "whose"),
    ],
)
def test_what_cannot_be_taken_is_said_by_its_field(
    change: dict[str, str], field: str, admin_client: Client
) -> None:
    response = admin_client.post("/retention/", RULE | change)
    assert response.status_code == 422
    assert errors(response) == [field]
    assert not RetentionRule.objects.exists()


def test_there_is_one_rule_for_the_same(admin: Account, admin_client: Client) -> None:
    rule = make_rule("messages", admin)
    response = admin_client.post("/retention/", RULE)
    assert (response.status_code, errors(response)) == (422, ["what"])
    response = admin_client.post(f"/retention/{rule.pk}/", {"do": "remove"})
    assert (response.status_code, errors(response)) == (422, ["do"])
    response = admin_client.post(f"/retention/{rule.pk}/", {"do": "dance"})
    assert (response.status_code, errors(response)) == (422, ["do"])
    assert admin_client.get(f"/retention/{rule.pk + 1}/").status_code == 404


def test_only_admins(admin: Account, support_client: Client, stranger: Client) -> None:
    rule = make_rule("messages", admin, on=False)
    for address in ("/retention/", f"/retention/{rule.pk}/"):
        for response in (support_client.get(address), support_client.post(address, RULE | {"do": "on"})):
            assert response.status_code == 403
        assert stranger.get(address).status_code == 302
    assert not RetentionRule.objects.get().is_on
    assert 'href="/retention/"' not in page_of(support_client.get("/users/"))


@pytest.mark.parametrize("number", [1, 20])
def test_the_number_of_queries_does_not_grow(
    number: int, admin: Account, admin_client: Client, django_assert_num_queries
) -> None:
    rules = [make_rule(what, admin) for what in ("messages", "visits")][: 1 if number == 1 else 2]
    for day in range(number):
        before = ago(day)
        RetentionRun.objects.create(
            rule=rules[day % len(rules)],
            job=make_person().uuid,
            day=periods.today(),
            before=before,
            state="done",
            started_at=before,
            ended_at=before,
        )
    admin_client.get("/retention/")
    with django_assert_num_queries(8):
        assert admin_client.get("/retention/").status_code == 200


def test_the_runs_are_paged(admin: Account, admin_client: Client) -> None:
    rule = make_rule("messages", admin)
    for day in range(30):
        RetentionRun.objects.create(
            rule=rule,
            job=make_person().uuid,
            day=periods.today(),
            before=ago(day),
            state="done",
            ended_at=ago(day),
        )
    page = page_of(admin_client.get("/retention/"))
    assert page.count("data-run=") == 20
    following = re.search(r'href="(\?after=[^"]+)"', page)
    assert following
    assert page_of(admin_client.get(f"/retention/{following[1]}")).count("data-run=") == 10
    assert admin_client.get("/retention/?after=nonsense").status_code == 200


def test_the_profile_says_when_its_data_goes_and_by_which_rule(
    admin: Account, support_client: Client
) -> None:
    person = make_talker("Ana", 30, 10)
    kept = f"/users/{person.uuid}/kept/"
    assert f'hx-get="{kept}"' in page_of(support_client.get(person.get_absolute_url()))
    assert 'data-kept="none"' in page_of(support_client.get(kept))
    make_rule("everything", admin, whose="anonymous", days=1)
    make_rule("everything", admin, whose="identified", days=90)
    make_rule("messages", admin, days=60)
    day = periods.goes_on(90, "days", person.last_active)  # type: ignore[arg-type]
    first = periods.goes_on(60, "days", ago(30))
    page = page_of(support_client.get(kept))
    assert re.findall(r'data-kept="(\w+)"', page) == ["everything", "messages"]
    assert re.findall(r'<time datetime="([^"T]+)">', page) == [f"{day}", f"{first}"]
    part = support_client.get(kept, headers={"HX-Request": "true"})
    assert "<html" not in page_of(part)
    assert f'<time datetime="{day}">' in page_of(part)
    holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="duty")
    assert 'data-kept="held"' in page_of(support_client.get(kept, headers={"HX-Request": "true"}))
    assert 'data-kept="held"' in page_of(support_client.get(kept))


def test_the_holds_that_stand_lead_to_who_is_held(admin: Account, admin_client: Client) -> None:
    assert "held=yes" not in page_of(admin_client.get("/retention/"))
    person = make_talker("Ana", 50)
    holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="duty")
    assert '<a href="/users/?held=yes">1 hold stands.</a>' in page_of(admin_client.get("/retention/"))
    assert f'data-user="{person.uuid}"' in page_of(admin_client.get("/users/?held=yes"))


def test_what_is_due_goes_today_at_the_earliest(admin: Account, support_client: Client) -> None:
    make_rule("everything", admin, days=5)
    person = make_talker("Ana", 50)
    page = page_of(support_client.get(f"/users/{person.uuid}/kept/"))
    assert f'<time datetime="{periods.today()}">' in page


def test_the_bars_of_the_plot() -> None:
    today = periods.today()
    months = [Month(today, rows) for rows in (0, 1, 1_000)]
    empty, least, most = plot(months).bars
    assert (empty.height, least.height) == (0, 2)
    assert 0 < most.y < most.y + most.height < HEIGHT
    assert empty.x < empty.x + empty.width <= least.x
    assert [bar.height for bar in plot([Month(today, 0)] * 12).bars] == [0] * 12
    assert plot([]).bars == []


def test_a_rule_that_erases_people_needs_a_second_admin_where_erasing_does(
    admin_client: Client, owner_client: Client, owner: Account, admin: Account
) -> None:
    change_policy(erasure_needs_second=True, actor=owner)
    rule, other = make_rule("everything", admin, on=False), make_rule("visits", admin, on=False)
    admin_client.post(f"/retention/{other.pk}/", {"do": "on"})
    for _ in range(2):
        page = page_of(admin_client.post(f"/retention/{rule.pk}/", {"do": "on"}, follow=True))
        assert "until a second admin switches it on" in page
    assert set(RetentionRule.objects.filter(is_on=True)) == {other}, "nobody switches it on alone"
    assert "data-asked" in page_of(owner_client.get(f"/retention/{rule.pk}/"))
    owner_client.post(f"/retention/{rule.pk}/", {"do": "off"})
    assert "data-asked" not in page_of(owner_client.get(f"/retention/{rule.pk}/"))
    admin_client.post(f"/retention/{rule.pk}/", {"do": "on"})
    owner_client.post(f"/retention/{rule.pk}/", {"do": "on"})
    assert set(RetentionRule.objects.filter(is_on=True)) == {rule, other}
    told = AuditEntry.objects.filter(detail__rule=rule.pk).order_by("pk").values_list("verb", "actor")
    assert list(told) == [
        ("retention.added", admin.pk),
        ("retention.asked", admin.pk),
        ("retention.switched_off", owner.pk),
        ("retention.asked", admin.pk),
        ("retention.switched_on", owner.pk),
    ]
