"""What came out, as tables that read as well in a terminal as in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.classes import ALL
from bench.classes import TITLES as CLASSES
from bench.figures import PARTS, p, shown, spread, times
from bench.places import TITLES
from bench.targets import targets

Result = dict[str, Any]
# The time of the statements, of the whole search in the server's process, and of the answer over HTTP.
KINDS = {"database": "db", "whole": "find()", "http": "HTTP"}


def kinds(engine: str, is_served: bool) -> list[str]:
    """The kinds of time that were measured; in SQLite the database works in the server's own process."""
    own = ["database", "whole"] if engine == "postgresql" else ["whole"]
    return [*own, "http"] if is_served else own


def in_order(found: Result) -> list[str]:
    """The classes that were measured, in their usual order."""
    return [name for name in CLASSES if name in found]


def _three(found: Result | None) -> list[str]:
    return [shown(p(found, "p50")), spread(found), shown(p(found, "p99"))] if found else ["", "", ""]


def taken_on(document: Result) -> str:
    """When a run was made, at which scale and on what."""
    hardware = document["hardware"]
    return (
        f"{document['made_at'][:10]}, {document['scale']}: {hardware['processor']}, {hardware['cores']} cores,"
        f" {hardware['memory_gb']} GB, {hardware['system']}; load average before it"
        f" {document['load_average_before']}."
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    lines = [list(heads), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    widths = [max(3, *(len(line[at]) for line in lines)) for at in range(len(heads))]
    shown_lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join(
        ("-" * (width + 1) + ":") if at else "-" * (width + 2) for at, width in enumerate(widths)
    )
    return "\n".join([shown_lines[0], rule + "|", *shown_lines[1:]])


def report(document: Result) -> str:
    """All tables of one run."""
    parts = [_machine(document)]
    for engine, result in document["engines"].items():
        parts += [part for part in _of_engine(engine, document["scale"], result) if part]
    found = targets(document["engines"], document["scale"])
    if found:
        rows = [target.row for target in found]
        if document["scale"] != "full":
            parts.append("The targets are set for the full scale.")
        parts += ["#### Targets", table(["target", "limit", "measured (at its worst)", ""], rows)]
    return "\n\n".join(parts)


def _machine(document: Result) -> str:
    hardware, versions = document["hardware"], document["versions"]
    lines = [
        f"{document['made_at'][:10]}: {hardware['processor']}, {hardware['cores']} cores, {hardware['memory_gb']} GB,"
        f" {hardware['system']}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + "."
    ]
    for engine, result in document["engines"].items():
        for scale, data in result["datasets"].items():
            server = f" {data['server']}" if data.get("server") else ""
            lines.append(
                f"{TITLES[engine]}{server}, {scale}: {data['people']:,} people, {data['messages']:,} messages"
                f" ({data['rows']:,} rows with the system's own), {data['words']:,} different words,"
                f" {data['bytes'] / 1e6:,.0f} MB."
            )
    return "\n".join(f"- {line}" for line in lines)


def _of_engine(engine: str, scale: str, result: Result) -> Iterator[str]:
    title = f"{TITLES[engine]}, {scale}"
    if "search" in result:
        yield f"#### Message search: {title}"
        yield _search(result, engine)
        yield _remarks(result["search"])
        yield _cut_short(result.get("http", {}), " over HTTP")
    if len(result.get("growth", ())) > 1:
        yield f"#### Growth: {TITLES[engine]}, p95 of {'the database' if engine == 'postgresql' else 'find()'} in ms"
        yield _growth(result["growth"])
    if "filters" in result:
        yield f"#### Message search with filters, find() in ms: {title}"
        yield _filters(result["filters"]["times"])
        yield _cut_short(result["filters"])
    if "people" in result:
        yield f"#### The list: {title}"
        yield _people(result)
        yield _cut_short(result["people"]["first"])
    if "admin" in result:
        yield f"#### Beside Django's admin: {title}"
        yield _admin(result["admin"])
    if result.get("ilike"):
        made = result["ilike"]["index"]
        yield f"#### Beside `ILIKE` with a trigram index: {title}"
        yield f"The index: {made['bytes'] / 1e6:,.0f} MB, made in {made['seconds']:,.0f} s."
        yield _ilike(result["ilike"]["terms"])
    if "room" in result:
        yield f"#### What it costs: {title}"
        yield _costs(result)


def _search(result: Result, engine: str) -> str:
    found, served = result["search"], result.get("http", {}).get("messages", {})
    rows = []
    for name in in_order(found):
        one = found[name] | served.get(name, {})
        cells = [cell for kind in kinds(engine, bool(served)) for cell in _three(one.get(kind))]
        rows.append([CLASSES[name], one["share"], *cells])
    heads = [f"{KINDS[kind]} {part}" for kind in kinds(engine, bool(served)) for part in PARTS]
    return table(["words in", "measured", *heads], rows)


def _remarks(found: Result) -> str:
    """What a table of times would hide: pages that are wrong or cut short."""
    lines = []
    for key, sentence in (("wrong", "WRONG pages"), ("partial", "pages that met the time budget")):
        terms = [
            f"{CLASSES[name]}: {', '.join(one[key])}" for name in in_order(found) if (one := found[name])[key]
        ]
        if terms:
            lines.append(f"{sentence}: {'; '.join(terms)}.")
    return "\n".join(lines)


def _cut_short(found: Result, how: str = "") -> str:
    if not found.get("partial"):
        return ""
    return f"Of {found['asked']:,} pages{how} {found['partial']:,} met the time budget."


def _growth(growth: Result) -> str:
    scales = list(growth)
    scales.sort(key=["small", "medium", "full"].index)
    rows = []
    for name in in_order(growth[scales[-1]]):
        each = [p(growth[scale][name]["database"]) for scale in scales if name in growth[scale]]
        rows.append([CLASSES[name], *(shown(value) for value in each), times(each[-1] / each[0])])
    return table(["words in", *scales, f"{scales[-1]} / {scales[0]}"], rows)


def _filters(found: Result) -> str:
    rows = [
        [
            name,
            shown(p(one["whole"], "p50")),
            spread(one["whole"]),
            spread(one["whole"], "p99"),
        ]
        for name, one in sorted(found.items(), key=lambda item: (item[0] != ALL, item[0]))
    ]
    return table(["filter", "p50", "p95", "p99"], rows)


def _people(result: Result) -> str:
    first, far = result["people"]["first"]["times"], result["people"]["far"]
    served = result.get("http", {}).get("list", {})
    rows = []
    for name, one in first.items():
        if not name.startswith("sort="):
            continue
        order = name.removeprefix("sort=")
        near, deep = far[f"first {order}"]["database"], far[f"far {order}"]["database"]
        rows.append(
            [
                name,
                shown(p(one["database"], "p50")),
                spread(one["database"]),
                shown(p(near, "p50")),
                shown(p(deep, "p50")),
                times(p(deep, "p50") / p(near, "p50")),
                spread(served[name]["http"]) if name in served else "",
            ]
        )
    rows.sort()
    rows.append(
        [ALL, shown(p(first[ALL]["database"], "p50")), spread(first[ALL]["database"]), "", "", "", ""]
    )
    worst = sorted(
        (name for name in first if name != ALL and not name.startswith("sort=")),
        key=lambda name: -p(first[name]["database"]),
    )[:3]
    heads = [
        "order",
        "all filters: db p50",
        "db p95",
        "page 1: db p50",
        f"page {far['page']:,}",
        "ratio",
        "HTTP p95",
    ]
    dear = ", ".join(f"`{name}` {shown(p(first[name]['database']))} ms" for name in worst)
    return f"{table(heads, rows)}\n\nThe dearest filters, p95 over all orders: {dear}."


def _admin(found: list[Result]) -> str:
    rows = [
        [
            f"{one['term']} ({one['share']})",
            shown(one["ours"]),
            f"{'> ' if one['broken_off'] else ''}{shown(one['theirs'])}",
            f"{'> ' if one['broken_off'] else ''}{times(one['theirs'] / one['ours'])}",
        ]
        for one in found
    ]
    return table(["word", "find(), ms", "admin's queries, ms", "ratio"], rows)


def _ilike(found: list[Result]) -> str:
    rows = [
        [
            f"{one['term']} ({one['share']})",
            shown(one["ours"]),
            shown(one["theirs"]),
            times(one["theirs"] / one["ours"]),
        ]
        for one in found
    ]
    return table(["word", "ours in the database, ms", "ILIKE, ms", "ratio"], rows)


def _costs(result: Result) -> str:
    room, lines = result["room"], []
    lines.append(
        f"Bytes a message: the search index {room['index']:.1f}, the words stored beside the text {room['words']:.1f},"
        f" text and all other indexes {room['rest']:.1f}."
    )
    if "inserts" in result:
        cost = result["inserts"]
        ratio = cost["with"] / cost["without"]
        lines.append(
            f"Writing {cost['messages']:,} messages, {cost['a_transaction']} a transaction, median of a message:"
            f" {cost['with']:.0f} µs with the search index, {cost['without']:.0f} µs without ({ratio:.2f} ×);"
            f" cutting its words takes {cost['tokens']:.0f} µs."
        )
    return "\n".join(lines)
