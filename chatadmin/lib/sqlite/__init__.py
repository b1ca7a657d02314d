"""Django's database backend for SQLite, whose threads take turns to write."""
