"""Exports of many people: proposed, looked at in numbers, started, written, stopped, deleted after their days.

Not a job of the queue: its chunks are transactions, and while one person's million messages are read and pressed
nobody should wait for a lock. The row is leased as a job is; a process that is killed leaves it to another, which
begins anew.
"""

from __future__ import annotations

import datetime as dt
import errno
import secrets
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from chatadmin.lib.packing import pack
from exports.export_files import files_of, folder, part_of, path_of, remove, spool_of
from exports.export_writing import LEASE, Lost, Stale, Stopped, write
from exports.models import Erasure, Export, ExportedPerson, ExportState
from exports.stream import Form, LeaveOut
from staff import audit
from staff.models import Account
from users.models import ChatUser

log = structlog.get_logger("chatadmin.exports")

MOST_PEOPLE = 20_000
COUNTED_TOGETHER = 5_000
MOST_ATTEMPTS = 5
BEGUN_ANEW, PUT_OFF_FOR = 3, dt.timedelta(minutes=1)
PROPOSED_FOR = dt.timedelta(hours=1)
KEPT_ROWS_FOR = dt.timedelta(days=365)
SWEPT_TOGETHER = 100


def propose(*, ids: Sequence[int], actor: Account) -> Export:
    """Freezes whom it would be of, and counts their messages. Raises ValueError for nobody or more than MOST_PEOPLE."""
    if not 0 < len(ids) <= MOST_PEOPLE:
        raise ValueError("people")
    said = 0
    for at in range(0, len(ids), COUNTED_TOGETHER):
        some = ChatUser.objects.filter(pk__in=ids[at : at + COUNTED_TOGETHER])
        said += some.aggregate(said=Sum("message_count"))["said"] or 0
    return Export.objects.create(
        account=actor,
        account_name=actor.display_name,
        people=pack(ids),
        total=len(ids),
        messages=said,
    )


def start(*, export_id: int, form: Form, leave_out: Sequence[LeaveOut], actor: Account) -> bool:
    """Lets a proposed export begin. False where it is none, or no longer."""
    with transaction.atomic():
        left_out = sorted(part.value for part in leave_out)
        proposed = Export.objects.filter(pk=export_id, state=ExportState.PROPOSED)
        if not proposed.update(state=ExportState.WAITING, form=form.value, left_out=left_out):
            return False
        export = Export.objects.get(pk=export_id)
        detail = {"export": export_id, "format": form.value, "people": export.total}
        audit.record(
            actor=actor, verb="export.started", detail=detail | ({"left_out": left_out} if left_out else {})
        )
    return True


def stop(*, export_id: int, actor: Account) -> None:
    """Stops one that is being written or waits, forgets one that is only proposed, deletes the file of one that is
    done."""
    with transaction.atomic():
        export = Export.objects.select_for_update().filter(pk=export_id).first()
        if export is None:
            return
        if export.state == ExportState.PROPOSED:
            export.delete()
            return
        if export.state == ExportState.DONE:
            remove(export, why="deleted")
        elif export.is_open:
            # Whoever writes it sees this within a second, and deletes what it wrote.
            _end(export, ExportState.STOPPED, "")
            remove(export, why="")
        else:
            return
        audit.record(actor=actor, verb="export.deleted", detail={"export": export_id})


def write_exports() -> int:
    """Writes every export that waits, the oldest first. Returns how many were finished."""
    finished = 0
    while (export := _take()) is not None:
        finished += _write(export)
    return finished


def _take() -> Export | None:
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    # A look without a transaction: on SQLite even one that finds nothing would keep every writer out.
    waiting = Export.objects.filter(free, state__in=[ExportState.WAITING, ExportState.RUNNING])
    if not waiting.exists():
        return None
    with transaction.atomic():
        export = waiting.select_for_update(skip_locked=True).order_by("pk").first()
        if export is None:
            return None
        if export.attempts >= MOST_ATTEMPTS:
            _end(export, ExportState.FAILED, "killed")
            remove(export, why="killed")
            return None
        try:
            for path in files_of(export):
                path.unlink(missing_ok=True)
        except OSError as error:
            # The folder can't be used: said to whoever waits, rather than tried for ever.
            log.error("exports.failed", export=export.pk, error=type(error).__name__, errno=error.errno)
            _end(export, ExportState.FAILED, "file")
            return None
        export.state, export.holder = ExportState.RUNNING, secrets.token_hex(16)
        export.leased_until, export.attempts = now + LEASE, export.attempts + 1
        export.started_at = export.started_at or now
        export.is_stale, export.done, export.written, export.bytes = False, 0, 0, 0
        export.save()
    return export


def _write(export: Export) -> bool:
    """Writes one to its end. What goes wrong is noted in its row, or logged, and ends nothing else."""
    try:
        for _ in range(BEGUN_ANEW):
            try:
                write(export)
                if _finish(export):
                    return True
            except Stale:
                pass
            # Somebody in it was erased meanwhile.
            Export.objects.filter(pk=export.pk, holder=export.holder).update(is_stale=False)
        _put_off(export)
    except (Lost, Stopped):
        return False
    except OSError as error:
        name = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "file"
        log.error("exports.failed", export=export.pk, error=type(error).__name__, errno=error.errno)
        _fail(export, name)
    except Exception as error:
        log.error("exports.failed", export=export.pk, error=type(error).__name__)
        _fail(export, type(error).__name__[:40])
    finally:
        for path in (part_of(export), spool_of(export)):
            path.unlink(missing_ok=True)
    return False


def _put_off(export: Export) -> None:
    """Lets others go first: while people in it are erased one after the other it would be begun for ever."""
    mine = Export.objects.filter(pk=export.pk, holder=export.holder, state=ExportState.RUNNING)
    mine.update(
        state=ExportState.WAITING,
        holder="",
        leased_until=timezone.now() + PUT_OFF_FOR,
        attempts=F("attempts") - 1,
    )


def _finish(export: Export) -> bool:
    """Puts the file where it is downloaded from, unless somebody in it was erased in the last moment."""
    with transaction.atomic():
        held = Export.objects.select_for_update().filter(pk=export.pk, holder=export.holder).first()
        if held is None or held.state != ExportState.RUNNING:
            raise Lost
        if held.is_stale:
            return False
        part = part_of(export)
        held.bytes, held.done, held.written = part.stat().st_size, export.done, export.written
        held.expires_at = timezone.now() + dt.timedelta(days=settings.EXPORT_DAYS)
        _end(held, ExportState.DONE, "")
        part.replace(path_of(export))
    return True


def _fail(export: Export, why: str) -> None:
    with transaction.atomic():
        held = Export.objects.select_for_update().filter(pk=export.pk, holder=export.holder).first()
        if held is not None:
            _end(held, ExportState.FAILED, why)
            remove(held, why=why)


def _end(export: Export, state: ExportState, why: str) -> None:
    export.state, export.why, export.ended_at = state, why, timezone.now()
    export.people, export.holder, export.leased_until = "", "", None
    export.save()


def sweep_exports() -> int:
    """Deletes what has had its days, what holds somebody who was erased, proposals that nobody started, and files that
    belong to nothing. Returns how many."""
    now = timezone.now()
    # Not those that wait for a second admin, or were refused.
    gone = Erasure.objects.filter(rows_gone_at__isnull=False)
    erased = ExportedPerson.objects.filter(person_hash__in=gone.values("person_hash"))
    overdue = Q(state=ExportState.DONE, expires_at__lt=now)
    holding = Q(state=ExportState.DONE, pk__in=erased.values("export"))
    swept = 0
    for condition, why in ((overdue, "expired"), (holding, "erased")):
        for key in list(Export.objects.filter(condition).values_list("pk", flat=True)[:SWEPT_TOGETHER]):
            with transaction.atomic():
                export = Export.objects.select_for_update().filter(condition, pk=key).first()
                if export is not None:
                    remove(export, why=why)
                    swept += 1
    forgotten = Q(state=ExportState.PROPOSED, created_at__lt=now - PROPOSED_FOR)
    old = Q(ended_at__lt=now - KEPT_ROWS_FOR)
    rows = Export.objects.filter(forgotten | old).exclude(state=ExportState.DONE).order_by("created_at")
    swept += Export.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:SWEPT_TOGETHER])).delete()[
        0
    ]
    return swept + _sweep_files()


def _sweep_files() -> int:
    """Deletes files whose export isn't there, has ended otherwise, or is written by somebody else by now."""
    swept = 0
    for path in folder().iterdir():
        number = path.name.partition(".")[0]
        export = Export.objects.filter(pk=int(number)).first() if number.isdecimal() else None
        belongs = export is not None and (
            # Moved there in the moment before the row says so.
            (export.state in (ExportState.DONE, ExportState.RUNNING) and path == path_of(export))
            or (export.state == ExportState.RUNNING and path in (part_of(export), spool_of(export)))
        )
        if not belongs:
            path.unlink(missing_ok=True)
            swept += 1
    return swept
