import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from io import StringIO
from typing import Any, ClassVar

from django.db import Error

from ...exceptions import SettingsError
from ...files.script import Section
from ...sql.lexicon import Lexicon
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement
from ..base.errors import FULL, READ_ONLY, lacks
from ..base.operations import NEEDS_NO_TRANSACTION, Dialect, failing, marks
from ..base.values import Blocker, Holder, Location, Obstacle, StatementFailed
from .errors import Said, grant_for, notice_without_rows, without_rows
from .lexicon import PostgreSQLLexicon
from .messages import SEPARATOR, Message, messages
from .search_path import Locator, asked_for, first_literal, names_in

try:
    from psycopg import ClientCursor, errors, generators, pq
except ImportError:
    SENDS_MESSAGES = False  # psycopg2 cannot say which statement of a message failed
else:
    SENDS_MESSAGES = True

CONTROL = re.compile(
    r"(?:BEGIN|COMMIT|END|ABORT|START TRANSACTION|PREPARE TRANSACTION)\b"
    r"|ROLLBACK\b(?! (?:(?:WORK|TRANSACTION) )?TO\b)",
    re.IGNORECASE,
)
NOT_INSIDE = re.compile(
    r"(?P<what>VACUUM|(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER SYSTEM"
    r"|ALTER DATABASE .+? SET TABLESPACE|DISCARD ALL"
    r"|REINDEX (?:\([^)]*\) )?(?:DATABASE|SYSTEM|SCHEMA)"
    r"|(?:CREATE (?:UNIQUE )?INDEX|DROP INDEX|REINDEX (?:\([^)]*\) )?\w+) CONCURRENTLY"
    r"|ALTER TABLE .+? DETACH PARTITION .+? CONCURRENTLY"
    r"|REINDEX \([^)]*\bCONCURRENTLY\b)(?!\w)",
    re.IGNORECASE | re.DOTALL,
)
CHECK_DEFERRED = "SET CONSTRAINTS ALL IMMEDIATE"  # while the session is still the file's
STARTED = "CAST(extract(epoch FROM backend_start) AS text)"  # of others: not for every role
_TO_STDOUT = re.compile(r"\bTO STDOUT\b", re.IGNORECASE)
_MAY_NOT_RUN_INSIDE = frozenset(
    "BEGIN COMMIT END ABORT START PREPARE ROLLBACK VACUUM CREATE DROP ALTER DISCARD REINDEX".split()
)
_TRANSIENT = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout
_ROWS_BLOCK = 1 << 16  # characters


class PostgreSQLOperations(Dialect):
    """PostgreSQL: with psycopg 3 a file, its history and its COMMIT are one message."""

    quote_mark: ClassVar[str] = '"'
    locking_read: ClassVar[str] = " FOR SHARE"
    flush_cascades: ClassVar[bool] = True
    has_schemas: ClassVar[bool] = True
    has_timeouts: ClassVar[bool] = True
    has_roles: ClassVar[bool] = True
    at_work: ClassVar[str] = (
        "EXISTS (SELECT 1 FROM pg_stat_activity"
        f" WHERE pid = session AND coalesce({STARTED} = nullif(session_start, ''), true))"
    )
    elapsed: ClassVar[Expression] = Expression(
        "CAST(extract(epoch FROM clock_timestamp() - now()) * 1000 AS bigint)"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._restore: list[str] = []
        self._composer: Any = None
        self.role = "none"  # that the run began with

    @cached_property
    def lexicon(self) -> Lexicon:  # type: ignore[override]
        self.connection.ensure_connection()
        conforming = self._info.parameter_status("standard_conforming_strings")
        return PostgreSQLLexicon(backslash_escapes=conforming == "off")

    @property
    def _info(self) -> Any:
        return self.connection.connection.info

    def tables_among(self, names: Sequence[str]) -> set[str]:
        rows = self.execute(
            f"SELECT relname::text FROM pg_class WHERE relname IN {marks(names)}"
            " AND relkind IN ('r', 'p') AND relpersistence <> 't' AND pg_table_is_visible(oid)",
            tuple(names),
        )
        return {name for (name,) in rows}

    def locate(
        self, tables: Sequence[str], schema: str | None, claimed: Callable[[], Collection[str]]
    ) -> Location:
        return Locator(self, tables, schema, claimed).locate()

    def end_other_sessions(self) -> None:
        if self.is_pooled:
            return
        with suppress(Error):
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    @contextmanager
    def role_of(self, role: str | None) -> Iterator[None]:
        """A connection that is made meanwhile, or copied from this one, has the role too."""
        if role is None:
            yield
            return
        if self.is_pooled:
            raise SettingsError(
                'JETBASE["ROLE"] is a role of the session, which behind a pooler is other clients\''
                f" too, and the alias {self.connection.alias!r} connects through one. Run this on"
                " an alias that connects to the server itself (--database)."
            )
        options = self.connection.settings_dict["OPTIONS"]
        had, usual = "assume_role" in options, options.get("assume_role")
        ((before,),) = self.execute("SELECT current_setting('role')")
        self.execute(f"SET ROLE {self.quote(role)}")
        options["assume_role"] = role
        try:
            yield
        finally:
            options["assume_role"] = usual
            if not had:
                del options["assume_role"]
            with suppress(Error):  # in a transaction that has failed, whose end takes it back
                if self.is_connected():
                    own = before if before == "none" else self.quote(before)
                    self.execute(f"SET ROLE {own}")

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        """With their schemas: where the alias names a search_path those of that, else of all.

        Without foreign tables and those of extensions.
        """
        rows = self.execute(
            "SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
            " AND (pg_table_is_visible(c.oid)"
            " OR (SELECT source <> 'client' FROM pg_settings WHERE name = 'search_path'))"
            " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
            " AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1, 2"
        )
        return [
            f"{self.quote(schema)}.{self.quote(name)}"
            for schema, name, visible in rows
            if not (visible and name in managed) and name not in records
        ]

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        return self.execute(
            "SELECT n.nspname::text, c.relname::text, has_schema_privilege(n.oid, 'USAGE')"
            " AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)"
            " FROM pg_constraint"
            " JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE right(conname, length(%s)) = %s AND contype = 'u' AND c.relpersistence <> 't'"
            " ORDER BY 1, 2",
            (constraint, constraint),
        )

    @property
    def named_schema(self) -> str | None:
        return first_literal(names_in(asked_for(self.connection.settings_dict) or ""))

    def create_schemas(self, history: str | None) -> None:
        """That of the history, and the first of a search_path that the OPTIONS name."""
        ((path, source),) = self.execute(
            "SELECT setting, source FROM pg_settings WHERE name = 'search_path'"
        )
        first = first_literal(names_in(path)) if source == "client" else None
        for name in filter(None, (history, first)):
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.quote(name)}")

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        """None behind a pooler, where the session may be at work for others meanwhile."""
        self.connection.ensure_connection()
        own = (self._info.backend_pid,)
        return (
            Expression("CASE WHEN pg_backend_pid() = %s THEN pg_backend_pid() ELSE 0 END", own),
            Expression(
                f"coalesce((SELECT {STARTED} FROM pg_stat_activity"
                " WHERE pid = pg_backend_pid() AND pid = %s), '')",
                own,
            ),
        )

    @property
    def is_pooled(self) -> bool:
        """The pooler gives its clients other numbers than those of the sessions."""
        self.connection.ensure_connection()
        return self.execute("SELECT pg_backend_pid()") != [(self._info.backend_pid,)]

    def takes_writes(self) -> bool:
        return self.execute("SHOW transaction_read_only") == [("off",)]

    def epoch(self, column: str) -> str:
        # Another client's sessions have the server's default zone, not the one Django sets.
        zone = "(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')"
        return f"extract(epoch FROM timezone({zone}, {column}))"

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        if statement.keyword == "COPY" and _TO_STDOUT.search(self.lead(statement)):
            return Obstacle("COPY … TO STDOUT has nobody to send its rows to", "remove it")
        if not section.directives.transaction or statement.keyword not in _MAY_NOT_RUN_INSIDE:
            return None
        lead = self.lead(statement)
        if CONTROL.match(lead):
            said = f"{statement.keyword} controls the transaction that the file runs in"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        if found := NOT_INSIDE.match(lead):
            said = f"{found['what'].upper()} cannot run inside a transaction"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        return None

    def controls(self, statement: Statement) -> bool:
        return CONTROL.match(self.lead(statement)) is not None

    def session_id(self) -> int | None:
        return int(self._info.backend_pid) if self.is_connected() else None

    def blockers(self, session: int) -> list[Blocker]:
        rows = self.execute(
            "SELECT other.pid, coalesce(other.usename, ''),"
            " extract(epoch FROM now() - coalesce(other.xact_start, other.backend_start, now())),"
            " coalesce(other.query, '')"
            " FROM pg_stat_activity AS own JOIN pg_stat_activity AS other"
            " ON other.pid = ANY (pg_blocking_pids(own.pid))"
            " WHERE own.pid = %s AND own.wait_event_type = 'Lock' ORDER BY 1",
            (session,),
        )
        return [self.blocker(*row) for row in rows]

    def terminate(self, holder: Holder, lock: str) -> None:
        """A number alone is not enough: whoever can write to the row could name any session."""
        if self.is_pooled or not holder.session:
            self.notice(
                "No session is ended, since behind a pooler it may be at work for another client."
            )
        elif self.is_working(holder, lock) and not self.execute(
            f"SELECT pg_terminate_backend(its.pid) FROM {lock} AS held"
            f" JOIN pg_stat_activity AS its ON its.pid = session AND {STARTED} = session_start"
            " AND datname = current_database() WHERE token = %s AND its.pid <> pg_backend_pid()",
            (holder.token,),
        ):
            self.notice(
                f"The session {holder.session} is not ended, since this role cannot see that it is"
                " the one that took the lock."
            )

    @contextmanager
    def session(self) -> Iterator[None]:
        rows = self.execute(
            "SELECT 'role', current_setting('role') UNION ALL"
            " SELECT name, current_setting(name) FROM pg_settings"
            " WHERE source = 'session' AND context IN ('user', 'superuser')"
            " AND name NOT LIKE 'transaction\\_%%'",
            (),
        )
        self.role = role = rows[0][1]
        settings = ", ".join(self.compose("set_config(%s, %s, false)", row) for row in rows[1:])
        self._restore = ["RESET SESSION AUTHORIZATION", "RESET ALL"]
        self._restore += [f"SELECT {settings}"] if settings else []
        if role != "none":
            self._restore.append(f"SET ROLE {self.quote(role)}")
        raw = self.connection.connection
        if SENDS_MESSAGES:
            raw.add_notice_handler(self._hear)
        try:
            yield
        finally:
            if SENDS_MESSAGES:
                raw.remove_notice_handler(self._hear)

    def _hear(self, diagnostic: Any) -> None:
        said = without_rows(_said(diagnostic))
        self.notice(f"{diagnostic.severity}: {said.primary}")

    def compose(self, sql: str, params: tuple[Any, ...]) -> str:
        if not SENDS_MESSAGES:
            operations: Any = self.connection.ops
            return str(operations.compose_sql(sql, params))
        raw = self.connection.connection
        if self._composer is None or self._composer.connection is not raw:
            self._composer = ClientCursor(raw)
        return str(self._composer.mogrify(sql, params))

    def prepare(self, section: Section) -> None:
        if not self.is_atomic(section):
            self._set_up(section, "SET")

    def enter(self, section: Section) -> None:
        self._set_up(section, "SET LOCAL")

    def _set_up(self, section: Section, how: str) -> None:
        for name, setting in self.settings_of(section):
            with failing(None, section.places.get(name)):
                self.execute(f"{how} {setting}")

    def settings_of(self, section: Section) -> Iterator[tuple[str, str]]:
        """What the directives of a section set, by their names; timeouts are in milliseconds."""
        given = section.directives
        for name in ("lock_timeout", "statement_timeout"):
            seconds = getattr(given, name)
            if seconds is not None:
                yield name, f"{name} = {round(seconds * 1000)}"
        if given.role is not None and self.has_roles:
            yield "role", f"ROLE {self.quote(given.role)}"

    def is_transient(self, error: BaseException | None) -> bool:
        return sqlstate(error) in _TRANSIENT

    def before_commit(self, section: Section) -> None:
        if self.is_open(None):
            self.execute(CHECK_DEFERRED)

    def has_open_work(self) -> bool:
        return self.is_open(None)

    def restore_session(self, section: Section) -> None:
        for sql in self._restore:
            self.execute(sql)

    # ---- running

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        if not SENDS_MESSAGES:
            super().run_in_transaction(section, verify, closing)
            return
        try:
            self._send_section(section, closing)
        except BaseException:
            self.rollback()
            raise

    def _send_section(self, section: Section, closing: Callable[[], Iterable[Query]]) -> None:
        """The first message begins the transaction, the last one records and commits."""
        settings = list(self.settings_of(section))
        head = ["BEGIN", *(f"SET LOCAL {setting}" for _name, setting in settings)]
        places = [None, *(section.places.get(name) for name, _setting in settings)]
        parts = list(messages(section.statements))
        last = parts.pop() if parts and not parts[-1].is_copy else None
        for part in parts:
            if part.is_copy:
                self.send(head, places=places)
                self._copy(part.first, part.statements[0])
            else:
                self.send(head, part, places=places)
            head = []
        queries = list(closing())
        params = tuple(param for query in queries for param in query.params)
        record = self.compose(SEPARATOR.join(query.sql for query in queries), params)
        tail = [CHECK_DEFERRED, *self._restore, record, "COMMIT"]
        self.send(head, last, tail, places)

    def run(self, index: int, statement: Statement, section: Section) -> None:
        if statement.rows is not None:
            self._copy(index, statement)
        elif SENDS_MESSAGES:
            self.send([], Message(index, [statement]))
        else:
            super().run(index, statement, section)

    def drain(self, cursor: Any) -> None:
        notices = self.connection.connection.notices
        for text in notices:
            said = re.sub(r":\s+", ": ", text.strip(), count=1)
            self.notice(notice_without_rows(said))
        notices.clear()

    def send(
        self,
        head: Sequence[str],
        part: Message | None = None,
        tail: Sequence[str] = (),
        places: Sequence[int | None] = (),
    ) -> None:
        """Send one message. Raises StatementFailed with the statement that its error is about.

        The server answers every statement until one fails, so the answers are counted. `places` are
        where the file asks for what stands in the head.
        """
        part = part or Message(0, ())
        prefix = "".join(sql + SEPARATOR for sql in head)
        body = SEPARATOR.join([part.text, *tail] if part.statements else tail)
        if not prefix and not body:
            return
        results: list[Any] = []
        try:
            with self.connection.wrap_database_errors:
                self._exchange(prefix + body, results)
        except (Error, ValueError) as error:
            offset = part.offset(_position(error) - len(prefix))
            index = part.index_at(offset)
            if offset is None and 0 <= (done := len(results) - len(head)) < len(part.statements):
                index = part.first + done
            if offset is None and len(results) < min(len(head), len(places)):
                offset = places[len(results)]
            raise StatementFailed(index, offset) from error

    def _exchange(self, message: str, results: list[Any]) -> None:
        """Send the message and collect what succeeded of it. Raises psycopg's errors."""
        self.connection.ensure_connection()
        raw = self.connection.connection
        raw.pgconn.send_query(message.encode(raw.info.encoding))
        for result in raw.wait(generators.execute(raw.pgconn)):
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(result, encoding=raw.info.encoding)
            results.append(result)

    def _copy(self, index: int, statement: Statement) -> None:
        rows = statement.rows or ""
        try:
            with self.busy(), self.cursor() as cursor, self.connection.wrap_database_errors:
                if not SENDS_MESSAGES:
                    cursor.copy_expert(statement.sql, StringIO(rows))
                    return
                with cursor.copy(statement.sql) as copy:
                    for start in range(0, len(rows), _ROWS_BLOCK):
                        copy.write(rows[start : start + _ROWS_BLOCK])
        except (Error, ValueError) as error:
            raise StatementFailed(index, self.offset_of(error, statement)) from error

    def message_of(self, error: BaseException | None) -> str:
        diagnostic = getattr(getattr(error, "__cause__", None), "diag", None)
        if diagnostic is None or not diagnostic.message_primary:
            return super().message_of(error)
        return "\n".join(without_rows(_said(diagnostic)).lines)

    def remedy(self, error: BaseException | None, keyword: str = "") -> str:
        state = sqlstate(error)
        if state == "42501":
            user = self.connection.settings_dict["USER"] if self.role == "none" else self.role
            quoted = self.quote(user) if user else "CURRENT_USER"
            return lacks(grant_for(str(error), keyword, quoted))
        return {"53100": FULL, "25006": READ_ONLY}.get(state, "")

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        if (position := _position(error)) >= 0:
            return statement.start + position
        diagnostic = getattr(error.__cause__, "diag", None)
        line = re.match(r"COPY [^\n]*?, line (\d+)", getattr(diagnostic, "context", None) or "")
        if not line or not statement.parts:
            return None
        at = statement.parts[1]
        for _line in range(int(line[1]) - 1):
            at = statement.text.find("\n", at) + 1
        return statement.start + at

    def is_open(self, statement: Statement | None) -> bool:
        return self.connection.connection is not None and self._info.transaction_status != 0

    def is_connected(self) -> bool:
        raw = self.connection.connection
        return raw is not None and not raw.closed

    blocks: ClassVar[bool] = not SENDS_MESSAGES  # psycopg 3 waits in Python, and cancels itself

    def cancel(self) -> None:
        if self.blocks and self.connection.connection is not None:
            self.connection.connection.cancel()

    def begin(self) -> None:
        self.execute("BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")

    def roll_back(self) -> None:
        if not self.is_connected():
            self.connection.close()
        elif self.is_open(None):
            self.execute("ROLLBACK")


def sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of an error; empty for those of the connection."""
    cause = getattr(error, "__cause__", None)
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""


def _said(diagnostic: Any) -> Said:
    """What a driver tells of an error or a notice."""
    return Said(
        diagnostic.sqlstate or "",
        diagnostic.message_primary or "",
        diagnostic.message_detail or "",
        diagnostic.message_hint or "",
        diagnostic.context or "",
        (diagnostic.source_file or "").rpartition("/")[2],
        diagnostic.source_function or "",
    )


def _position(error: Exception) -> int:
    """Where in what was sent the database found the error; -1 where it does not say."""
    position = getattr(getattr(error.__cause__, "diag", None), "statement_position", None)
    return int(position) - 1 if position else -1
