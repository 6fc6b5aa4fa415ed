"""How each SQL dialect is read: quotes, comments, bodies, and where a statement ends."""

from .ansi import Lexicon
from .mysql import MySQLLexicon
from .postgresql import PostgreSQLLexicon
from .sqlite import SQLiteLexicon

_LEXICONS: dict[str, Lexicon] = {
    "postgresql": PostgreSQLLexicon(),
    "mysql": MySQLLexicon(),
    "sqlite": SQLiteLexicon(),
}


def lexicon_of(vendor: str) -> Lexicon:
    """The rules of a `connection.vendor` in its default modes; ANSI's where it has none here."""
    return _LEXICONS.get(vendor, Lexicon())
