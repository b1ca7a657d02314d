"""The classes of words that are looked for, by what share of all messages holds them."""

from __future__ import annotations

TITLES = {
    "one": "one match",
    "0.01": "0.01 %",
    "0.1": "0.1 %",
    "1": "1 %",
    "20": "20 %",
    "none": "none",
    "two": "two words, rare and common",
    "apart": "two common words, never in one message",
    "phrase": "phrase",
    "prefix": "prefix",
    "chinese": "Chinese",
}
# One more is measured than was asked for: two long lists of messages without a message in common.
CLASSES = [name for name in TITLES if name != "apart"]
# Compared with a trigram index, not one of the classes.
MIDDLING = "middling"
# The group in which all times of a section count.
ALL = "all"
