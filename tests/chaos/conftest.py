"""Servers of our own on the test database. The one that other tests share stands aside: it would know nothing of our
Redis, and end the visits of people who are there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from staff.models import Account, Role, Widget
from tests.cluster import Cluster
from tests.factories import make_account, make_widget
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor


@pytest.fixture
def three(server_process: Server, transactional_db: None) -> Iterator[Cluster]:
    """Three servers (SQLite: one), for one test."""
    server_process.stop()
    with Cluster(3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def pair(server_process: Server) -> Iterator[Cluster]:
    """Two servers (SQLite: one), for all tests of a file."""
    server_process.stop()
    with Cluster(2) as cluster:
        yield cluster


@pytest.fixture
def two(pair: Cluster, transactional_db: None) -> Iterator[Cluster]:
    """The pair, running, on an empty database. A test may kill them."""
    pair.revive()
    yield pair
    for server in pair.servers:
        if server.running:
            # What the test's tabs asked for is done before the next test, as in the suite's own `server`.
            with Visitor(server.url, "nobody") as stranger:
                stranger.closed()


@pytest.fixture
def here(two: Cluster) -> Server:
    """One of two servers."""
    return two.servers[0]


@pytest.fixture
def there(two: Cluster) -> Server:
    """The other one; on SQLite the same."""
    return two.servers[-1]


@pytest.fixture
def widget(transactional_db: None) -> Widget:
    """A widget that may be embedded on the servers' own pages."""
    return make_widget(allowed_origins=["self"])


@pytest.fixture
def dana(transactional_db: None) -> Account:
    """An admin."""
    return make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield")


@pytest.fixture
def at_desk(dana: Account, there: Server) -> StaffBrowser:
    """The admin's browser, at the other server."""
    return StaffBrowser(there, dana)
