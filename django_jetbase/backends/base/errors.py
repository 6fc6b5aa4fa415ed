"""What a database says when it refuses something: without the contents of rows, and the way out.

`***` stands for values; names stay. It goes by codes, since servers speak many languages. What a
script's own RAISE or SIGNAL says stays as it is.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from ...files.script import Section
from ...sql.regex import compiled
from ...sql.scanner import Statement
from .backend import Part
from .character_set import CharacterSet
from .values import RowNotWritten

SHOWN = "***"
NEEDS_NO_TRANSACTION = (
    "put -- jetbase: transaction=off before the first statement, or move this one to a file of its"
    " own that has it"
)
DELETE_BOTH = (
    "delete it and the other one, since a file is one transaction by itself; or put"
    " -- jetbase: transaction=off before the first statement"
)
FULL = "There is no room left: make some, and run it again."
READ_ONLY = "The database takes no writes now: run this on its primary, or when it takes some."


class RecordFault(StrEnum):
    """Why the history takes no row, if it is not what any change of data may fail with."""

    NONE = ""
    GONE = (
        "The tables of the history are not where they were: the file drops, renames or moves them."
    )
    EMPTIED = (
        "Rows of the history, or of its lock, are gone or were not written: the file deletes them,"
        " or a trigger or a rule keeps them out."
    )
    ALTERED = "The tables of the history are not as they were made: the file changes their columns."
    HIDDEN = (
        "Row-level security is forced upon the owner of the tables of the history too, so that no"
        " GRANT helps, but ALTER TABLE … NO FORCE ROW LEVEL SECURITY does."
    )
    KEPT_OUT = (
        "It was none of the file's statements: a trigger, a rule or a constraint on the tables of"
        " the history keeps the row out."
    )


READS_ONLY = compiled(
    r"\bREAD\s+ONLY\b|\b(?:transaction|tx)_read_only\b|\bquery_only\b", re.IGNORECASE
)
_READS_ONLY_ITSELF = (
    "The file itself allows nothing to be written, not even its record: take that out."
)


def read_only(section: Section | None, otherwise: str = READ_ONLY) -> str:
    """The way out where nothing can be written."""
    itself = section is not None and READS_ONLY.search(section.text)
    return _READS_ONLY_ITSELF if itself else otherwise


class Denied(NamedTuple):
    """A table that a user, whose name is SQL, may not use so."""

    table: str
    user: str


class Errors(Part):
    """What an error of the database says and means."""

    def is_transient(self, error: BaseException | None) -> bool:
        """Whether it came of what other sessions did, so that another try may succeed."""
        return False

    def missing(self, error: BaseException | None) -> str | None:
        """The name of what a statement wanted and is not there; None for any other error."""
        return None

    def dependants(self, error: BaseException | None) -> list[str]:
        """The names of what keeps a statement from changing that on which they depend."""
        return []

    def readable(self, error: Exception, section: Section) -> Exception:
        """The error of a statement, as one whose message can be read."""
        return error

    def place_of(self, error: Exception, statement: Statement) -> int | None:
        """The place in the file at which the statement has failed, if that is known."""
        if isinstance(error, UnicodeEncodeError):
            at = statement.text.find(error.object[error.start])
            return statement.start + at if at >= 0 else None
        return self.offset_of(error, statement)

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        """The place in the file that the error points at."""
        return None

    def message_of(self, error: BaseException | None) -> str:
        """What the database says, without its own idea of the place or the contents of rows."""
        if isinstance(error, UnicodeEncodeError):
            return CharacterSet(error.encoding).lacks(error.object[error.start])
        return str(error).strip()

    def record_fault(self, error: BaseException | None) -> RecordFault:
        """Why what records a section has failed with this error."""
        return RecordFault.EMPTIED if isinstance(error, RowNotWritten) else RecordFault.NONE

    def denied_table(self, error: BaseException | None) -> Denied | None:
        """The table for which a privilege is lacking, if it is that."""
        return None

    def remedy(
        self,
        error: BaseException | None,
        statement: Statement | None = None,
        section: Section | None = None,
    ) -> str:
        """A sentence about the way out of an error; empty where the message says it all.

        `statement` is the one of a section that failed, if it was one of them.
        """
        return ""


def lacks(grant: str) -> str:
    """The sentence about a privilege that is lacking."""
    if not grant:
        return "A privilege is missing: have it granted, and run it again."
    return f"A privilege is missing; who has it to give runs: {grant};"
