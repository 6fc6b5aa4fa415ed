"""PostgreSQL sections without a transaction: statement by statement, with their progress."""

import re
from collections.abc import Sequence
from functools import partial

from django.db import Error

from ...files.script import Section
from ...sql.scanner import Statement
from ..base.session import Setting
from ..base.steps import Retrying, Steps
from ..base.values import Effect, Progress, StatementFailed, failing
from .backend import SENDS_MESSAGES, PostgreSQLBackend
from .errors import sqlstate
from .messages import Message
from .operations import CONTROL, NOT_INSIDE, PostgreSQLOperations

_ALONE = frozenset({"VACUUM", "REINDEX", "CLUSTER", "CALL"})
_REPEATABLE = re.compile(r"(?:VACUUM|REINDEX|CLUSTER|ALTER SYSTEM|DISCARD)\b", re.IGNORECASE)
_COMMITS = re.compile(r"\b(?:COMMIT|ROLLBACK)\b", re.IGNORECASE)
_READ_ONLY = re.compile(r"\bREAD\s+ONLY\b|\btransaction_read_only\b", re.IGNORECASE)
_OF_SESSION = re.compile(
    r"(?:CREATE (?:(?:GLOBAL|LOCAL) )?(?:OR REPLACE )?TEMP(?:ORARY)?|PREPARE(?! TRANSACTION)"
    r"|DECLARE|LISTEN)\b",
    re.IGNORECASE,
)
_CREATES_TEMPORARY = re.compile(
    r"CREATE (?:OR REPLACE )?(?:UNLOGGED )?\w+ (?:IF NOT EXISTS )?\"?pg_temp\"? ?\.", re.IGNORECASE
)
_INTO_TEMPORARY = re.compile(
    r"\bINTO\s+(?:(?:GLOBAL|LOCAL)\s+)?TEMP(?:ORARY)?\s+(?:TABLE\s+)?[\w\"]", re.IGNORECASE
)
# SET LOCAL and SET TRANSACTION end with their transaction.
_SETS = re.compile(
    r"(?:SET (?:SESSION )?(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|RESET )"
    r'"?(?P<name>TIME ZONE|[\w.]+)',
    re.IGNORECASE,
)
_SETS_OTHERWISE = re.compile(r"set_config|UPDATE\s+(?:pg_catalog\.)?pg_settings", re.IGNORECASE)
_SETS_IN_BODY = re.compile(
    r"(?:\$|;|\bBEGIN|\bTHEN|\bELSE|\bLOOP|\bEXECUTE\s+E?')\s*(?:RE)?SET\s+(?!LOCAL\b)",
    re.IGNORECASE,
)
_FORGETS_ALL = re.compile(r"(?:RESET|DISCARD) ALL\b", re.IGNORECASE)
_CHAINS = re.compile(r"^(?:COMMIT|END)\b.* AND CHAIN\b", re.IGNORECASE)
_OPENS = re.compile(r"(?:BEGIN|START|SET TRANSACTION)\b", re.IGNORECASE)
_KEEPS_FROM_WRITING = re.compile(
    r"\bAUTHORIZATION\b|\bdefault_transaction_read_only\b|\bSESSION\s+CHARACTERISTICS\b",
    re.IGNORECASE,
)
_NAME = r'(?:"(?:[^"]|"")+"|[^\s("]+)'
_CREATES_INDEX = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:(?:IF NOT EXISTS )?(?P<index>{_NAME}) )?"
    rf"ON (?:ONLY )?(?P<table>{_NAME}(?: ?\. ?{_NAME})?)",
    re.IGNORECASE,
)
_DROPS_INDEX = re.compile(
    rf"DROP INDEX CONCURRENTLY (?:IF EXISTS )?(?P<index>{_NAME}(?: ?\. ?{_NAME})?)", re.IGNORECASE
)
_DETACHES = re.compile(r"ALTER TABLE .+? DETACH PARTITION .+? CONCURRENTLY\b", re.IGNORECASE)
_NAMES_ROLE = re.compile(r"\bROLE\b", re.IGNORECASE)
_OWN_TRANSACTION = frozenset({"25001", "2D000"})  # refused inside one; ends the one it is in


class PostgreSQLSteps(Steps):
    """Records how far such a section has come.

    A statement is one transaction with its record where that can be. Of one that must be alone the
    history says beforehand that it begins, and afterwards that it is done. What a transaction of
    the section's own does is recorded in it.
    """

    backend: PostgreSQLBackend
    operations: PostgreSQLOperations

    def records_progress(self, section: Section) -> bool:
        """Not where the session may be another user's, or one that writes nothing."""
        return not _KEEPS_FROM_WRITING.search(section.text)

    def skip(self, section: Section, count: int) -> None:
        """Set again what was lost with the session, and open what a chained COMMIT had opened."""
        last: dict[str, int] = {}
        for index, statement in enumerate(section.statements[:count]):
            lead = self.operations.lead(statement)
            if _FORGETS_ALL.match(lead):
                keeps_role = statement.keyword == "RESET" and "role" in last
                last = {"role": last["role"]} if keeps_role else {}
                last["all"] = index
            elif found := _SETS.match(lead):
                last[found["name"].lower()] = index
        for index in sorted(last.values()):
            self.operations.run(index, section.statements[index], section)
        if _CHAINS.search(self.operations.lead(section.statements[count - 1])):
            self._open_again(section, count)

    def _open_again(self, section: Section, count: int) -> None:
        """Begin the transaction that the last of these statements has begun, like the one before.

        That is with the isolation level of the first one of the chain.
        """
        opening: list[int] = []
        for index, statement in enumerate(section.statements[:count]):
            if statement.keyword in ("BEGIN", "START"):
                opening = [index]
            elif _OPENS.match(self.operations.lead(statement)):
                opening.append(index)
        for index in opening:
            self.operations.run(index, section.statements[index], section)

    def obstacle_to_skip(self, statement: Statement, *, inside: bool) -> str | None:
        lead = self.operations.lead(statement)
        selects = statement.keyword in ("SELECT", "WITH")
        if (
            _OF_SESSION.match(lead)
            or _CREATES_TEMPORARY.match(lead)
            or (selects and _INTO_TEMPORARY.search(statement.text))
        ):
            return "made what was lost with its session"
        if (
            _SETS_OTHERWISE.search(statement.text)
            or (inside and _SETS.match(lead))
            or (statement.keyword == "DO" and _SETS_IN_BODY.search(statement.text))
        ):
            return "set what was lost with its session, in a way that cannot be done again"
        return None

    def obstacle_to_correct(self, before: Statement, now: Statement | None) -> str | None:
        """An index is looked for; what it is like is known if it is as the file had it."""
        if not _CREATES_INDEX.match(self.operations.lead(before)):
            return super().obstacle_to_correct(before, now)
        if not (found := self._index(before)):
            return None
        name, valid = found
        if valid:
            return f"has built the index {name}, and was changed: drop it first"
        if now and _CREATES_INDEX.match(self.operations.lead(now)) and self._index(now) == found:
            return None  # it is dropped before it is built again
        return f"has left the invalid index {name}, and was changed: drop it first"

    def step(
        self,
        index: int,
        statement: Statement,
        section: Section,
        progress: Progress,
        retry: Retrying,
    ) -> None:
        if not self.records_progress(section):
            super().step(index, statement, section, progress, retry)
        elif self.operations.is_open(None):
            self._step_inside(index, statement, section, progress)
        elif self._must_be_alone(statement):
            self._step_alone(index, statement, section, progress, retry)
        else:
            self._step_recorded(index, statement, section, progress, retry)

    def _must_be_alone(self, statement: Statement) -> bool:
        if statement.keyword in _ALONE:
            return True
        if statement.keyword == "DO":
            return bool(_COMMITS.search(statement.text))
        lead = self.operations.lead(statement)
        return bool(CONTROL.match(lead) or NOT_INSIDE.match(lead))

    def _may_have_committed(self, statement: Statement) -> bool:
        """Whether a commit of its own may go before its failure."""
        return statement.keyword in ("CALL", "DO", "REINDEX") or bool(
            _DETACHES.match(self.operations.lead(statement))
        )

    def _reads_only(self, section: Section) -> bool:
        """Whether the transaction that is open may not write, not even the record."""
        if not self._may_read_only(section):
            return False
        with failing(None):
            return not self.backend.takes_writes()

    def _may_read_only(self, section: Section) -> bool:
        return _READ_ONLY.search(section.text) is not None

    def _step_inside(
        self, index: int, statement: Statement, section: Section, progress: Progress
    ) -> None:
        """In a transaction of the section's own, whose COMMIT commits the record too."""
        commits = statement.keyword in ("COMMIT", "END")
        recorded = commits and not self._reads_only(section)
        if recorded:
            self._record(progress, index + 1, section)
        self.operations.run(index, statement, section)
        if commits or not self.operations.is_open(None):
            progress(index + 1)
        if not recorded and not self.operations.is_open(None):
            self._record(progress, index + 1, section)

    def commit_open(self, section: Section, progress: Progress) -> None:
        if self.records_progress(section) and not self._reads_only(section):
            self._record(progress, len(section.statements), section)
        super().commit_open(section, progress)

    def _step_recorded(
        self,
        index: int,
        statement: Statement,
        section: Section,
        progress: Progress,
        retry: Retrying,
    ) -> None:
        note = self._note(progress, index + 1, index + 1, section)
        try:
            retry(partial(self._run_with, index, statement, section, note))
        except StatementFailed as failure:
            if sqlstate(failure.__cause__) not in _OWN_TRANSACTION:
                raise
            self._step_alone(index, statement, section, progress, retry)
            return
        progress(index + 1)

    def _run_with(
        self, index: int, statement: Statement, section: Section, note: Sequence[str]
    ) -> None:
        """Run the statement and the note as one transaction."""
        try:
            if SENDS_MESSAGES and statement.rows is None:
                self.operations.send(
                    [Setting("BEGIN")], Message(index, [statement]), [*note, "COMMIT"]
                )
                return
            self.execute("BEGIN")
            self.operations.run(index, statement, section)
            with failing(None):
                for sql in [*note, "COMMIT"]:
                    self.execute(sql)
        except BaseException as error:
            self.backend.rollback()
            if isinstance(error, StatementFailed) and error.index is None:
                # A deferred constraint of it fails at the COMMIT.
                raise error.at(index) from error.__cause__
            raise

    def _step_alone(
        self,
        index: int,
        statement: Statement,
        section: Section,
        progress: Progress,
        retry: Retrying,
    ) -> None:
        begins = statement.keyword in ("BEGIN", "START")
        unsure = progress.unsure and index == progress.start
        if unsure and self._is_done(index, statement, section):
            self._record(progress, index + 1, section)
            progress(index + 1)
            return
        if not begins:
            self._record(progress, index, section, attempted=index + 1)
        builds = _CREATES_INDEX.match(self.operations.lead(statement))
        again = unsure or (builds is not None and not builds["index"])

        def attempt() -> None:
            nonlocal again
            if again:
                self._drop_invalid(index, statement)
            again = True
            try:
                self.operations.run(index, statement, section)
            except StatementFailed as failure:
                partial = failure.effect.partial or self._may_have_committed(statement)
                raise failure.having(partial=partial) from failure.__cause__

        try:
            retry(attempt)
            self._refuse_invalid(index, statement)
        except StatementFailed as failure:
            found = self._index(statement)
            invalid = found is not None and not found[1]
            left = f"the invalid index {found[0]}" if found and invalid else ""
            named = _is_named(self.operations.lead(statement))
            raise failure.having(
                left=left or self._left_by_reindex(statement),
                partial=failure.effect.partial or invalid,
                unsure=failure.effect.unsure or (invalid and named),
            ) from failure.__cause__
        if unsure and (left := self._left_by_reindex(statement)):
            self.backend.notice(f"Perhaps of an earlier try, there is {left}: drop it.")
        if not self.operations.is_open(None):
            try:
                retry(partial(self._record, progress, index + 1, section))
            except StatementFailed as failure:
                raise failure.having(partial=True, unsure=True) from failure.__cause__
            progress(index + 1)

    # ---- what had begun when the run ended

    def _is_done(self, index: int, statement: Statement, section: Section) -> bool:
        """Whether a statement of which only the beginning is known has done its work.

        Raises StatementFailed where nothing tells.
        """
        lead = self.operations.lead(statement)
        if (builds := _CREATES_INDEX.match(lead)) and builds["index"]:
            index_found = self._index(statement)
            return index_found is not None and index_found[1]
        if builds and self._index(statement):
            return False
        if found := _DROPS_INDEX.match(lead):
            return self.execute("SELECT to_regclass(%s) IS NULL", (found["index"],)) == [(True,)]
        if _REPEATABLE.match(lead) or CONTROL.match(lead):
            return False
        said = "it had begun when the run ended, and nothing tells whether it has done its work"
        raise StatementFailed(index, effect=Effect(partial=True, unsure=True)) from Error(said)

    def _index(self, statement: Statement) -> tuple[str, bool] | None:
        """The index that the statement builds, and whether it is valid; None where it is not there.

        Without a name of its own it is one that is invalid. None as well for other statements, and
        where the connection died.
        """
        found = _CREATES_INDEX.match(self.operations.lead(statement))
        if not found or not self.backend.is_connected():
            return None
        rows = self.execute(
            "SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE coalesce(c.relname = %s, NOT i.indisvalid) AND i.indrelid = to_regclass(%s)",
            (
                _identifier(found["index"]) if found["index"] else None,
                re.sub(r" ?\. ?", ".", found["table"]),
            ),
        )
        return (str(rows[0][0]), bool(rows[0][1])) if rows else None

    def _left_by_reindex(self, statement: Statement) -> str:
        """The indexes that REINDEX CONCURRENTLY has not brought to their end."""
        if statement.keyword != "REINDEX" or not self.backend.is_connected():
            return ""
        rows = self.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' ORDER BY 1"
        )
        return f"the invalid index {', '.join(name for (name,) in rows)}" if rows else ""

    def _refuse_invalid(self, index: int, statement: Statement) -> None:
        """IF NOT EXISTS takes an invalid index for one."""
        found = self._index(statement)
        if found and not found[1] and _is_named(self.operations.lead(statement)):
            raise StatementFailed(index) from Error(f"the index {found[0]} is invalid")

    def _drop_invalid(self, index: int, statement: Statement) -> None:
        found = self._index(statement)
        if found and not found[1] and not _is_named(self.operations.lead(statement)):
            said = f"the index {found[0]}, perhaps of an earlier try, is invalid: drop it first"
            raise StatementFailed(index) from Error(said)
        if found and not found[1]:
            self.backend.notice(f"Dropping the invalid index {found[0]} before it is built again.")
            with failing(index):
                self.execute(f"DROP INDEX CONCURRENTLY {found[0]}")

    # ---- the record

    def _record(
        self, progress: Progress, committed: int, section: Section, attempted: int | None = None
    ) -> None:
        """Record the progress, in the transaction that is open or in one of its own."""
        note = self._note(progress, committed, attempted or committed, section)
        if not self.operations.is_open(None):
            note = ["BEGIN", *note, "COMMIT"]
        if SENDS_MESSAGES:
            self.operations.send(tail=note)
            return
        with failing(None):
            for sql in note:
                self.execute(sql)

    def _note(
        self, progress: Progress, committed: int, attempted: int, section: Section
    ) -> list[str]:
        """SQL that records the progress as the user that the run began as."""
        update = self.backend.compose(*progress.query(committed, attempted))
        if not section.directives.role and not _NAMES_ROLE.search(section.text):
            return [update]
        own = (
            "NONE"
            if self.backend.session.role == "none"
            else self.backend.quote(self.backend.session.role)
        )
        return [
            "SELECT set_config('jetbase.role', current_setting('role'), true)",
            f"SET LOCAL ROLE {own}",
            update,
            "SELECT set_config('role', current_setting('jetbase.role'), true)",
        ]


def _is_named(lead: str) -> bool:
    found = _CREATES_INDEX.match(lead)
    return bool(found and found["index"])


def _identifier(name: str) -> str:
    """The name as the catalogues have it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
