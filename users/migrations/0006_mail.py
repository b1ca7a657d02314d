"""When somebody may be mailed about replies again, and which addresses said stop."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0005_visit_here")]
    operations = [
        # Without a default: both databases add such a column without a look at the rows.
        migrations.AddField(
            model_name="chatuser",
            name="mail_again_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="MailStop",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("address_hash", models.CharField(max_length=64, unique=True)),
                ("stopped_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
