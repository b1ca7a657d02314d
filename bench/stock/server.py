"""`python -m bench.stock.server`: the stock chat on the core BENCH_CORE, by the same uvicorn as ours."""

from __future__ import annotations

import os

import uvicorn

from bench import cores

if __name__ == "__main__":
    if os.environ.get("BENCH_CORE"):
        cores.pin(int(os.environ["BENCH_CORE"]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.stock.settings"
    from bench.stock.asgi import application
    from chatadmin import serve

    serve.prepare()
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        lifespan="off",
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        proxy_headers=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
