"""What the model layer can't say: the message index, and that a message's person is its conversation's."""

from django.db import migrations

from chatadmin.lib.migration import statements

# Both databases must index the very words that tokens() cut: so neither's own tokenizer has a say. PostgreSQL's would
# cut "5e9v" into "5e9" and "v", drop marks and numbers, and depend on the database's locale; FTS5's is told that
# everything but white space belongs to a word.
POSTGRES = [
    "CREATE EXTENSION IF NOT EXISTS btree_gin",
    """CREATE INDEX message_words ON conversations_message
        USING gin (((id >> 18)::int), array_to_tsvector(string_to_array(tokens, ' '))) WITH (fastupdate = off)""",
    """ALTER TABLE conversations_message ADD CONSTRAINT message_of_its_person
        FOREIGN KEY (conversation_id, chat_user_id) REFERENCES conversations_conversation (id, chat_user_id)
        ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED""",
]
POSTGRES_BACK = [
    "ALTER TABLE conversations_message DROP CONSTRAINT message_of_its_person",
    "DROP INDEX message_words",
]

OWNED = """SELECT RAISE(ABORT, 'message_of_its_person')
    WHERE new.chat_user_id IS NOT (SELECT chat_user_id FROM conversations_conversation WHERE id = new.conversation_id)"""

# A table rebuild by a later migration drops triggers: such a migration must make them again.
SQLITE = [
    """CREATE VIRTUAL TABLE conversations_message_fts USING fts5(
        tokens, content='conversations_message', content_rowid='id', prefix='2 3',
        tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'")""",
    """CREATE TRIGGER conversations_message_fts_insert AFTER INSERT ON conversations_message BEGIN
        INSERT INTO conversations_message_fts(rowid, tokens) VALUES (new.id, new.tokens); END""",
    """CREATE TRIGGER conversations_message_fts_delete AFTER DELETE ON conversations_message BEGIN
        INSERT INTO conversations_message_fts(conversations_message_fts, rowid, tokens)
        VALUES ('delete', old.id, old.tokens); END""",
    """CREATE TRIGGER conversations_message_fts_update AFTER UPDATE OF tokens ON conversations_message BEGIN
        INSERT INTO conversations_message_fts(conversations_message_fts, rowid, tokens)
        VALUES ('delete', old.id, old.tokens);
        INSERT INTO conversations_message_fts(rowid, tokens) VALUES (new.id, new.tokens); END""",
    f"""CREATE TRIGGER conversations_message_owned_insert BEFORE INSERT ON conversations_message BEGIN
        {OWNED}; END""",
    f"""CREATE TRIGGER conversations_message_owned_update
        AFTER UPDATE OF chat_user_id, conversation_id ON conversations_message BEGIN {OWNED}; END""",
    """CREATE TRIGGER conversations_conversation_moved AFTER UPDATE OF chat_user_id ON conversations_conversation BEGIN
        UPDATE conversations_message SET chat_user_id = new.chat_user_id
        WHERE conversation_id = new.id AND chat_user_id IS NOT new.chat_user_id; END""",
]
SQLITE_BACK = [
    "DROP TRIGGER conversations_conversation_moved",
    "DROP TRIGGER conversations_message_owned_update",
    "DROP TRIGGER conversations_message_owned_insert",
    "DROP TRIGGER conversations_message_fts_update",
    "DROP TRIGGER conversations_message_fts_delete",
    "DROP TRIGGER conversations_message_fts_insert",
    "DROP TABLE conversations_message_fts",
]


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial"), ("users", "0002_search_and_order")]
    operations = [
        migrations.RunPython(
            statements(postgresql=POSTGRES, sqlite=SQLITE),
            statements(postgresql=POSTGRES_BACK, sqlite=SQLITE_BACK),
        )
    ]
