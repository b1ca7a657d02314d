"""The backend. Nobody gets a connection from the pool that the server has ended, as all are in its restart.

The pool could ask itself, but with a round trip each time, and where several in a row were ended it waits, 1, 2, 4 s…
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for that."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that stands. Raises psycopg.OperationalError where there is none to be had."""
        while True:
            connection = super().get_new_connection(conn_params)
            pool = self.pool
            if pool is None or _stands(connection):
                return connection
            connection.close()
            pool.putconn(connection)  # which makes another one in its place


def _stands(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server still holds it. One that waits has nothing to read but the server's last words, so that looking
    is enough, and takes a few microseconds."""
    try:
        ears = select.poll()
        ears.register(connection.fileno(), select.POLLIN)
        if ears.poll(0):
            ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
