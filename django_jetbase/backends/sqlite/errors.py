"""What SQLite says without the contents of rows; it has no codes for these."""

import re

from django.db import Error, IntegrityError, OperationalError

from ...files.script import Section
from ...sql.regex import compiled
from ...sql.scanner import Statement
from ..base.errors import FULL, SHOWN, Errors, RecordFault, read_only

_OF_SQLITE = compiled(
    r"\A(Could not decode to UTF-8 column '.*?' with text '|malformed MATCH expression: \["
    r"|fts5: syntax error near \"|(?:JSON path error near|bad JSON path:) ['\"]).*(['\"\]])\Z",
    re.DOTALL,
)


READ_ONLY_FILE = "Make the file and its directory writable for this user, and run it again."
_NEAR = re.compile(r'near "(.+)": syntax error', re.DOTALL)
_LONGEST_SEARCH = 100_000


_MISSING = re.compile(r"no such (?:table|view|column|function|module): (?P<name>[\w.$]+)")

_RECORD_FAULTS = {
    "no such table": RecordFault.GONE,
    "no column": RecordFault.ALTERED,
    "no such column": RecordFault.ALTERED,
    "NOT NULL constraint": RecordFault.EMPTIED,
}


class SQLiteErrors(Errors):
    def record_fault(self, error: BaseException | None) -> RecordFault:
        said = str(error)
        known = (fault for words, fault in _RECORD_FAULTS.items() if words in said)
        by_constraint = isinstance(error, IntegrityError)  # or by the RAISE of a trigger
        usual = RecordFault.KEPT_OUT if by_constraint else super().record_fault(error)
        return next(known, usual)

    def is_transient(self, error: BaseException | None) -> bool:
        return isinstance(error, OperationalError) and "locked" in str(error)

    def readable(self, error: Exception, section: Section) -> Exception:
        if section.directives.statement_timeout and str(error) == "interrupted":
            return OperationalError("canceled because of the statement timeout")
        return error

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        """SQLite names no position: ask which beginning of the statement is the first wrong one."""
        near = _NEAR.fullmatch(str(error))
        if not near or len(statement.text) > _LONGEST_SEARCH:
            return None
        at = statement.text.find(near[1])
        while at >= 0:
            try:
                self.execute("EXPLAIN " + statement.text[: at + len(near[1])])
            except (Error, ValueError) as other:
                if str(other) == str(error):
                    return statement.start + at
            at = statement.text.find(near[1], at + 1)
        return None

    def missing(self, error: BaseException | None) -> str | None:
        found = _MISSING.search(str(error))
        return found["name"] if found else None

    def message_of(self, error: BaseException | None) -> str:
        return without_rows(super().message_of(error))

    def remedy(
        self,
        error: BaseException | None,
        statement: Statement | None = None,
        section: Section | None = None,
    ) -> str:
        said = str(error)
        if "readonly" in said:
            return read_only(section, READ_ONLY_FILE)
        return FULL if "is full" in said else ""


def without_rows(message: str) -> str:
    return _OF_SQLITE.sub(rf"\g<1>{SHOWN}\g<2>", message)
