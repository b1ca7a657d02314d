"""Lines that are there get marks as they are found, and a line says so: only what is recorded from here on proves it."""

from django.db import migrations
from django.utils import timezone

from staff.audit_mac import marked

LINES_AT_ONCE = 500


def take_over(apps, schema_editor):
    AuditEntry = apps.get_model("staff", "AuditEntry")
    if not AuditEntry.objects.exists():
        return
    unsealed = AuditEntry.objects.filter(position=None, mac=None).order_by("pk")
    count = 0
    while found := list(unsealed[:LINES_AT_ONCE]):
        AuditEntry.objects.bulk_update([marked(entry) for entry in found], ["nonce", "mac"])
        count += len(found)
    sealed = AuditEntry.objects.exclude(position=None).count()
    said = AuditEntry(
        at=timezone.now(),
        verb="audit.taken_over",
        detail={"lines": sealed + count, "unsealed": count},
    )
    marked(said).save(force_insert=True)


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0009_audit_marks'),
    ]

    operations = [
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
