"""The index that the page of those who are here walks along: open visits, newest first."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("users", "0004_list_indexes")]
    operations = [
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(fields=["-started_at", "-id"], name="visit_here", condition=Q(ended_at=None)),
        ),
    ]
