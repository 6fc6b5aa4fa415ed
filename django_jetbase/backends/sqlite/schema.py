import re
from collections.abc import Iterator

from ..base.schema import OWN, Definition, Schema

_OBJECTS = (
    "SELECT type, name, sql FROM sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_'"
    f" AND tbl_name NOT IN {OWN}"
    " UNION ALL SELECT 'pragma', 'user_version', user_version FROM pragma_user_version"
    " UNION ALL SELECT 'pragma', 'application_id', application_id FROM pragma_application_id"
)
_TOKEN = re.compile(r"[\w$]+|[<>!=]=|<>|\|\||->>?|<<|>>|\S")
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_NO_BLANK_BEFORE = frozenset("( ) , . ;".split())
_NO_BLANK_AFTER = frozenset({"", "(", "."})
_CONSTRAINT = frozenset("CONSTRAINT PRIMARY UNIQUE CHECK FOREIGN".split())
_CLAUSE = frozenset("SELECT FROM WHERE GROUP ORDER HAVING UNION BEGIN END".split())


class SQLiteSchema(Schema):
    """The texts of `sqlite_master`, less what ALTER TABLE rewrites: blank space and quotes.

    Comments go with the column that they stand beside, so they are no part of it either.
    """

    def definitions(self) -> Iterator[Definition]:
        for kind, name, sql in self.read(_OBJECTS):
            tokens = list(self._tokens(str(sql)))
            if kind == "table" and tokens[1].upper() == "TABLE":
                yield from _table(name, tokens)
            else:
                yield Definition(f"{kind} {name}", _laid_out(tokens))

    def _tokens(self, sql: str) -> Iterator[str]:
        for kind, start, end in self.backend.lexicon.pieces(sql):
            if not kind:
                yield from _TOKEN.findall(sql, start, end)
            elif kind == "quoted" and not sql.startswith("/*", start):
                yield _unquoted(sql[start:end])


def _unquoted(text: str) -> str:
    """A string as it is; a name without its quotes, or with the usual ones where it needs some."""
    if text.startswith("'"):
        return text
    name = text[1:-1].replace(text[-1] * 2, text[-1])
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _table(name: str, tokens: list[str]) -> Iterator[Definition]:
    """The parts of a CREATE TABLE, whose order does not matter."""
    *parts, options = _parts(tokens)
    yield Definition(f"table {name}", _joined(options))
    for part in parts:
        if part[0].upper() in _CONSTRAINT:
            yield Definition(f"constraint on {name}", _joined(part))
        else:
            yield Definition(f"column {name}.{part[0]}", _joined(part[1:]))


def _parts(tokens: list[str]) -> Iterator[list[str]]:
    """What stands between the commas of the outer parentheses, and then what follows these."""
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth -= token == ")"
        if (depth, token) in ((1, ","), (0, ")")):
            yield part
            part = []
        elif depth:
            part.append(token)
        depth += token == "("
    yield tokens[len(tokens) - tokens[::-1].index(")") :]


def _joined(tokens: list[str]) -> str:
    text = ""
    for token in tokens:
        tight = token in _NO_BLANK_BEFORE or text[-1:] in _NO_BLANK_AFTER
        text += token if tight else f" {token}"
    return text


def _laid_out(tokens: list[str]) -> str:
    """The tokens, with a clause or a statement in each line."""
    lines: list[list[str]] = [[]]
    for token in tokens:
        if token.upper() in _CLAUSE or lines[-1][-1:] == [";"]:
            lines.append([])
        lines[-1].append(token)
    return "\n".join(_joined(line) for line in lines if line)
