"""What the model layer can't say: byte-wise order of names, and substring search in names and addresses."""

from django.db import migrations

from chatadmin.lib.migration import statements

POSTGRES = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    'ALTER TABLE users_chatuser ALTER COLUMN name_folded TYPE varchar(800) COLLATE "C"',
    'ALTER TABLE users_chatuser ALTER COLUMN email_folded TYPE varchar(1016) COLLATE "C"',
    "CREATE INDEX chatuser_name_trgm ON users_chatuser USING gin (name_folded gin_trgm_ops)",
    "CREATE INDEX chatuser_email_trgm ON users_chatuser USING gin (email_folded gin_trgm_ops)",
]
POSTGRES_BACK = ["DROP INDEX chatuser_email_trgm", "DROP INDEX chatuser_name_trgm"]

# A table rebuild by a later migration drops triggers: such a migration must make them again.
SQLITE = [
    """CREATE VIRTUAL TABLE users_chatuser_fts USING fts5(
        name_folded, email_folded, content='users_chatuser', content_rowid='id', tokenize='trigram')""",
    """CREATE TRIGGER users_chatuser_fts_insert AFTER INSERT ON users_chatuser BEGIN
        INSERT INTO users_chatuser_fts(rowid, name_folded, email_folded)
        VALUES (new.id, new.name_folded, new.email_folded); END""",
    """CREATE TRIGGER users_chatuser_fts_delete AFTER DELETE ON users_chatuser BEGIN
        INSERT INTO users_chatuser_fts(users_chatuser_fts, rowid, name_folded, email_folded)
        VALUES ('delete', old.id, old.name_folded, old.email_folded); END""",
    """CREATE TRIGGER users_chatuser_fts_update AFTER UPDATE OF name_folded, email_folded ON users_chatuser BEGIN
        INSERT INTO users_chatuser_fts(users_chatuser_fts, rowid, name_folded, email_folded)
        VALUES ('delete', old.id, old.name_folded, old.email_folded);
        INSERT INTO users_chatuser_fts(rowid, name_folded, email_folded)
        VALUES (new.id, new.name_folded, new.email_folded); END""",
]
SQLITE_BACK = [
    "DROP TRIGGER users_chatuser_fts_update",
    "DROP TRIGGER users_chatuser_fts_delete",
    "DROP TRIGGER users_chatuser_fts_insert",
    "DROP TABLE users_chatuser_fts",
]


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]
    operations = [
        migrations.RunPython(
            statements(postgresql=POSTGRES, sqlite=SQLITE),
            statements(postgresql=POSTGRES_BACK, sqlite=SQLITE_BACK),
        )
    ]
