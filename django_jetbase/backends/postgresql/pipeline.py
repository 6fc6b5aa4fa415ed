"""Many statements on their way to PostgreSQL in one round trip, each a query of its own.

This is the pipeline mode of libpq:
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from psycopg import Error, errors, pq
from psycopg.waiting import Ready, Wait

from ...sql.scanner import Statement
from .lexicon import PostgreSQLLexicon

# What follows is encoded otherwise.
_ENCODING = re.compile(r"client_encoding|\bNAMES\b", re.IGNORECASE)
_BATCH_STATEMENTS = 1000
_BATCH_LENGTH = 1 << 20  # characters
_ROWS_AT_ONCE = 1000  # that are in memory
_CHUNKS = pq.version() >= 170000
_ANSWERED = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY)


class Batch(NamedTuple):
    """Consecutive statements that travel together; `first` is the index of the first one.

    One `is_alone` that cannot travel with others: the rows of a COPY, or several commands.
    """

    first: int
    statements: Sequence[Statement]
    is_alone: bool = False


def batches(
    statements: Sequence[Statement], travels: Callable[[Statement], bool]
) -> Iterator[Batch]:
    """Group statements; `travels` tells whether one can travel with others."""
    first, length = 0, 0
    for index, statement in enumerate(statements):
        if not travels(statement):
            if first < index:
                yield Batch(first, statements[first:index])
            yield Batch(index, statements[index : index + 1], is_alone=True)
            first, length = index + 1, 0
            continue
        length += len(statement.text)
        full = length > _BATCH_LENGTH or index + 1 - first >= _BATCH_STATEMENTS
        switches = statement.keyword in PostgreSQLLexicon.switches
        if full or (switches and _ENCODING.search(statement.text)):
            yield Batch(first, statements[first : index + 1])
            first, length = index + 1, 0
    if first < len(statements):
        yield Batch(first, statements[first:])


class Exchange:
    """Queries that are sent together and answered in order, `done` of them without an error.

    One alone is a simple query, as psql sends it. Of several none runs behind one that fails. What
    they return is thrown away as it comes.
    """

    def __init__(self, connection: Any, queries: Sequence[str]) -> None:
        self.done = 0
        self._connection = connection
        self._pgconn = connection.pgconn
        self._queries = queries
        self._error: Any = None

    def run(self) -> None:
        """Raises psycopg.Error, and UnicodeEncodeError before anything is sent."""
        encoding = self._connection.info.encoding
        encoded = []
        for query in self._queries:
            encoded.append(query.encode(encoding))
            self.done += 1
        self.done = 0
        # Where psycopg waits: it cancels what runs when a signal interrupts it.
        self._connection.wait(self._exchange(encoded))
        if self._error:
            raise errors.error_from_result(self._error, encoding=encoding)

    def _exchange(self, queries: Sequence[bytes]) -> Generator[Wait, Ready]:
        pgconn = self._pgconn
        if len(queries) == 1:
            pgconn.send_query(queries[0])
            yield from self._answers()
            return
        pgconn.enter_pipeline_mode()
        try:
            for query in queries:
                pgconn.send_query_params(query, None)
            pgconn.pipeline_sync()
            yield from self._answers()
        finally:
            with suppress(Error):  # where answers are outstanding, which another error keeps away
                pgconn.exit_pipeline_mode()

    def _answers(self) -> Generator[Wait, Ready]:
        """Read while writing, since a server that cannot send its answers reads no more."""
        pgconn = self._pgconn
        self._expect_rows()
        while True:
            wait = Wait.RW if pgconn.flush() else Wait.R
            while not (ready := (yield wait)):
                continue
            if not ready & Ready.R:
                continue
            pgconn.consume_input()
            while notify := pgconn.notifies():
                if pgconn.notify_handler:
                    pgconn.notify_handler(notify)
            if self._take_answers():
                return

    def _take_answers(self) -> bool:
        """Take what has come; whether that was all."""
        pgconn, piped = self._pgconn, len(self._queries) > 1
        answered = False
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is not None:
                answered = True
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    return True
                self._take(result)
            elif not piped:
                return True
            elif answered:
                answered = False
                self._expect_rows()
            else:
                break
        return False

    def _take(self, result: Any) -> None:
        status = result.status
        if status == pq.ExecStatus.COPY_IN:
            self._pgconn.put_copy_end(b"there are no rows")
        elif status in (pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH):
            self._pgconn.finish()
            raise errors.NotSupportedError("nobody takes the rows of a COPY TO STDOUT")
        elif status == pq.ExecStatus.FATAL_ERROR and not self._error:
            self._error = result
        elif status in _ANSWERED:
            self.done += 1

    def _expect_rows(self) -> None:
        """Have the rows of the next query come a few at a time."""
        if self._error or self.done == len(self._queries):
            return
        if _CHUNKS:
            self._pgconn.set_chunked_rows_mode(_ROWS_AT_ONCE)
        else:
            self._pgconn.set_single_row_mode()
