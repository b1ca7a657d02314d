"""The backend. A thread that begins a transaction waits for the others of its process in a queue.

SQLite lets one write at a time, and has the others look again after 1, 2, 5 … 100 ms: a thread that writes one batch
after the other is then never met between two of them, and whoever else wants to write waits for seconds.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from django.db.backends.sqlite3 import base

# As long as SQLite itself waits for another process; then it says what is wrong.
WAIT_SECONDS = 20.0


class Turn:
    """Whose turn it is: given on in the order in which it was asked for."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.is_taken = False
        self.waiting: deque[threading.Lock] = deque()

    def take(self, seconds: float = WAIT_SECONDS) -> bool:
        """Waits for the turn. False where it didn't come."""
        with self.guard:
            if not self.is_taken:
                self.is_taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self.waiting.append(mine)
        if mine.acquire(timeout=seconds):
            return True
        with self.guard:
            if mine in self.waiting:
                self.waiting.remove(mine)
                return False
        return True  # it came in the last moment

    def give(self) -> None:
        """Hands it on."""
        with self.guard:
            if self.waiting:
                self.waiting.popleft().release()
            else:
                self.is_taken = False


_turns: dict[str, Turn] = {}
_guard = threading.Lock()


def turn_of(database: str) -> Turn:
    """The one of that database in this process."""
    with _guard:
        return _turns.setdefault(database, Turn())


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for that."""

    turn: Turn | None = None

    def _start_transaction_under_autocommit(self) -> None:
        turn = turn_of(str(self.settings_dict["NAME"]))
        if self.turn is None and turn.take():
            self.turn = turn
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._give_turn()
            raise

    def _commit(self) -> Any:
        result = super()._commit()  # type: ignore[misc]
        # Where it failed the rollback that follows gives it.
        self._give_turn()
        return result

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._give_turn()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._give_turn()

    def _give_turn(self) -> None:
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.give()
