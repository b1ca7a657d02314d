"""Personas: visitor, stranger, support, admin, owner."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client, TransactionTestCase
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from chatadmin.lib import bus, redis_store, threads
from conversations.writer import WRITER
from scripts.chromium import find
from staff.models import Account, Role, Widget
from tests.emptying import empty_database, forget_statistics, leave_alone
from tests.factories import make_account, make_widget
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor

# They wait for half a minute at a time. Tests are shared out by file: one of these that is begun last is waited for alone.
FIRST = (
    "tests/chaos/",
    "tests/setup/test_worker.py",
    "tests/widget/test_socket_slow.py",
    "tests/widget/test_socket_closes.py",
    "tests/live/test_live_browser.py",
    "tests/widget/test_settings_live.py",
    "tests/exports/test_erasure_process.py",
    "tests/exports/test_retention_process.py",
)
# The servers that tests share, once there is one.
SHARED: list[Server] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that wait longest go first."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


TransactionTestCase._fixture_teardown = lambda case: empty_database()  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The database is prepared once; threads that keep a connection to it end before it does."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        leave_alone()
    yield
    WRITER.stop()
    threads.close()


@pytest.fixture(scope="module")
def no_statistics(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """For tests of plans: before the first of them PostgreSQL supposes more rows than the few of a test."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        forget_statistics()


@pytest.fixture
def support(db: None) -> Account:
    return make_account("sam@team.example", Role.SUPPORT, name="Sam Support")


@pytest.fixture
def admin(db: None) -> Account:
    return make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield")


@pytest.fixture
def owner(db: None) -> Account:
    return make_account("olu@team.example", Role.OWNER, name="Olu Owner")


@pytest.fixture
def signed_in() -> Callable[[Account], Client]:
    """Makes a client with a session of that account."""

    def sign_in(account: Account) -> Client:
        client = Client()
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def stranger() -> Client:
    """Somebody without an account."""
    return Client()


@pytest.fixture
def support_client(support: Account, signed_in: Callable[[Account], Client]) -> Client:
    return signed_in(support)


@pytest.fixture
def admin_client(admin: Account, signed_in: Callable[[Account], Client]) -> Client:
    return signed_in(admin)


@pytest.fixture
def owner_client(owner: Account, signed_in: Callable[[Account], Client]) -> Client:
    return signed_in(owner)


@pytest.fixture(scope="session")
def server_process(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Server]:
    """The real server on the test database, one for the whole run."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        server = Server().start()
    SHARED.append(server)
    yield server
    server.stop()


@pytest.fixture
def own_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in whose process somebody listens: they hear, and miss, nobody else's processes, and nobody misses
    them."""
    monkeypatch.setattr(bus, "_bus", None)
    monkeypatch.setattr(bus, "GROUP", f"bus.{secrets.token_hex(8)}")


@pytest.fixture
def server(transactional_db: None, server_process: Server) -> Iterator[Server]:
    """The running server, and a database that is empty but for what the test puts in. A test may kill it."""
    if Server.some_killed and redis_store.configured():
        # It would miss whoever an earlier test killed, a quarter of a minute later, and have all pages look again.
        server_process.stop()
    Server.some_killed = False
    if not server_process.running:
        server_process.start()
    yield server_process
    if server_process.running:
        # Its database thread works in order: once this stranger is turned away, all that the test's tabs asked for
        # is done, and nothing of it is written into the next test's database.
        with Visitor(server_process.url, "nobody") as stranger:
            stranger.closed()


@pytest.fixture
def widget(server: Server) -> Widget:
    """A widget that may be embedded on the server's own pages."""
    return make_widget(allowed_origins=["self", "http://site.example"])


@pytest.fixture
def visit(server: Server, widget: Widget) -> Iterator[Callable[..., Visitor]]:
    """Opens tabs: `visit()` is connected and has said nothing yet."""
    tabs: list[Visitor] = []

    def open_tab(**fields: object) -> Visitor:
        tab = Visitor(server.url, widget.key, **fields).open()  # type: ignore[arg-type]
        tabs.append(tab)
        return tab

    yield open_tab
    for tab in tabs:
        tab.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Runs for one file only: while it does, this thread has an event loop, which other tests must not meet."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        started = playwright.chromium.launch(
            executable_path=find(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                # The made-up sites of the tests count as the internet's, the server as a neighbour's.
                "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def open_context(browser: Browser, server: Server, widget: Widget) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts of people who know the server only; each is a browser of its own."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(reduced_motion="reduce", base_url=server.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def at_work(open_context: Callable[..., BrowserContext], server: Server) -> Callable[..., BrowserContext]:
    """A browser in which that account is signed in: `at_work(account).new_page()`."""

    def sign_in(account: Account, **options: object) -> BrowserContext:
        context = open_context(timezone_id="Europe/Berlin", **options)
        key = StaffBrowser(server, account).session_key
        assert key
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": server.url}])
        return context

    return sign_in
