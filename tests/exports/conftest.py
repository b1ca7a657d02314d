"""Which of these tests are about one kind of database only."""

from django.conf import settings

ON_SQLITE = ["test_overwriting.py", "test_residue_index.py"]
collect_ignore = ["test_raw_postgresql.py"] if settings.IS_SQLITE else ON_SQLITE
