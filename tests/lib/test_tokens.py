"""tokens(): the words of a text, the same in Python, in SQLite and in PostgreSQL."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from chatadmin.lib.tokens import MAX_TOKEN_CHARS, MAX_TOKENS, fold, folded, tokens
from conversations.models import Message
from search.matches import INDEXED
from tests.factories import make_messages, make_person

# Lone surrogates too: no database takes them, but whoever cuts a text must not fall over one.
ANY_TEXT = st.text(st.characters(categories=None, exclude_categories=()), max_size=80)
ODD = st.text(
    st.sampled_from(
        "aé1eEßﬁ ﷺéйバﾊﾞ東京กี่ខ្មែ🎉👩‍💻🇩🇪️⃣゙́\x00\u00ad\ud800-_.@" + "\u0338\u0488\u200d\u2066\U000e0101ㅤ"
    ),
    max_size=40,
)
LESS_WORK = settings(deadline=None, max_examples=300, database=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\n ", ""),
        ("?!…—", ""),
        ("Hello, World", "hello world"),
        ("Élodie Łódź Zoë", "elodie łodz zoe"),
        ("ﬁnal ﬂoor", "final floor"),
        ("Straße STRASSE", "strasse strasse"),
        ("İstanbul ISTANBUL", "istanbul istanbul"),
        ("ὈΔΥΣΣΕΎΣ Ὀδυσσεύς", "οδυσσευσ οδυσσευσ"),
        ("й И и", "й и и"),
        ("Ёлка всё", "ёлка всё"),
        ("café cafe\u0301", "cafe cafe"),
        ("مُحَمَّد محـــمد", "محمد محمد"),
        ("أحمد", "احمد"),
        ("שָׁלוֹם", "שלום"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("x² ½ ①", "x2 1 2 1"),
        ("don't l’été", "don t l ete"),
        ("order 12-345, 1.234,50 €", "order 12 345 1 234 50"),
        ("5e9v 30e77q 0x1F", "5e9v 30e77q 0x1f"),
        ("see https://shop.example/a_b?id=9#top", "see https shop example a b id 9 top"),
        ("mail Dana.W+x@Example.COM", "mail dana w x example com"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("안녕하세요 고객님", "안녕하세요 고객님"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
    ],
)
def test_words(text: str, expected: str):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東", "東"),
        ("東京", "東京"),
        ("東京都", "東京 京都"),
        ("ありがとう", "あり りが がと とう"),
        ("バス", "バス"),
        ("ﾊﾞｽ", "バス"),
        ("iPhone買う", "iphone 買う"),
        ("2024年5月", "2024 年 5 月"),
        ("メール、電話", "メー ール 電話"),
        ("ㄅㄆㄇ", "ㄅㄆ ㄆㄇ"),
        ("葛\U000e0101城", "葛城"),
    ],
)
def test_scripts_without_spaces_become_pairs(text: str, expected: str):
    assert tokens(text) == expected


def test_pairs_are_of_characters_with_their_marks():
    # THO THAHAN + SARA II + MAI EK is one character to whoever reads it, and NO NU + SARA II + MAI EK the next.
    assert tokens("ที่นี่") == "ที่นี่"
    assert tokens("ที่นี่ไหม") == "ที่นี่ นี่ไ ไห หม"
    assert all(not unicodedata.category(word[0]).startswith("M") for word in tokens("ខ្ញុំត្រូវការជំនួយ").split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("🎉", "x1f389"),
        ("ok👍", "ok x1f44d"),
        ("👍🏽", "x1f44d x1f3fd"),
        ("👨‍👩‍👧", "x1f468 x1f469 x1f467"),
        ("🇩🇪", "x1f1e9 x1f1ea"),
        ("❤️ ❤", "x2764 x2764"),
        ("1️⃣", "1"),
        ("☎→🚀", "x260e x1f680"),
    ],
)
def test_emoji_are_words(text: str, expected: str):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "re\u00adfund",
        "re\u200bfund",
        "re\u2060fund",
        "re\ufe0ffund",
        "re\u034ffund",
        "\ufeffrefund\u200e",
        "refu\u061cnd",
    ],
)
def test_what_is_invisible_does_not_part_a_word(text: str):
    assert tokens(text) == "refund"


def test_what_looks_empty_is_no_word():
    assert tokens("\u3164\u115f \ufe0f \u0301 \U000e0041") == ""
    assert folded("\u3164\u200b ") is None


@LESS_WORK
@given(ANY_TEXT | ODD)
def test_never_raises_and_is_bounded(text: str):
    found = tokens(text).split(" ") if tokens(text) else []
    assert len(found) <= MAX_TOKENS
    for word in found:
        assert 1 <= len(word) <= MAX_TOKEN_CHARS
        assert not re.search(r"[\s\x00\"'():*&|!<>\\]", word)
        assert word[0].isalnum()
        assert not any("\ud800" <= char <= "\udfff" for char in word)


@LESS_WORK
@given(ANY_TEXT | ODD)
def test_cutting_what_is_cut_changes_nothing(text: str):
    assert tokens(tokens(text)) == tokens(text)
    assert fold(fold(text)) == fold(text)


@LESS_WORK
@given(ANY_TEXT | ODD)
def test_composed_and_decomposed_are_the_same(text: str):
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))


def test_every_character_alone():
    unstable = [
        f"U+{code:04X}"
        for code in range(0x110000)
        if (found := tokens(chr(code))) and (tokens(found) != found or len(found) > MAX_TOKEN_CHARS)
    ]
    assert tokens(chr(0xE9)) == "e"
    assert unstable == []


@pytest.mark.parametrize(
    "text", ["a " * 50_000, "ﷺ" * 4_000, "東" * 50_000, "é" * 50_000, "🎉" * 50_000, "ก" + "ี" * 50_000]
)
def test_long_texts_give_a_bounded_answer(text: str):
    found = tokens(text).split()
    assert 1 <= len(found) <= MAX_TOKENS
    assert max(map(len, found)) <= MAX_TOKEN_CHARS


def test_fold_keeps_a_name_within_its_column():
    assert folded("ÉLODIE   Straße\t") == "elodie strasse"
    assert folded("") is None
    assert len(folded("ﷺ" * 200) or "") == 3_600
    assert folded("ﷺ" * 200, 800) == (folded("ﷺ" * 200) or "")[:800]
    assert folded("Straße", 5) == "stras"


RICH = [
    "Order 12-345: ありがとう 🎉 bitte prüfen, danke!",
    "commit 5e9v 30e77q 7e1p 1e5 0x1f 1.5e-3 00012 -7 +49 30 1234567",
    "https://shop.example/refund?id=42&x=%20#a mail@example.com /usr/lib/x.so 10.0.0.1 <b>tag</b> &amp;",
    "don't o'neill foo_bar a-b-c C++ C# .NET AT&T 24/7 50% $9.99 #tag @you",
    "Élodie naïve Straße ﬁ Łódź Ærøskøbing Ελλάδα Ὀδυσσεύς",
    "Привет, где мой заказ? Ёлка й ў їжак м'ята",
    "مرحبا، أين طلبي؟ ١٢٣ می‌خواهم שָׁלוֹם צה״ל",
    "नमस्ते ক্ষমা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල",
    "สวัสดีครับ ที่นี่ ខ្ញុំត្រូវការជំនួយ မင်္ဂလာပါ ສະບາຍດີ",
    "東京都 日本語テキスト ﾊﾞｽ 葛󠄀城 한국어 안녕 你好，世界 ㄅㄆㄇ 𠮷野家",
    "👨‍👩‍👧 🇩🇪 👍🏽 ❤️ 1️⃣ ☎️ ♥ ✓ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "௰ ৴ ༳ ᠐ ꩐ 𐄚 Ꭰꭰ ᏣᎳᎩ ᐁᐧᐁ ᚠᚢᚦ ዩኒኮድ ⰀⰁ 𝔘𝔫𝔦 ⅷ ½",
    "z\u0351a\u0489lgo\u0338 e\u20dd x\u0301\u0302\u0303",
    "1e5 1e5x 1e 1e+5 5e9v-30e77q",
    "a" * 200 + " " + "東" * 100,
    "",
]


def _random_texts() -> list[str]:
    dice = random.Random(5)
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and code]
    assigned = [char for char in every if unicodedata.category(char) not in {"Cn", "Co"}]
    marks = [char for char in assigned if unicodedata.category(char)[0] == "M"]
    ascii_text = [chr(code) for code in range(32, 127)]
    pools = [ascii_text, [*"0123456789eE.-+/"], assigned[:8_000], marks, assigned, every]
    return [
        "".join(dice.choice(dice.choice([pool, pool, ascii_text])) for _ in range(dice.randint(1, 40)))
        for pool in pools
        for _ in range(150)
    ]


def _indexed(messages: list[Message]) -> dict[int, set[str]]:
    """The words under which the database's own index holds each message."""
    found: dict[int, set[str]] = {message.pk: set() for message in messages}
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, conversations_message_fts, instance)"
            )
            cursor.execute("SELECT doc, term FROM temp.held")
            for pk, word in cursor.fetchall():
                found[pk].add(word)
            cursor.execute("DROP TABLE temp.held")
            return found
        cursor.execute("SELECT pg_get_indexdef('message_words'::regclass, 2, false)")
        expression = cursor.fetchone()[0]
        cursor.execute(f"SELECT id, tsvector_to_array({expression}) FROM conversations_message")
        for pk, words in cursor.fetchall():
            found[pk] = {word for word in words if not word.startswith("^")}
            assert {word for word in words if word.startswith("^")} == {
                f"^{word[:chars]}" for word in found[pk] for chars in (5, 7) if len(word) >= chars
            }
    return found


@pytest.mark.django_db
def test_the_database_indexes_the_very_same_words():
    texts = RICH + _random_texts()
    messages = make_messages(make_person(), *(("visitor", text) for text in texts))
    held = _indexed(messages)
    assert "5e9v" in held[messages[1].pk]
    differing = [
        (text, set(message.tokens.split()) ^ held[message.pk])
        for text, message in zip(texts, messages, strict=True)
        if set(message.tokens.split()) != held[message.pk]
    ]
    assert differing == []


def _search(word: str) -> list[int]:
    """Ids of the messages that hold `word`, asked of the database's index."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            sql = "SELECT rowid FROM conversations_message_fts WHERE conversations_message_fts MATCH %s"
            cursor.execute(sql, [f'"{word}"'])
        else:
            sql = f"SELECT id FROM conversations_message m WHERE {INDEXED} @@ %s::tsquery"
            cursor.execute(sql, [f"'{word}'"])
        return [pk for (pk,) in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked", ["ÉLODIE", "345", "example", "5E9V", "バス", "京都", "🎉", "ёлка", "शब्द", "ที่นี่"]
)
def test_a_query_finds_the_message_that_was_cut_the_same_way(asked: str):
    person = make_person()
    bodies = ["élodie 12-345 a.example 5e9v", "ﾊﾞｽ 東京都 🎉", "Ёлка शब्द ที่นี่", "nothing of it"]
    messages = make_messages(person, *(("visitor", body) for body in bodies))
    wanted = tokens(asked)
    found = _search(wanted)
    assert found == [message.pk for message in messages if wanted in message.tokens.split()]
    assert len(found) == 1


@pytest.mark.django_db
def test_the_index_follows_changes_and_deletions():
    message = make_messages(make_person(), ("visitor", "before"))[0]
    assert _search("before") == [message.pk]
    Message.objects.filter(pk=message.pk).update(body="after", tokens=tokens("after"))
    assert (_search("before"), _search("after")) == ([], [message.pk])
    message.delete()
    assert _search("after") == []
