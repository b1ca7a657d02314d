"""How many messages of other people named somebody right before the erasure."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exports", "0010_erasure_confirmed"),
    ]

    operations = [
        migrations.AddField(
            model_name="erasure",
            name="mentioned",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
