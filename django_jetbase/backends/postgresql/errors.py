"""What PostgreSQL says, by SQLSTATE, without the contents of rows; and which privilege it lacks."""

import re
from typing import Any, NamedTuple

from ...files.script import Section
from ...sql.regex import compiled
from ...sql.scanner import Statement
from ..base.errors import (
    FULL,
    NEEDS_NO_TRANSACTION,
    SHOWN,
    Denied,
    Errors,
    RecordFault,
    lacks,
    read_only,
)

_QUOTES = '"«»„“”'  # of its translations
_QUOTED = compiled(rf"[{_QUOTES}].*[{_QUOTES}]", re.DOTALL)
_UNQUOTED = compiled(r"(?<=: ).+", re.DOTALL)  # a number, and anything in some languages
_QUOTED_OR_BRACKETED = compiled(rf"[{_QUOTES}(].*[{_QUOTES})]", re.DOTALL)
_QUOTED_AT_END = compiled(rf"(?<=:)(\s*)[{_QUOTES}].*", re.DOTALL)
_BYTES = compiled(r"0x[0-9a-f]{2}(?: 0x[0-9a-f]{2})*", re.IGNORECASE)
_KEY = compiled(r"([^(]*\(.*?\)=\().*(\).*)", re.DOTALL)
_KEYS_OF_JSON = "22P02"
_FROM_POSTGIS = compiled(r"\".*\"(?= <-- )", re.DOTALL)
# The rows of a COPY, up to the end of the text, since they may hold line breaks.
_ROW_OF_COPY = compiled(
    rf"^(?=[^{_QUOTES}\n]*\d)([^{_QUOTES}\n]*+)(?<=: )[{_QUOTES}].*", re.MULTILINE | re.DOTALL
)
_LINE_OF_JSON = compiled(
    rf"^(?=[^{_QUOTES}\n:]*JSON[^{_QUOTES}\n:]*\d)([^{_QUOTES}\n:]*+):.*$", re.MULTILINE
)
# Of SQL that a function has put together. An apostrophe behind a letter is one of a language.
_LITERAL = compiled(r"(?:(?<!\w)|(?<=\b[eE]))'(?:[^']|'')*+(?:'|\Z)")
_NAMES_ONLY = frozenset(  # of the class 22, whose other messages quote values
    "22001 22004 22005 2200H 2201B 22023 2202H 22034 22035 2203F 22P04 22P06".split()
)
_HAS_BYTES = frozenset({"22021", "22P05"})
_OF_XML = frozenset({"2200L", "2200M", "2200N", "2200S", "2200T", "10608"})
_DETAIL_HAS_ROWS = frozenset({"21000", "P0002", "P0003"})
# Of other classes, or such that also speak of settings: what reads values, by its source.
_OF_VALUES_OR_NAMES = frozenset({"22023", "42601", "54000"})
_READS_VALUES = frozenset(
    "date.c datetime.c dbsize.c encode.c hstore_io.c jsonfuncs.c jsonpath_gram.y jsonpath_scan.l"
    " ltree_io.c ltxtquery_io.c mbutils.c misc.c network.c regexp.c segparse.y segscan.l"
    " timestamp.c tsquery.c tsvector_parser.c varlena.c".split()
)
# What a driver gives as text, without a source; only servers from 17 on say it.
_NOTICE_OF_VALUE = compiled(
    r"((?:data type incompatibility at line \d+ for column .*?|doesn't contain lexemes): )\".*\"",
    re.DOTALL,
)


# Inside a transaction; the end of one; a value of an enum that it has made.
_NOT_IN_TRANSACTION = frozenset({"25001", "2D000", "55P04"})
_TRANSIENT = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout


# An undefined table, column, function, type and the like, schema.
_OF_WHAT_IS_MISSING = frozenset({"42P01", "42703", "42883", "42704", "3F000"})
_MISSING = re.compile(rf"[{_QUOTES}]?(?P<name>[\w.$]+)[{_QUOTES}]?(?:\([^)]*\))?\s+does not exist")

_DEPENDED_UPON = frozenset({"2BP01", "0A000"})
_DEPENDANT = re.compile(
    r"^(?:.* on )?(?:materialized )?(?:view|function|procedure|trigger)"
    rf" [{_QUOTES}]?(?P<name>[\w.$]+)",
    re.MULTILINE,
)

_RECORD_FAULTS = {
    "42P01": RecordFault.GONE,
    "3F000": RecordFault.GONE,
    "42703": RecordFault.ALTERED,
    "42804": RecordFault.ALTERED,
    "22012": RecordFault.EMPTIED,
    "23502": RecordFault.EMPTIED,
}
# Transactions, resources, what an operator does, the system: what any change may fail with.
_OF_ANY_CHANGE = ("08", "25", "40", "53", "55", "57", "58")


class PostgreSQLErrors(Errors):
    def record_fault(self, error: BaseException | None) -> RecordFault:
        state = sqlstate(error)
        if not state or state.startswith(_OF_ANY_CHANGE):
            return super().record_fault(error)
        diagnostic = getattr(getattr(error, "__cause__", None), "diag", None)
        if getattr(diagnostic, "context", None):  # a function that a trigger has called
            return RecordFault.KEPT_OUT
        if state == "42501":
            return RecordFault.HIDDEN if "row-level" in str(error) else RecordFault.NONE
        return _RECORD_FAULTS.get(state, RecordFault.KEPT_OUT)

    def is_transient(self, error: BaseException | None) -> bool:
        return sqlstate(error) in _TRANSIENT

    def missing(self, error: BaseException | None) -> str | None:
        found = _MISSING.search(str(error)) if sqlstate(error) in _OF_WHAT_IS_MISSING else None
        return found["name"] if found else None

    def dependants(self, error: BaseException | None) -> list[str]:
        if sqlstate(error) not in _DEPENDED_UPON:
            return []
        detail = getattr(
            getattr(getattr(error, "__cause__", None), "diag", None), "message_detail", ""
        )
        return [match["name"] for match in _DEPENDANT.finditer(detail or "")]

    def message_of(self, error: BaseException | None) -> str:
        diagnostic = getattr(getattr(error, "__cause__", None), "diag", None)
        if diagnostic is None or not diagnostic.message_primary:
            return super().message_of(error)
        return "\n".join(without_rows(said_by(diagnostic)).lines)

    def remedy(
        self,
        error: BaseException | None,
        statement: Statement | None = None,
        section: Section | None = None,
    ) -> str:
        state = sqlstate(error)
        if state == "42501":
            return lacks(grant_for(str(error), statement, self._user))
        if state == "25006":
            return read_only(section)
        inside = section is not None and section.directives.transaction
        if inside and state in _NOT_IN_TRANSACTION and statement and statement.keyword != "SET":
            return f"It cannot run in the transaction of the file: {NEEDS_NO_TRANSACTION}."
        return FULL if state == "53100" else ""

    @property
    def _user(self) -> str:
        role = self.backend.session.role
        user = self.connection.settings_dict["USER"] if role == "none" else role
        return self.backend.quote(user) if user else "CURRENT_USER"

    def denied_table(self, error: BaseException | None) -> Denied | None:
        found = _DENIED.search(str(error)) if sqlstate(error) == "42501" else None
        return Denied(found["name"], self._user) if found and found["kind"] == "table" else None

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        if (found := position(error)) >= 0:
            return statement.start + found
        diagnostic = getattr(error.__cause__, "diag", None)
        line = re.match(r"COPY [^\n]*?, line (\d+)", getattr(diagnostic, "context", None) or "")
        if not line or not statement.parts:
            return None
        at = statement.parts[1]
        for _line in range(int(line[1]) - 1):
            at = statement.text.find("\n", at) + 1
        return statement.start + at


class Said(NamedTuple):
    """The fields of an error or a notice; `file` and `function` are the place in the server."""

    state: str
    primary: str
    detail: str = ""
    hint: str = ""
    context: str = ""
    file: str = ""
    function: str = ""

    @property
    def lines(self) -> list[str]:
        """What is shown of it."""
        more = {"DETAIL": self.detail, "HINT": self.hint, "CONTEXT": self.context}
        return [self.primary, *(f"{name}: {text}" for name, text in more.items() if text)]


def sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of an error; empty for those of the connection."""
    cause = getattr(error, "__cause__", None)
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""


def said_by(diagnostic: Any) -> Said:
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


def position(error: Exception) -> int:
    """Where in what was sent the database found the error; -1 where it does not say."""
    found = getattr(getattr(error.__cause__, "diag", None), "statement_position", None)
    return int(found) - 1 if found else -1


def without_rows(said: Said) -> Said:
    shown = said._replace(context=_context(said.context))
    if said.function == "exec_stmt_raise":
        return shown
    return shown._replace(primary=_primary(said), detail=_detail(said), hint=_hint(said))


def notice_without_rows(text: str) -> str:
    """As the driver has put it together."""
    return _NOTICE_OF_VALUE.sub(rf'\g<1>"{SHOWN}"', text)


def _primary(said: Said) -> str:
    if said.state in _HAS_BYTES:
        return _BYTES.sub(SHOWN, said.primary)
    if said.state == "00000" and said.file == "copyfromparse.c":
        return _QUOTED_AT_END.sub(rf'\g<1>"{SHOWN}"', said.primary)
    if not _quotes_values(said):
        return said.primary
    text = _blanked(said.primary, _QUOTED)
    return text if text != said.primary else _UNQUOTED.sub(SHOWN, text, count=1)


def _quotes_values(said: Said) -> bool:
    if said.file in _READS_VALUES and said.state in _OF_VALUES_OR_NAMES:
        return True
    if said.state == "00000":
        return said.file == "tsquery.c"
    return said.state.startswith("22") and not (
        said.state in _NAMES_ONLY or said.file == "sequence.c"
    )


def _detail(said: Said) -> str:
    if said.state.startswith("23") or said.state == "44000":
        return _detail_of_key(said)
    is_of_xml = said.file == "xml.c" and not said.state.startswith("0A")
    if said.state in _DETAIL_HAS_ROWS | _OF_XML or is_of_xml:
        return ""
    if said.state.startswith("22") or _quotes_values(said):
        return _blanked(said.detail, _QUOTED_OR_BRACKETED)
    return said.detail


def _detail_of_key(said: Said) -> str:
    """Nothing where it is a row, or two keys that exclude each other."""
    key = _KEY.fullmatch(said.detail)
    if key and said.state != "23P01":
        return f"{key[1]}{SHOWN}{key[2]}"
    return "" if "(" in said.detail else said.detail


def _hint(said: Said) -> str:
    if said.state == _KEYS_OF_JSON:
        return _blanked(said.hint, _QUOTED)
    return _FROM_POSTGIS.sub(f'"{SHOWN}"', said.hint)


def _context(text: str) -> str:
    text = _ROW_OF_COPY.sub(lambda match: match[1].rstrip(" :"), text)
    text = _LINE_OF_JSON.sub(lambda match: match[1].rstrip(), text)
    return _LITERAL.sub(f"'{SHOWN}'", text)


def _blanked(text: str, pattern: re.Pattern[str]) -> str:
    """With the first and the last character of what matches."""
    return pattern.sub(lambda match: f"{match[0][0]}{SHOWN}{match[0][-1]}", text)


# ---- privileges

_TABLE_PRIVILEGES = frozenset("SELECT INSERT UPDATE DELETE TRUNCATE".split())
_PRIVILEGE_OF_DDL = re.compile(r"\b(?:TRIGGER|REFERENCES)\b", re.IGNORECASE)
_DENIED = re.compile(r'permission denied for (?P<kind>[a-z]+(?: [a-z]+)*) "?(?P<name>[^"\n]+)"?')
_NOT_OWNER = re.compile(r'must be owner of (?P<kind>[a-z]+(?: [a-z]+)*) "?(?P<name>[^"\n]+)"?')
_NO_MEMBER = re.compile(r'permission denied to set role "(?P<name>[^"\n]+)"')
_PRIVILEGES = {
    "schema": "USAGE, CREATE",
    "database": "CREATE",
    "tablespace": "CREATE",
    "sequence": "USAGE, SELECT, UPDATE",
    "function": "EXECUTE",
    "procedure": "EXECUTE",
    "type": "USAGE",
    "language": "USAGE",
}
_RELATIONS = frozenset({"table", "view", "relation", "materialized view", "foreign table"})


def grant_for(message: str, statement: Statement | None, user: str) -> str:
    """The statement that gives a user what the message says is lacking; empty if that is unknown.

    `statement` is the one that was refused, if it was one of a file.
    """
    if found := _NOT_OWNER.search(message):
        kind = "table" if found["kind"] == "relation" else found["kind"]
        return f"ALTER {kind.upper()} {_quoted(found['name'])} OWNER TO {user}"
    if found := _NO_MEMBER.search(message):
        return f"GRANT {_quoted(found['name'])} TO {user}"
    found = _DENIED.search(message)
    if not found:
        return ""
    kind, privileges = found["kind"], _PRIVILEGES.get(found["kind"])
    if kind in _RELATIONS:
        kind, privileges = "table", _privileges_for(statement)
    if privileges is None:
        return ""
    return f"GRANT {privileges} ON {kind.upper()} {_quoted(found['name'])} TO {user}"


def _privileges_for(statement: Statement | None) -> str:
    """Those that a statement needs on the tables that it names, as far as its words tell."""
    keyword = statement.keyword if statement else ""
    if statement is None or keyword in _TABLE_PRIVILEGES:
        return keyword or "SELECT"
    if keyword == "COPY":
        return "SELECT" if statement.rows is None else "INSERT"
    if keyword in ("CREATE", "ALTER"):
        words = (word.upper() for word in _PRIVILEGE_OF_DDL.findall(statement.text))
        return next(words, "SELECT")
    return "SELECT, INSERT, UPDATE, DELETE"


def _quoted(name: str) -> str:
    if re.fullmatch(r"[a-z_][a-z0-9_$.]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'
