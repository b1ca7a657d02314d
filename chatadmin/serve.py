"""`make run`: prepares the database and serves. `python -m chatadmin.serve` is the same without the set-up before it."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parent.parent
# Any number that nothing else of ours asks PostgreSQL to lock.
ADVISORY_LOCK = 0x63686174
PREPARING_LOCK = ADVISORY_LOCK + 1


def main() -> None:
    """Serves until it is stopped. What can't work ends with one line that says what to do."""
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    var = Path(os.environ.get("CHATADMIN_VAR") or ROOT / "var").resolve()
    keep_secret(var)
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
        from django.conf import settings

        need_free_port(settings.HOST, settings.PORT)
        with sole_process(var):
            with one_at_a_time(var):
                prepare()
            serve()
    except ImproperlyConfigured as error:
        sys.exit(f"chatadmin: {error}")
    except KeyboardInterrupt:
        pass


def keep_secret(var: Path) -> None:
    """Makes the folder for everything that is kept, and a secret in it where the environment names none."""
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = var / "secret_key"
        if not os.environ.get("SECRET_KEY", "").strip() and not path.exists():
            fresh = path.with_name(f"secret_key.{os.getpid()}")
            fresh.write_text(secrets.token_urlsafe(50))
            # A link fails where another start was first; then that one's secret stands.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
    except OSError as error:
        sys.exit(
            f"chatadmin: can't write to {var} ({error.strerror}): set CHATADMIN_VAR to a folder that is yours."
        )


def need_free_port(host: str, port: int) -> None:
    """Ends the process with a line where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"chatadmin: can't listen on {host}:{port} ({error.strerror}):"
                f" stop what listens there, or choose another, e.g. `PORT={port + 1 if port < 65535 else 8000} make run`."
            )


@contextlib.contextmanager
def sole_process(var: Path) -> Iterator[None]:
    """Holds the lock that keeps a second process off state that lives in this one: always on SQLite, and on
    PostgreSQL where there is no Redis to share it."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import Error

    if settings.IS_SQLITE:
        path = Path(str(settings.DATABASES["default"]["NAME"]))
        with open(path.with_name(f"{path.name}.serving"), "w") as lock:
            take(lock)
            yield
        return
    keeper = own_connection()
    # Those with Redis share the lock; one without must be alone, also beside those that have it.
    shared = bool(settings.REDIS_URL)
    try:
        with keeper.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock{'_shared' if shared else ''}(%s)", [ADVISORY_LOCK])
            taken = cursor.fetchone()[0]
    except Error as error:
        raise ImproperlyConfigured(no_database(error)) from None
    if not taken:
        raise ImproperlyConfigured(
            "another process serves this database: several need the same REDIS_URL=redis://… to share their state."
        )
    try:
        yield
    finally:
        keeper.close()


@contextlib.contextmanager
def one_at_a_time(var: Path) -> Iterator[None]:
    """Waits until no other process prepares this database, or files in this folder."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import Error

    with open(var / "preparing", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if settings.IS_SQLITE:
            yield
            return
        keeper = own_connection()
        try:
            with keeper.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARING_LOCK])
        except Error as error:
            raise ImproperlyConfigured(no_database(error)) from None
        try:
            yield
        finally:
            keeper.close()


def own_connection() -> BaseDatabaseWrapper:
    """A connection outside the pool, for a lock that lasts as long as it does."""
    from django.db import connection

    keeper = connection.copy("default")
    keeper.settings_dict["OPTIONS"] = {
        key: value for key, value in keeper.settings_dict["OPTIONS"].items() if key != "pool"
    }
    return keeper


def no_database(error: Exception) -> str:
    """What to do about a database that can't be used, with its own first line of why."""
    why = str(error).strip().splitlines()[:1] or [type(error).__name__]
    return f"the database can't be used: {why[0]}. Look at DATABASE_URL."


def take(lock: IO[str]) -> None:
    """Takes the file's lock. Raises ImproperlyConfigured where another process holds it."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ImproperlyConfigured(
            "another process serves this SQLite database: stop it, or use DATABASE_URL=postgres://… and"
            " REDIS_URL=redis://… for several."
        ) from None


def prepare() -> None:
    """Brings database and static files up to date; demo data where it is wanted and nobody is there yet."""
    from django.conf import settings

    migrate()
    collect_static()
    from staff.actions import ensure_widget

    ensure_widget()
    if settings.DEMO:
        from chatadmin import demo

        demo.ensure()


def migrate() -> None:
    """Brings the tables up to date. Raises ImproperlyConfigured."""
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command
    from django.db import Error

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Error as error:
        raise ImproperlyConfigured(no_database(error)) from None


def collect_static() -> None:
    """Copies and fingerprints the static files, where one of them changed since the last time."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    found = []
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = os.stat(storage.path(path))
            found.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    wanted = "\n".join(sorted(found))
    if not stamp.exists() or stamp.read_text() != wanted:
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(wanted)


def serve() -> None:
    """Runs uvicorn in this process, and the simulated visitors beside it in the demo."""
    import uvicorn
    from django.conf import settings

    from chatadmin.lib.http import PunctualHttp
    from chatadmin.lib.wire import PatientSockets

    visitors = Visitors()

    class Greeting(uvicorn.Server):
        """Says where it serves once it does, and starts the visitors then."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                settle()
                greet(visitors)

    config = uvicorn.Config(
        "chatadmin.asgi:application",
        host=settings.HOST,
        port=settings.PORT,
        lifespan="on",
        loop="uvloop",
        http=PunctualHttp,
        ws=PatientSockets,
        ws_max_size=64 * 1024,
        # The sockets ask for signs of life themselves, and know what silence means.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    try:
        Greeting(config).run()
    finally:
        visitors.stop()


def settle() -> None:
    """Has Python look for garbage less often, and not in what was loaded to stay: a tenth of a busy server's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Visitors:
    """The simulated visitors: a process that talks to the public socket like anybody's browser."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, url: str, key: str, state: Path) -> None:
        """Starts them."""
        command = [sys.executable, str(ROOT / "manage.py"), "simulate_visitors"]
        command += [f"--url={url}", f"--key={key}", f"--state={state}"]
        # They end when this pipe does, however this process ends.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def stop(self) -> None:
        """Ends them, waiting 3 s at most."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()


def greet(visitors: Visitors) -> None:
    """Prints where and how to sign in; starts the demo's visitors."""
    from django.conf import settings

    url = f"http://{settings.HOST}:{settings.PORT}"
    print(f"chatadmin serves on {url}  (Ctrl-C stops it)", flush=True)
    if settings.DEMO:
        from chatadmin import demo

        demo.greet(url)
        details = demo.details()
        visitors.start(details["url"], details["widget_key"], settings.VAR_DIR / "simulated.json")
    else:
        print(
            "Sign in with your account; `.venv/bin/python manage.py createsuperuser` makes the first.",
            flush=True,
        )


if __name__ == "__main__":
    main()
