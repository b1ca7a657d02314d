"""Which of these tests are about one kind of database only; and they have theirs to themselves."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings

from tests.conftest import SHARED

ON_SQLITE = ["test_overwriting.py", "test_residue_index.py"]
collect_ignore = ["test_raw_postgresql.py"] if settings.IS_SQLITE else ON_SQLITE


@pytest.fixture(autouse=True)
def no_files_of_others() -> None:
    """The server's exports of earlier tests, whose people have the same marks, would be residue."""
    shutil.rmtree(Path(settings.VAR_DIR) / "exports", ignore_errors=True)


@pytest.fixture(autouse=True)
def nobody_else(request: pytest.FixtureRequest) -> None:
    """The server that other tests share looks each second for people to erase and exports to write: where it could see
    what a test commits, and isn't asked for, it stands aside. It is started again when it is needed."""
    marker = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction"))
    if commits and "server_process" not in request.fixturenames:
        for server in SHARED:
            if server.running:
                server.stop()
