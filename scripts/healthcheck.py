"""Ends with status 0 where the server in this container answers /healthz, else 1."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    hosts = [host.strip() for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host.strip(" *")]
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        # A name that the site answers to: any other gets a 400.
        connection.request(
            "GET", "/healthz", headers={"Host": hosts[0].lstrip(".") if hosts else "127.0.0.1"}
        )
        return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
