"""Why somebody is a VIP, tags on the way out, and tags ordered byte-wise by their folded name on PostgreSQL too."""

import django.db.models.deletion
from django.db import migrations, models

from chatadmin.lib.migration import statements

POSTGRES = ['ALTER TABLE users_tag ALTER COLUMN name_folded TYPE varchar(160) COLLATE "C"']
POSTGRES_BACK = ['ALTER TABLE users_tag ALTER COLUMN name_folded TYPE varchar(160) COLLATE "default"']


class Migration(migrations.Migration):
    dependencies = [("users", "0002_search_and_order")]
    operations = [
        migrations.AddField(
            model_name="chatuser",
            name="vip_reason",
            field=models.CharField(blank=True, max_length=200, null=True, verbose_name="reason"),
        ),
        migrations.AddField(
            model_name="tag",
            name="going_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="tag",
            name="into",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="users.tag",
            ),
        ),
        migrations.AlterField(
            model_name="tag",
            name="color",
            field=models.CharField(
                blank=True,
                choices=[
                    ("red", "Red"),
                    ("orange", "Orange"),
                    ("green", "Green"),
                    ("teal", "Teal"),
                    ("blue", "Blue"),
                    ("violet", "Violet"),
                    ("pink", "Pink"),
                ],
                max_length=10,
                verbose_name="colour",
            ),
        ),
        migrations.RunPython(
            statements(postgresql=POSTGRES, sqlite=[]), statements(postgresql=POSTGRES_BACK, sqlite=[])
        ),
    ]
