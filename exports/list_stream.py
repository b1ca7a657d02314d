"""The exported list as a stream of bytes: a CSV table, or one JSON array."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from exports import list_rows
from exports.as_csv import table
from exports.as_json import array
from exports.stream import File, Form, in_blocks
from search.everyone import Met


def export_list(
    everyone: Iterable[Sequence[Met]], form: Form, *, with_messages: bool, at: dt.datetime
) -> File:
    """The file of these people, in this order, as they are when it comes to them. `with_messages`: beside each the
    message that they were found by.

    What goes wrong on the way is raised from `blocks`: a file that isn't whole must not look as if it were.
    """
    names = list_rows.columns(with_messages=with_messages)
    rows = list_rows.rows(everyone, names)
    name = f"chatadmin-users-{at:%Y%m%d}"
    if form is Form.JSON:
        return File(f"{name}.json", "application/json", in_blocks(array(rows)))
    headers = list_rows.ListResource().get_export_headers(selected_fields=names)
    blocks = (block.text for block in table(headers, rows))
    return File(f"{name}.csv", "text/csv; charset=utf-8", blocks)
