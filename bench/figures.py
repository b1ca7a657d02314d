"""Many times become few numbers: percentiles of each run, and of the runs the median and the spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

PARTS = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest of `values` that so large a part of them doesn't exceed. Raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def summary(runs: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Of each percentile: its `median` over the runs, and `low` and `high`. `count`: values in a run."""
    found: dict[str, Any] = {"count": len(runs[0]), "runs": len(runs)}
    for name, part in PARTS.items():
        each = [percentile(run, part) for run in runs]
        found[name] = {
            "median": round(statistics.median(each), 3),
            "low": round(min(each), 3),
            "high": round(max(each), 3),
        }
    return found


def p(found: Mapping[str, Any], name: str = "p95") -> float:
    """The median over the runs of one percentile of a summary."""
    return float(found[name]["median"])


def shown(milliseconds: float) -> str:
    """Three digits at most where they mean something: `0.84`, `12.3`, `431`, `41,200`."""
    if milliseconds < 10:
        return f"{milliseconds:.2f}"
    return f"{milliseconds:.1f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


def spread(found: Mapping[str, Any], name: str = "p95") -> str:
    """`12.3 (11.8–14.0)`: the median and the spread of one percentile."""
    part = found[name]
    return f"{shown(part['median'])} ({shown(part['low'])}–{shown(part['high'])})"


def share(messages: int, total: int) -> str:
    """`1.3 %` of all; `0` and `1 message` as they are."""
    if messages <= 1:
        return "0" if not messages else "1 message"
    percent = 100 * messages / total
    return f"{percent:.1f} %" if percent >= 1 else f"{percent:.2g} %"


def times(ratio: float) -> str:
    """`1,240 ×`."""
    return f"{ratio:.1f} ×" if ratio < 100 else f"{ratio:,.0f} ×"
