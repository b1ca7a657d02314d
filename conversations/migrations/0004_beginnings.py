"""The message index also holds the beginnings of words, of five and of seven letters, so that whoever types the
beginning of a word finds it like a word: else all messages of all words that begin so are gathered first."""

from django.db import migrations

from chatadmin.lib.migration import statements

# Each word of five letters or more with its beginnings behind it: "refunds" as "refunds ^refun ^refunds".
MARKED = r"regexp_replace(' ' || tokens || ' ', ' (([^ ]{5})([^ ]{2})?[^ ]*)(?= )', ' \1 ^\2 ^\2\3', 'g')"
WORDS = "string_to_array(tokens, ' ')"


def _index(words: str) -> list[str]:
    return [
        "DROP INDEX message_words",
        f"""CREATE INDEX message_words ON conversations_message
            USING gin (((id >> 18)::int), array_to_tsvector({words})) WITH (fastupdate = off)""",
    ]


def _table(beginnings: str) -> list[str]:
    return [
        "DROP TABLE conversations_message_fts",
        f"""CREATE VIRTUAL TABLE conversations_message_fts USING fts5(
            tokens, content='conversations_message', content_rowid='id', prefix='{beginnings}',
            tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'")""",
        "INSERT INTO conversations_message_fts(conversations_message_fts) VALUES ('rebuild')",
    ]


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_conversation_list")]
    operations = [
        migrations.RunPython(
            statements(
                postgresql=_index(f"array_remove(string_to_array({MARKED}, ' '), '')"), sqlite=_table("5 7")
            ),
            statements(postgresql=_index(WORDS), sqlite=_table("2 3")),
        )
    ]
