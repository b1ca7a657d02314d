"""Wrong passwords are counted in Redis. Where it is away people sign in all the same, and guessers are counted too."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from chatadmin.lib import redis_store
from staff.models import Account, Role
from tests.cluster import Redis
from tests.factories import make_account
from tests.server import Server
from tests.staff_http import CSRF, StaffBrowser

PASSWORD = "correct horse battery"

if redis_store.configured():  # one half of the suite has a Redis

    @pytest.fixture
    def own_redis() -> Iterator[Redis]:
        made = Redis().start()
        yield made
        assert made.process is not None
        made.process.send_signal(signal.SIGCONT)
        made.kill()

    @pytest.fixture
    def beside_it(own_redis: Redis, server_process: Server, transactional_db: None) -> Iterator[Server]:
        """A server that keeps its counts there."""
        # The other tests' would miss what this one says: it has another Redis.
        server_process.stop()
        server = Server(REDIS_URL=own_redis.url).start()
        yield server
        server.stop()

    @pytest.fixture
    def sam() -> Account:
        account = make_account("sam@team.example", Role.SUPPORT)
        account.set_password(PASSWORD)
        account.save()
        return account

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
    def test_with_redis_away_people_sign_in_and_guessers_are_counted(
        own_redis: Redis, beside_it: Server, sam: Account, how: signal.Signals
    ) -> None:
        browser = StaffBrowser(beside_it, sam)
        browser.cookies = f"{settings.CSRF_COOKIE_NAME}={CSRF}"

        def sign_in(password: str) -> int:
            return browser.post("/login/", login=sam.email, password=password)[0]

        assert own_redis.process is not None
        own_redis.process.send_signal(how)
        began = time.monotonic()
        assert sign_in(PASSWORD) == 302
        assert [sign_in("wrong") for _ in range(10)] == [200] * 10
        assert sign_in("wrong") == 429
        assert time.monotonic() - began < 15
