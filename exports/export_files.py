"""The private place of exported files: what is there, what holds whom, and how it goes.

`$CHATADMIN_VAR/exports/`, which only the server's own account may enter. A file is called by the export's number; one
that is being written also by whoever writes it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exports.models import Export, ExportedPerson, ExportState
from staff import audit


def folder() -> Path:
    """The place, made where it isn't there yet."""
    place = Path(settings.VAR_DIR) / "exports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.chmod(0o700)
    return place


def path_of(export: Export) -> Path:
    """Where the finished file of an export is."""
    return folder() / f"{export.pk}.zip"


def part_of(export: Export) -> Path:
    """Where its holder writes it."""
    return folder() / f"{export.pk}.{export.holder}.part"


def spool_of(export: Export) -> Path:
    """Where its holder writes one person before they are taken into it."""
    return folder() / f"{export.pk}.{export.holder}.person"


def open_private(path: Path, flags: int = os.O_RDWR | os.O_CREAT | os.O_TRUNC) -> int:
    """A descriptor of a file that only its owner may read."""
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def files_of(export: Export) -> list[Path]:
    """Every file of an export, finished or not."""
    return sorted(folder().glob(f"{export.pk}.*"))


def files_with(person: uuid.UUID) -> list[Path]:
    """The files that hold a person, finished or not; also those begun by a process that was killed."""
    exports = Export.objects.filter(inside__person_hash=audit.person_hash(person)).order_by("pk")
    return [path for export in exports for path in files_of(export)]


def drop_files_with(people: Sequence[uuid.UUID]) -> int:
    """Deletes the finished files that hold one of them, and has those that are being written begun anew without them.

    Returns how many it met. Safe to call again.
    """
    inside = ExportedPerson.objects.filter(person_hash__in=[audit.person_hash(person) for person in people])
    # A look without a transaction: on SQLite even one that finds nothing would keep every writer out.
    if not inside.exists():
        return 0
    with transaction.atomic():
        holding = Export.objects.select_for_update().filter(pk__in=inside.values("export"))
        met = list(holding.order_by("pk"))
        for export in met:
            if export.is_open:
                Export.objects.filter(pk=export.pk).update(is_stale=True)
                for path in files_of(export):
                    path.unlink(missing_ok=True)
            else:
                remove(export, why="erased")
    return len(met)


def remove(export: Export, *, why: str) -> None:
    """Deletes the file of an export that nobody writes. The row stays and says `why`. Call it under the row's lock."""
    for path in files_of(export):
        path.unlink(missing_ok=True)
    export.inside.all().delete()
    state = ExportState.GONE if export.state == ExportState.DONE else export.state
    changes = {"state": state, "why": why, "expires_at": None, "people": ""}
    Export.objects.filter(pk=export.pk).update(ended_at=export.ended_at or timezone.now(), **changes)
