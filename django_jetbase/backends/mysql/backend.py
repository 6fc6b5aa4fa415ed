from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from django.db import Error

from ...sql.lexicon import Lexicon
from ..base.backend import Backend
from .lexicon import MySQLLexicon
from .session import set_variable

if TYPE_CHECKING:
    from .locking import MySQLLocking
    from .session import MySQLSession

_NOT_TAKEN_BACK = 1196  # the warning of a ROLLBACK that tables without transactions have outlived


class MySQLBackend(Backend):
    """MariaDB and MySQL."""

    session: "MySQLSession"
    locking: "MySQLLocking"
    quote_mark: ClassVar[str] = "`"
    outlived: bool = False  # by changes, the last rollback

    @cached_property
    def lexicon(self) -> Lexicon:  # type: ignore[override]
        ((sql_mode,),) = self.execute("SELECT @@SESSION.sql_mode")
        return MySQLLexicon().in_mode(sql_mode)

    def in_transaction(self) -> bool:
        try:
            return self.execute("SELECT @@in_transaction") == [(1,)]
        except Error:  # MySQL has no such variable
            return False

    def begin(self) -> None:
        self.execute("START TRANSACTION")

    def commit(self) -> None:
        self.execute("COMMIT")

    def roll_back(self) -> None:
        # That of a file may hide the warning.
        if kept := self.session.variables.get("max_error_count"):
            self.execute(set_variable("max_error_count", str(max(1, int(kept)))))
            with suppress(Error):
                name = "character_set_results"
                self.execute(set_variable(name, self.session.variables[name]))
        self.execute("ROLLBACK")
        codes = (code for _level, code, _message in self.execute("SHOW WARNINGS"))
        self.outlived = _NOT_TAKEN_BACK in codes

    def cancel(self) -> None:
        """Over a connection of its own, which the running one is too busy for."""
        if not self._busy:
            return
        other = self.companion()
        try:
            other.execute("KILL QUERY %s", (self.session.thread,))
        finally:
            other.connection.close()
