"""A reply that goes out by e-mail says so on the open profile."""

from __future__ import annotations

from pytest_django.fixtures import Settings

from conversations.mailing import mail_unread
from tests.mails import make_waiting, switch_on
from tests.staff_http import StaffBrowser


def test_an_open_profile_is_told_which_replies_were_mailed(
    dana_inside: StaffBrowser, settings: Settings
) -> None:
    switch_on(settings)
    person, replies = make_waiting("It left today.", "Here is its number.")
    with dana_inside.live() as page:
        state = page.watch(str(person.uuid), open=str(person.uuid), last=replies[-1].pk)
        assert "Sent by e-mail" not in str(state)
        assert mail_unread() == 1
        told = page.expect("Sent by e-mail")
        assert all(f'data-slot="read-{reply.pk}"' in told for reply in replies)
