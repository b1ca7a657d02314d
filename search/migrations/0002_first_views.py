"""The views that an installation begins with, shared with everyone; "Everyone" is the list itself and needs no row."""

from django.db import migrations

VIEWS = [
    ("Online", "online=yes"),
    ("VIP", "vip=yes"),
    ("Anonymous", "kind=anonymous"),
    ("Repeat visitors", "repeat=yes"),
    ("Dormant 90 days", "dormant=90"),
]


def add(apps, schema_editor):
    saved_view = apps.get_model("search", "SavedView")
    for position, (name, query) in enumerate(VIEWS):
        saved_view.objects.create(
            name=name, name_folded=name.lower(), query=query, is_shared=True, position=position
        )


def take_away(apps, schema_editor):
    apps.get_model("search", "SavedView").objects.filter(owner=None).delete()


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]
    operations = [migrations.RunPython(add, take_away)]
