"""A run as a script: what the database's stock client does with it is what the run would do."""

import secrets
from collections.abc import Iterable, Iterator

from ..backends.base.client import Written
from ..backends.base.session import Setting
from ..database import Database
from ..exceptions import MigrationFileError
from ..files.script import Section
from ..history.lease import Lease, freeing, taking
from ..history.recorder import Recorder
from ..history.tables import MODELS
from ..models import Event, LockHolder
from ..plan.preparation import Planned, Preparation
from ..sql.queries import Query
from ..version import __version__

LOCKED = "Another process is running migrations on this database"
CHANGED = "The history has changed since this script was written"


class Offline:
    """Writes scripts for one database, which it reads and does not change."""

    def __init__(self, database: Database, preparation: Preparation) -> None:
        self.name = str(database.connection.settings_dict["NAME"])
        self.preparation = preparation
        self.backend = database.backend
        self.tables = database.tables
        self.client = database.backend.client
        limit = database.settings.history_text_limit
        self.history = database.history
        self.token = secrets.token_hex(16)
        token = "" if self.backend.features.transaction_is_lock else self.token
        lease = Lease(self.backend, self.tables, token)
        self.recorder = Recorder(self.backend, self.tables, limit, lease, self.client.stamp)

    def script(self, planned: Iterable[Planned]) -> str:
        """The script of these steps. Raises MigrationFileError for what the client cannot send.

        It stops at the first error, and at once where the history is not any more what it was.
        """
        steps = (line for item in planned for line in self._step(item))
        return "\n".join([*self._head(), *steps, *self._unlock()])

    def _head(self) -> Iterator[str]:
        yield _comment(f"Written by django-jetbase {__version__} for the database {self.name}.")
        yield _comment(f"Run it with: {self.client.usage}")
        yield from self.client.head()
        if creation := self.recorder.creation():
            self.recorder.creates_tables = True
            yield from (
                "",
                _comment(
                    "the tables of the history"
                    " (an error here: they exist, so write the script anew)"
                ),
            )
            yield from self._transaction(creation)
            yield from self.client.created([self.tables.name(model) for model in MODELS])
        yield from self._lock()
        if self.history.exists():
            yield from self._refuse_other(self.history.last_event())

    def _lock(self) -> Iterator[str]:
        """Take the lock, or stop where another session lives that has it."""
        lock = self.tables.sql(LockHolder)
        if self.backend.features.transaction_is_lock:
            free = Query(f"NOT EXISTS (SELECT 1 FROM {lock} WHERE token <> '')")
            yield from self.client.fail_unless(free, LOCKED)
            return
        stamp, (session, started) = self.client.stamp, self.client.session
        values = {
            "token": self.token,
            "host": stamp["host"],
            "pid": 0,  # of the client, which the database does not know
            "session": session,
            "session_start": started,
            "database_user": stamp["database_user"],
            "command": "script",
            "since": stamp["at"],
        }
        free = Query(f"(token = '' OR NOT {self.backend.locking.at_work})")
        yield from self._queries(taking(self.tables, values, free))
        mine = Query(
            f"EXISTS (SELECT 1 FROM {lock} WHERE token = %s AND session = {session.sql})",
            (self.token, *session.params),
        )
        yield from self.client.fail_unless(mine, LOCKED)
        # This comes last: an earlier run of this very script may have left the token.
        yield from self._queries(self.backend.locking.claiming(self.token))

    def _unlock(self) -> Iterator[str]:
        if not self.backend.features.transaction_is_lock:
            yield from self._queries([freeing(self.tables, self.token)])

    def _refuse_other(self, last_event: int) -> Iterator[str]:
        """Stop where the last event of the history is another one."""
        last = f"(SELECT COALESCE(MAX(id), 0) FROM {self.tables.sql(Event)})"
        yield from self.client.fail_unless(Query(f"{last} = %s", (last_event,)), CHANGED)

    def _step(self, item: Planned) -> Iterator[str]:
        yield from ("", _comment(f"{item.step.direction}: {item.step.subject.label}"))
        recorded = self.preparation.recorded(item.step)
        row, direction, section = item.step.applied, item.step.direction, item.section
        if section is None:
            yield from self._transaction(
                self.recorder.without_running(recorded, row, direction, item.origin)
            )
            return
        count, client = len(section.statements), self.client
        atomic = self.backend.operations.is_atomic(section)
        frame = self.backend.session.frame(section, atomic=atomic)
        changes = Written(client, section, frame)
        yield client.start
        if not atomic:
            yield from self._transaction(self.recorder.beginning(recorded, row, direction, count))
        yield from self._set(frame.before)
        if atomic:
            yield client.begin
        yield from self._set(frame.first)
        yield from client.begin_check(frame)
        yield from self._statements(item.step.path, section)
        yield from client.check(frame)
        if atomic or client.may_leave_open(section):
            yield from (f"{sql};" for sql in frame.check)
        if not atomic and client.may_leave_open(section):
            yield "COMMIT;"
        yield from self._set(frame.restore(changes))
        if atomic:
            yield from self._queries(
                self.recorder.closing(recorded, row, direction, count, client.elapsed)
            )
            yield "COMMIT;"
        else:
            yield from self._transaction(
                self.recorder.finished(
                    recorded, item.step.replaced, direction, count, client.elapsed
                )
            )
        yield from self._set(frame.after(changes))

    def _set(self, settings: Iterable[Setting]) -> Iterator[str]:
        for setting in settings:
            yield from self.client.set(setting)

    def _statements(self, path: str, section: Section) -> Iterator[str]:
        for statement in section.statements:
            try:
                yield self.client.statement(statement, section)
            except ValueError as error:
                line, column = section.place(statement.start)
                raise MigrationFileError(
                    f"{path}:{line}:{column}: {error}.", path=path, line=line, column=column
                ) from error

    def _transaction(self, queries: Iterable[Query]) -> Iterator[str]:
        yield self.client.begin
        yield from self._queries(queries)
        yield "COMMIT;"

    def _queries(self, queries: Iterable[Query]) -> Iterator[str]:
        return (self.client.query(query) for query in queries)


def _comment(text: str) -> str:
    return "-- " + " ".join(text.split())
