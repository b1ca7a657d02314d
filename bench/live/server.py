"""`python -m bench.live.server`: the server on the core BENCH_CORE."""

from __future__ import annotations

import os

from bench import cores
from chatadmin import serve

if __name__ == "__main__":
    if os.environ.get("BENCH_CORE"):
        cores.pin(int(os.environ["BENCH_CORE"]))
    serve.main()
