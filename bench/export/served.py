"""An export through the server: the first byte, the whole, and what the server's process holds meanwhile."""

from __future__ import annotations

import http.client
import re
import time
from urllib.parse import urlsplit

from bench.export import memory
from bench.serving import Serving

READ_BYTES = 64 * 1024


class Refused(Exception):
    """The export was not given; says what was answered."""


def downloaded(server: Serving, cookies: str, person: str, form: str) -> dict[str, float]:
    """Downloads it once. Milliseconds to the first byte of the file, seconds to the last, bytes, and how many MB the
    server's process held above what it held before. Raises Refused."""
    csrf = re.search(r"chatadmin_csrf=([^;]+)", cookies)
    headers = {
        "Cookie": cookies,
        "X-CSRFToken": csrf[1] if csrf else "",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=600)
    memory.forget_peak(server.process.pid)
    idle = memory.resident_mb(server.process.pid)
    began = time.perf_counter()
    connection.request("POST", f"/users/{person}/export/?format={form}", b"", headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise Refused(f"the export answered {answer.status}")
    size = len(answer.read(1))
    first = time.perf_counter() - began
    while block := answer.read(READ_BYTES):
        size += len(block)
    whole = time.perf_counter() - began
    connection.close()
    return {
        "first_ms": 1000 * first,
        "seconds": whole,
        "bytes": size,
        "memory_mb": memory.peak_mb(server.process.pid) - idle,
    }
