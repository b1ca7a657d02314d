"""When a reply was mailed, and the index of those that may have to be."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_beginnings")]
    operations = [
        # Without a default: both databases add such a column without a look at the rows, and SQLite keeps the
        # triggers of the table.
        migrations.AddField(
            model_name="message",
            name="mailed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["created_at", "id", "chat_user"],
                name="message_unmailed",
                condition=models.Q(read_at=None, mailed_at=None, sender="staff"),
            ),
        ),
        migrations.AlterField(
            model_name="activityevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("first_visit", "First visit"),
                    ("visit", "Came back"),
                    ("page", "Looked at a page"),
                    ("widget_opened", "Opened the widget"),
                    ("widget_closed", "Closed the widget"),
                    ("identified", "Said who they are"),
                    ("merged", "Joined with an earlier visitor"),
                    ("mailed", "Was sent unread replies by e-mail"),
                    ("blocked", "Blocked"),
                    ("unblocked", "Unblocked"),
                ],
                max_length=20,
            ),
        ),
    ]
