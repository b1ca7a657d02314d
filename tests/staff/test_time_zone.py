"""Times in the viewer's zone, as the browser's cookie names it."""

import datetime as dt

import pytest
from django.test import Client

from staff.models import Account, Invitation


@pytest.mark.parametrize(
    ("cookie", "day"),
    [
        ("Pacific/Kiritimati", "2 Mar 2030"),
        ("Pacific/Pago_Pago", "28 Feb 2030"),
        ("UTC", "1 Mar 2030"),
        ("", "1 Mar 2030"),
        ("No/Where", "1 Mar 2030"),
        ("../../etc/passwd", "1 Mar 2030"),
    ],
)
def test_the_cookie_decides(admin: Account, admin_client: Client, cookie: str, day: str) -> None:
    # 10:30 in UTC: tomorrow in Kiritimati (+14), still yesterday in Pago Pago (-11).
    at = dt.datetime(2030, 3, 1, 10, 30, tzinfo=dt.UTC)
    Invitation.objects.create(email="x@team.example", token_hash="x", invited_by=admin, expires_at=at)
    admin_client.cookies["chatadmin_tz"] = cookie
    page = admin_client.get("/team/").content.decode()
    assert f">{day}</time>" in page
    assert 'datetime="2030-03-01T10:30:00Z"' in page
