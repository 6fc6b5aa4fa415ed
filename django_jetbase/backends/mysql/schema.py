import re
from collections.abc import Iterator

from ..base.schema import OWN, Definition, Schema

_STARTED = "starts when it is created"
# Not one UNION: the names of different kinds may have collations that do not mix.
_OBJECTS = (
    "SELECT CASE table_type WHEN 'VIEW' THEN 'view' WHEN 'SEQUENCE' THEN 'sequence' ELSE 'table'"
    " END, table_name, '' FROM information_schema.tables WHERE table_schema = DATABASE()"
    f" AND table_type <> 'TEMPORARY' AND table_name NOT IN {OWN}",
    # Among those with the same time and event, the order is that of creation.
    "SELECT 'trigger', trigger_name, CONCAT('order ', action_order)"
    " FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
    f" AND event_object_table NOT IN {OWN}",
    "SELECT LOWER(routine_type), routine_name, '' FROM information_schema.routines"
    " WHERE routine_schema = DATABASE()",
    f"SELECT 'event', event_name, CASE WHEN starts = created THEN '{_STARTED}' ELSE '' END"
    " FROM information_schema.events WHERE event_schema = DATABASE()",
    "SELECT 'database', DATABASE(), ''",
)
_PRIVILEGES = (
    "SELECT 'table', table_name, grantee, privilege_type, is_grantable"
    " FROM information_schema.table_privileges WHERE table_schema = DATABASE()"
    f" AND table_name NOT IN {OWN}",
    "SELECT 'column', CONCAT(table_name, '.', column_name), grantee, privilege_type, is_grantable"
    " FROM information_schema.column_privileges WHERE table_schema = DATABASE()"
    f" AND table_name NOT IN {OWN}",
    "SELECT 'database', table_schema, grantee, privilege_type, is_grantable"
    " FROM information_schema.schema_privileges WHERE DATABASE() LIKE table_schema",
)
# Which column of SHOW CREATE has the text; between it and the name stand the sql_mode and the time
# zone that it runs with.
_TEXT = {"trigger": 2, "procedure": 2, "function": 2, "package": 2, "package body": 2, "event": 3}
_HIDDEN = "hidden from this user"
_POSITION = re.compile(r"^(\)[^'\"\n]*?) AUTO_INCREMENT=\d+", re.MULTILINE)
_STARTS = re.compile(r" STARTS '[^']*'")
_COLUMN = re.compile(r"(?P<quote>[`\"])(?P<name>.+?)(?P=quote) (?P<definition>.+)", re.DOTALL)


class MySQLSchema(Schema):
    """What SHOW CREATE says on MySQL and MariaDB."""

    def definitions(self) -> Iterator[Definition]:
        for query in _OBJECTS:
            for kind, name, note in self.read(query):
                yield from self._shown(kind, name, note)
        for query in _PRIVILEGES:
            for kind, name, grantee, privilege, grantable in self.read(query):
                option = " with grant option" if grantable == "YES" else ""
                text = f"{privilege} to {grantee}{option}"
                yield Definition(f"privilege on {kind} {name}", text)

    def _shown(self, kind: str, name: str, note: str) -> Iterator[Definition]:
        (row,) = self.execute(f"SHOW CREATE {kind.upper()} {self.backend.quote(name)}")
        *session, text = row[1 : _TEXT.get(kind, 1) + 1]
        if kind == "table":
            yield from _table(name, text)
            return
        lines = [" ".join(["runs with", *session])] if session else []
        lines += [_STARTS.sub("", text, 1) if note == _STARTED else text or _HIDDEN, note]
        yield Definition(f"{kind} {name}", "\n".join(filter(None, lines)))


def _table(name: str, text: str) -> Iterator[Definition]:
    """The lines of a CREATE TABLE, whose order does not matter."""
    first, *lines = _POSITION.sub(r"\1", text).rstrip("\n").split("\n")
    yield Definition(f"table {name}", first.removesuffix(" ("))
    for line in lines:
        line = line.strip().removesuffix(",")
        if column := _COLUMN.fullmatch(line):
            yield Definition(f"column {name}.{column['name']}", column["definition"])
        else:
            yield Definition(f"table {name}", line.removeprefix(") "))
