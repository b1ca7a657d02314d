"""`python -m bench.server`: the server on the core BENCH_CORE, with the clock put back to BENCH_NOW."""

from __future__ import annotations

import datetime as dt
import os

from bench import clock, cores
from chatadmin import serve

if __name__ == "__main__":
    if os.environ.get("BENCH_CORE"):
        cores.pin(int(os.environ["BENCH_CORE"]))
    clock.put_back(dt.datetime.fromisoformat(os.environ["BENCH_NOW"]))
    serve.main()
