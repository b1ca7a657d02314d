"""Indexes that answer the list's filters alone, and what PostgreSQL needs to know of people of whom nothing is known."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from chatadmin.lib.migration import statements

# Columns that are empty together: without this it expects a tenth of the anonymous people that there are.
POSTGRES = [
    (
        "CREATE STATISTICS chatuser_known (mcv) ON name, email, external_id, name_folded, email_folded"
        " FROM users_chatuser"
    ),
    "ANALYZE users_chatuser",
]
POSTGRES_BACK = ["DROP STATISTICS chatuser_known"]


class Migration(migrations.Migration):
    dependencies = [("users", "0003_organising")]
    operations = [
        migrations.RemoveIndex(model_name="chatuser", name="chatuser_last_active"),
        migrations.RemoveIndex(model_name="chatuser", name="chatuser_messages"),
        migrations.RemoveIndex(model_name="chatuser", name="chatuser_vip"),
        migrations.AddIndex(
            model_name="chatuser",
            index=models.Index(
                fields=["last_active", "id", "first_contact", "message_count", "visit_count", "is_vip"],
                name="chatuser_last_active",
                condition=Q(erased_at=None),
            ),
        ),
        migrations.AddIndex(
            model_name="chatuser",
            index=models.Index(
                fields=["message_count", "id", "last_active", "first_contact", "visit_count", "is_vip"],
                name="chatuser_messages",
                condition=Q(erased_at=None),
            ),
        ),
        migrations.AddIndex(
            model_name="chatuser",
            index=models.Index(
                fields=["id", "last_active", "first_contact", "message_count", "visit_count", "name_folded"],
                name="chatuser_vip",
                condition=Q(is_vip=True, erased_at=None),
            ),
        ),
        migrations.AddIndex(
            model_name="tagging",
            index=models.Index(fields=["tag", "chat_user"], name="tagging_of_tag"),
        ),
        migrations.AlterField(
            model_name="tagging",
            name="tag",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="taggings",
                to="users.tag",
            ),
        ),
        migrations.RunPython(
            statements(postgresql=POSTGRES, sqlite=[]), statements(postgresql=POSTGRES_BACK, sqlite=[])
        ),
    ]
