"""Files as tests make and bring them in, and exports without what differs between installations."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from django.core.management import call_command

from conversations.models import MergeJournal
from exports.importing.recount import recount
from exports.stream import Form, export
from staff.models import AuditEntry
from tests.exports.people import make_marked
from users.models import ChatUser, Tag


def counted(word: str) -> ChatUser:
    """A person of whom everything is known, whose counters and turns are right."""
    person = make_marked(word).person
    recount(person.pk)
    return person


def write(person: ChatUser, folder: Path, form: Form = Form.JSON) -> Path:
    """The person's export as a file."""
    path = folder / f"{person.uuid}.{'json' if form is Form.JSON else 'zip'}"
    path.write_bytes(b"".join(export(ChatUser.objects.get(pk=person.pk), form).blocks))
    return path


def bring_in(*paths: Path, **options: Any) -> tuple[int, str]:
    """Exit status and output of `import_chats`."""
    out = io.StringIO()
    try:
        call_command("import_chats", "chatadmin", *map(str, paths), stdout=out, **options)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue()
    return 0, out.getvalue()


def counts(output: str, kind: str) -> tuple[int, ...]:
    """New, changed, unchanged, refused."""
    found = re.search(
        rf"^{kind}: ([\d,]+) new, ([\d,]+) changed, ([\d,]+) unchanged, ([\d,]+) refused$",
        output,
        re.MULTILINE,
    )
    assert found, output
    return tuple(int(number.replace(",", "")) for number in found.groups())


def forget_everyone() -> None:
    """An empty database."""
    MergeJournal.objects.all().delete()
    ChatUser.objects.all().delete()
    Tag.everything.all().delete()
    AuditEntry.objects.all().delete()


def content(person_uuid: Any) -> dict[str, Any]:
    """A person's JSON export without ids, the moment of it, who looked and what was asked for."""
    person = ChatUser.objects.get(uuid=person_uuid)
    found = json.loads(b"".join(export(person, Form.JSON).blocks))
    for name in ("exported_at", "accesses", "requests"):
        del found[name]
    visits = [visit.pop("id") for visit in found["visits"]]
    for event in found["activity"]:
        event["visit"] = visits.index(event["visit"]) if event["visit"] is not None else None
    for row in [*found["activity"], *found["notes"], *found["conversations"]]:
        row.pop("id")
        for message in row.get("messages", ()):
            message.pop("id")
    return dict(found)


def tables(person_uuid: Any) -> dict[str, str]:
    """The CSV files of a person."""
    person = ChatUser.objects.get(uuid=person_uuid)
    zipped = zipfile.ZipFile(io.BytesIO(b"".join(export(person, Form.CSV).blocks)))
    return {name: zipped.read(name).decode("utf-8-sig") for name in zipped.namelist()}
