"""What a database says, without the contents of rows: `***` stands for values, names stay.

It goes by codes, since servers speak many languages. What a script's own RAISE or SIGNAL says
stays as it is.
"""

import re
from typing import NamedTuple

from ...sql.regex import compiled

_SHOWN = "***"


# ---- PostgreSQL

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


def postgresql_without_rows(said: Said) -> Said:
    shown = said._replace(context=_context(said.context))
    if said.function == "exec_stmt_raise":
        return shown
    return shown._replace(primary=_primary(said), detail=_detail(said), hint=_hint(said))


def postgresql_notice_without_rows(text: str) -> str:
    """As the driver has put it together."""
    return _NOTICE_OF_VALUE.sub(rf'\g<1>"{_SHOWN}"', text)


def _primary(said: Said) -> str:
    if said.state in _HAS_BYTES:
        return _BYTES.sub(_SHOWN, said.primary)
    if said.state == "00000" and said.file == "copyfromparse.c":
        return _QUOTED_AT_END.sub(rf'\g<1>"{_SHOWN}"', said.primary)
    if not _quotes_values(said):
        return said.primary
    text = _blanked(said.primary, _QUOTED)
    return text if text != said.primary else _UNQUOTED.sub(_SHOWN, text, count=1)


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
        return f"{key[1]}{_SHOWN}{key[2]}"
    return "" if "(" in said.detail else said.detail


def _hint(said: Said) -> str:
    if said.state == _KEYS_OF_JSON:
        return _blanked(said.hint, _QUOTED)
    return _FROM_POSTGIS.sub(f'"{_SHOWN}"', said.hint)


def _context(text: str) -> str:
    text = _ROW_OF_COPY.sub(lambda match: match[1].rstrip(" :"), text)
    text = _LINE_OF_JSON.sub(lambda match: match[1].rstrip(), text)
    return _LITERAL.sub(f"'{_SHOWN}'", text)


def _blanked(text: str, pattern: re.Pattern[str]) -> str:
    """With the first and the last character of what matches."""
    return pattern.sub(lambda match: f"{match[0][0]}{_SHOWN}{match[0][-1]}", text)


# ---- MariaDB and MySQL

_NAMES_AROUND = {  # how many in quotes stand before the value, and how many behind it
    1062: (0, 1),  # duplicate entries
    1557: (1, 0),
    1569: (0, 1),
    1586: (0, 1),
    1741: (0, 1),
    1761: (1, 2),
    1762: (1, 0),
    1292: (0, 0),  # wrong values
    1300: (0, 0),
    1366: (0, 1),
    1367: (0, 0),
    1411: (0, 0),
    1525: (0, 0),
    1772: (0, 0),
    1916: (0, 0),
    1917: (0, 0),
    1918: (0, 0),
    3057: (0, 0),
    3854: (0, 0),
    4133: (0, 0),
    4163: (0, 0),
    6138: (0, 0),
}
_ALL_THAT_IT_SAYS = {
    1526: f"Table has no partition for value {_SHOWN}",
    1863: f"Found a row in wrong partition {_SHOWN}",
}
_DEGREES = compiled(r"-?\d+\.\d+")
_AS_DATETIME = compiled(r"(?<=datetime value ').*(?=' at row \d)", re.DOTALL)
_XPATH = r"(?<=XPATH syntax error: ').*(?=')|(?<=XPATH variable at: ').*(?=')"
_OTHERWISE = {
    1105: compiled(_XPATH, re.DOTALL),
    1977: compiled(r"0x[0-9A-F]+", re.IGNORECASE),
    3616: _DEGREES,
    3617: _DEGREES,
    3731: _DEGREES,
    3732: _DEGREES,
    4095: _AS_DATETIME,
    4096: _AS_DATETIME,
}
# Of SQL as the server has rewritten it, where a row that is found by its key stands as literals.
_SQL_VALUE = compiled(r"'(?:[^'\\]|\\.|'')*+(?:'|\Z)|(?<![\w`#])-?\d[\w.]*", re.DOTALL)
_COLUMN_AT_END = compiled(r"' for column '[^']*' at row -?\d+\Z")


def mysql_without_rows(code: int, message: str) -> str:
    if code in _ALL_THAT_IT_SAYS:
        return _ALL_THAT_IT_SAYS[code]
    if code in _OTHERWISE:
        return _OTHERWISE[code].sub(_SHOWN, message, count=1)
    if code == 1003:
        return _without_literals(message)
    if code == 1690:
        head, quote, rest = message.partition("'")
        sql, _quote, tail = rest.rpartition("'")
        return f"{head}{quote}{_without_literals(sql)}{quote}{tail}"
    if code not in _NAMES_AROUND:
        return message
    return _without_quoted(message, *_names_around(code, message))


def _names_around(code: int, message: str) -> tuple[int, int]:
    before, behind = _NAMES_AROUND[code]
    if code == 1292 and _COLUMN_AT_END.search(message):  # it may be about no column
        return before, 1
    if code == 1366 and "`" in message:  # MariaDB quotes names by these
        return before, 0
    if code == 1062 and message[-1:].isdigit():  # the number of a key instead of its name
        return before, 0
    return before, behind


def _without_quoted(message: str, before: int, behind: int) -> str:
    """Without all that stands between so many names at either end."""
    quotes = [place for place, char in enumerate(message) if char == "'"]
    if len(quotes) < 2 * (before + behind + 1):
        before = behind = 0
    if len(quotes) < 2:
        return message
    start, end = quotes[2 * before], quotes[-1 - 2 * behind]
    return f"{message[: start + 1]}{_SHOWN}{message[end:]}"


def _without_literals(sql: str) -> str:
    return _SQL_VALUE.sub(lambda match: f"'{_SHOWN}'" if match[0][0] == "'" else _SHOWN, sql)


# ---- SQLite, which has no codes for these

_OF_SQLITE = compiled(
    r"\A(Could not decode to UTF-8 column '.*?' with text '|malformed MATCH expression: \["
    r"|fts5: syntax error near \"|(?:JSON path error near|bad JSON path:) ['\"]).*(['\"\]])\Z",
    re.DOTALL,
)


def sqlite_without_rows(message: str) -> str:
    return _OF_SQLITE.sub(rf"\g<1>{_SHOWN}\g<2>", message)
