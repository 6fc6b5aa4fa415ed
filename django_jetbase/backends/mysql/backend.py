from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import Error

from ...sql.lexicon import Lexicon
from ..base.backend import Backend
from ..base.character_set import CharacterSet
from .errors import code_of
from .lexicon import MySQLLexicon
from .session import set_variable

if TYPE_CHECKING:
    from .locking import MySQLLocking
    from .session import MySQLSession

_MYSQLCLIENT = "MySQLdb"
_MULTI_STATEMENTS = 1 << 16  # CLIENT_MULTI_STATEMENTS of the protocol
_IS_OPEN = 1568  # transaction characteristics cannot be changed while one is in progress
_LEVELS = {
    "READ-UNCOMMITTED": "READ UNCOMMITTED",
    "READ-COMMITTED": "READ COMMITTED",
    "REPEATABLE-READ": "REPEATABLE READ",
    "SERIALIZABLE": "SERIALIZABLE",
}
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

    @property
    def unsupported(self) -> str:
        if self._driver in (_MYSQLCLIENT, "pymysql"):
            return ""
        return (
            f"The driver {self._driver} of the alias {self.connection.alias!r} is not supported:"
            " let ENGINE be 'django.db.backends.mysql', with mysqlclient or PyMySQL."
        )

    @property
    def _driver(self) -> str:
        """The name of its module, whatever name it was imported under."""
        connection: Any = self.connection
        return str(connection.Database.__name__)

    @property
    def encoding(self) -> str:
        self.connection.ensure_connection()
        return str(self.connection.connection.encoding)

    def character_sets(self) -> Iterator[CharacterSet]:
        yield from super().character_sets()
        if self.execute("SELECT @@character_set_client") in ([("utf8",)], [("utf8mb3",)]):
            yield CharacterSet("utf-8", three_bytes=True)

    @property
    def is_mysqlclient(self) -> bool:
        """Whether it is the driver, and not another one under its name."""
        return self._driver == _MYSQLCLIENT

    @property
    def takes_several(self) -> bool:
        """Whether the driver sends several statements at once, as mysqlclient usually does."""
        self.connection.ensure_connection()
        flags = getattr(self.connection.connection, "client_flag", _MULTI_STATEMENTS)
        return bool(flags & _MULTI_STATEMENTS)

    def in_transaction(self) -> bool:
        """MySQL tells it only by refusing to set the isolation level of the next one.

        What is set is that of the session, which the next one has anyway.
        """
        if self.session.is_mariadb:  # LIMIT, since a file may have set another one
            return self.execute("SELECT @@in_transaction LIMIT 1") == [(1,)]
        ((level,),) = self.execute("SELECT @@transaction_isolation LIMIT 1")
        try:
            self.execute(f"SET TRANSACTION ISOLATION LEVEL {_LEVELS[level]}")
        except Error as error:
            if code_of(error) == _IS_OPEN:
                return True
            raise
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
