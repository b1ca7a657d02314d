from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0006_api_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('erasure_needs_second', models.BooleanField(default=False, verbose_name='deleting somebody needs a second admin')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='policy_is_one_row')],
            },
        ),
    ]
