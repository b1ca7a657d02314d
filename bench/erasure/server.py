"""`python -m bench.erasure.server`: the server on the core BENCH_CORE, which tells of its transactions in BENCH_TOLD."""

from __future__ import annotations

import os
from pathlib import Path

import django

from bench import cores
from bench.erasure.timing import Teller, tell_transactions
from chatadmin import serve


def main() -> None:
    """Serves until it is stopped."""
    if os.environ.get("BENCH_CORE"):
        cores.pin(int(os.environ["BENCH_CORE"]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    from exports import overwriting, residue  # noqa: PLC0415 - they read models

    teller = Teller(Path(os.environ["BENCH_TOLD"]))
    tell_transactions(teller)
    overwriting.overwrite = teller.part(overwriting.overwrite)
    residue.look = teller.part(residue.look)
    serve.main()


if __name__ == "__main__":
    main()
