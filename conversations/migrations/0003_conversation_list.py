"""The list of conversations walks one range of an index for each kind: unread or read, whose turn, which status."""

from django.db import migrations, models

RANGE = ["turn", "status", "-last_message_at", "-id"]


class Migration(migrations.Migration):
    dependencies = [("conversations", "0002_search_and_ownership")]
    operations = [
        migrations.RemoveIndex(model_name="conversation", name="conversation_newest"),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=RANGE, name="conversation_unread", condition=models.Q(unread_count__gt=0)
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=RANGE, name="conversation_read", condition=models.Q(unread_count=0)),
        ),
    ]
