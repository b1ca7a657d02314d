"""The pool: a connection that PostgreSQL ended, as all are in its restart, costs nobody a page."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connection

from staff.models import Role
from tests.factories import make_account
from tests.server import Server
from tests.staff_http import StaffBrowser

if not settings.IS_SQLITE:  # which has no server

    def test_after_a_restart_each_page_is_there_at_once(server: Server) -> None:
        sam = StaffBrowser(server, make_account("sam@team.example", Role.SUPPORT))

        def look(number: int) -> int:
            return sam.get(f"/users/?q={number}")[0]

        for _ in range(3):
            with ThreadPoolExecutor(8) as many:
                assert set(many.map(look, range(40))) == {200}
            assert waiting() > 3, "several wait in the pool"
            end_all()
            began = time.monotonic()
            assert [look(number) for number in range(10)] == [200] * 10
            assert time.monotonic() - began < 5

    def waiting() -> int:
        """How many connections of others are there."""
        with connection.cursor() as cursor:
            cursor.execute(f"select count(*) {OTHERS}")
            return int(cursor.fetchone()[0])

    def end_all() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"select pg_terminate_backend(pid, 5000) {OTHERS}")
            assert all(ended for (ended,) in cursor.fetchall())


OTHERS = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
