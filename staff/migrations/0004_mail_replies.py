"""Whether replies that stay unread are mailed: off until somebody switches it on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("staff", "0003_widget_settings")]
    operations = [
        migrations.AddField(
            model_name="widget",
            name="mail_replies",
            field=models.BooleanField(default=False, verbose_name="mail unread replies"),
        ),
    ]
