"""Which of these tests are about one kind of database only."""

from django.conf import settings

collect_ignore = ["test_raw_postgresql.py"] if settings.IS_SQLITE else ["test_overwriting.py"]
