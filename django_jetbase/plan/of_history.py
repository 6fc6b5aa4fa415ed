"""What a file may not do to the history of its migrations, as far as its words tell."""

import re
from functools import cached_property

from ..backends.base.values import Obstacle
from ..database import Database
from ..files.script import Section
from ..history.tables import table_names
from ..sql.redaction import without_values
from ..sql.scanner import Statement

_LEAVE_OUT = (
    "leave it out: jetbase_resolve, jetbase_rollback --fake and the like change what the history"
    " says"
)
_NAME = r'"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|[\w$]+'
_OF_TABLE = r"(?:(?:OR\s+REPLACE|TEMP|TEMPORARY|LOCAL|GLOBAL|UNLOGGED|FOREIGN|VIRTUAL)\s+)*"
_OF_TRIGGER = r"(?:(?:OR\s+REPLACE|TEMP|TEMPORARY|CONSTRAINT|DEFINER\s*=\s*\S+)\s+)*"
# What stands before the tables that a statement changes, by its keyword.
_BEFORE = {
    "ALTER": r"ALTER\s+(?:(?:ONLINE|IGNORE)\s+)*TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?",
    "COPY": r"COPY\s+(?=[^;]*\bFROM\b)",
    "CREATE": (
        rf"CREATE\s+(?:{_OF_TABLE}TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"
        rf"|(?:{_OF_TRIGGER}TRIGGER|POLICY)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:{_NAME})"
        r"(?:(?!\bON\b).)*+\bON\s+"
        r"|(?:OR\s+REPLACE\s+)?RULE\s(?:(?!\bTO\b).)*+\bTO\s+)"
    ),
    "DELETE": (
        r"DELETE\s+(?:(?:LOW_PRIORITY|QUICK|IGNORE|FROM|ONLY)\s+|(?!FROM\b)[^\s,;]+\s*,\s*)*"
    ),
    "DROP": r"DROP\s+TABLES?\s+.*?",
    "INSERT": r"INSERT\s+(?:(?:\w+_PRIORITY|DELAYED|IGNORE|OR\s+\w+|INTO)\s+)*",
    "LOAD": r"LOAD\s+DATA\s.*?\bINTO\s+TABLE\s+",
    "MERGE": r"MERGE\s+INTO\s+(?:ONLY\s+)?",
    "RENAME": r"RENAME\s+TABLES?\s+.*?",
    "REPLACE": r"REPLACE\s+(?:(?:LOW_PRIORITY|DELAYED|INTO)\s+)*",
    "TRUNCATE": r"TRUNCATE\s+.*?",
    "UPDATE": r"UPDATE\s+(?:(?:LOW_PRIORITY|IGNORE|ONLY|OR\s+\w+)\s+)*",
    "WITH": r"WITH\s.*?\b(?:DELETE\s+FROM|(?:INSERT|MERGE)\s+INTO|UPDATE)\s+(?:ONLY\s+)?",
}
# Where another statement may begin inside one: in a body that runs at once, and behind a prefix.
_BEGINNING = re.compile(
    rf"(?:\A|;|\b(?:BEGIN|ATOMIC|THEN|ELSE|DO|LOOP|FOR|AS|ANALYZE(?:\s+FORMAT\s*=\s*\w+)?)\b)\s*"
    rf"(?P<keyword>{'|'.join(_BEFORE)})\b",
    re.IGNORECASE,
)
# Statements that change nothing but what they name; what DO, CALL, EXECUTE or the SELECT of a
# function do, only running tells.
_TELLING = frozenset(
    "ALTER COMMENT COPY CREATE DELETE DROP GRANT INSERT LOCK RENAME REPLACE REVOKE SET TRUNCATE"
    " UNLOCK UPDATE USE".split()
)
_ESCAPED_NAME = 'u&"'
_WHOLE = re.compile(
    r"(?:DROP\s+(?P<kind>SCHEMA|DATABASE)\s+(?:IF\s+EXISTS\s+)?|ALTER\s+SCHEMA\s+(?=.*\bRENAME\b)"
    r"|CREATE\s+OR\s+REPLACE\s+(?P<anew>SCHEMA|DATABASE)\s+)"
    rf"(?P<names>(?:{_NAME})(?:\s*,\s*(?:{_NAME}))*)",
    re.IGNORECASE | re.DOTALL,
)
_OF_WHOLE = ("DROP", "ALTER", "CREATE")
_FLAGS = re.IGNORECASE | re.DOTALL


class OwnTables:
    """The tables of the history of one database, which only its commands change."""

    def __init__(self, database: Database) -> None:
        self.backend = database.backend
        self.tables = database.tables

    def may_be_changed_by(self, section: Section) -> bool:
        """Whether the words of the section may tell of that; else no statement is looked at."""
        text = section.text.lower()
        return self._prefix in text or "schema" in text or "database" in text

    def may_be_reached_by(self, section: Section) -> bool:
        """Whether the section may change them, even by what its words do not tell."""
        text = section.text.lower()
        if self._prefix in text or _ESCAPED_NAME in text:
            return True
        return not _TELLING.issuperset({statement.keyword for statement in section.statements})

    @property
    def _prefix(self) -> str:
        return self.tables.prefix.lower()

    def obstacle(self, statement: Statement, section: Section) -> Obstacle | None:
        """Why the statement must not run; None where it leaves the history alone."""
        if self._prefix not in statement.text.lower() and statement.keyword not in _OF_WHOLE:
            return None
        parts = self.backend.operations.parts(statement)
        found = (self._obstacle_of(part, section) for part in parts)
        return next(filter(None, found), None)

    def _obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        rules = statement.rules or self.backend.lexicon
        sql = without_values(rules.as_executed(statement.sql), rules).strip()
        if found := _WHOLE.match(sql):
            return self._obstacle_to_all(found)
        stored = sql[:6].upper() == "CREATE"  # whose body does not run now
        for begin in [_BEGINNING.match(sql)] if stored else _BEGINNING.finditer(sql):
            keyword = begin["keyword"].upper() if begin else ""
            place = begin.start("keyword") if begin else 0
            found = self._changed[keyword].match(sql, place) if keyword else None
            if found and self._is_here(found["schema"], section):
                said = f"{keyword} changes {found['name']}, a table of the history of migrations"
                return Obstacle(said, _LEAVE_OUT)
        return None

    def _obstacle_to_all(self, found: re.Match[str]) -> Obstacle | None:
        names = re.findall(_NAME, found["names"])
        schema, connection = self.tables.schema, self.backend.connection
        is_database = "DATABASE" in ((found["kind"] or "").upper(), (found["anew"] or "").upper())
        if is_database or not self.backend.features.has_schemas:
            own = str(connection.settings_dict["NAME"])
            if not any(self._means(name, own) for name in names):
                return None
            return Obstacle(
                "this drops the database that the alias is connected to, with the history",
                "leave it out, and what makes the database anew behind it",
            )
        if schema is None or not any(self._means(name, schema) for name in names):
            return None
        return Obstacle(
            f"the history of migrations is in the schema {schema}",
            "drop what is in it by name, or have the history elsewhere: HISTORY_SCHEMA",
        )

    def _is_here(self, schema: str | None, section: Section) -> bool:
        """Whether a table of that schema, or one that the section names without, is ours."""
        if schema is None:
            moves = any(statement.keyword == "USE" for statement in section.statements)
            return not moves and "search_path" not in section.text.lower()
        return self._means(schema, self.tables.schema or "main")

    def _means(self, written: str, name: str) -> bool:
        """Whether what is written is this name."""
        plain = written.strip('"`[]')
        if self.backend.features.has_schemas:
            return (plain if plain != written else plain.lower()) == name
        return plain.lower() == name.lower()

    @cached_property
    def _changed(self) -> dict[str, re.Pattern[str]]:
        """By keyword a statement that changes one of the tables."""
        names = "|".join(map(re.escape, table_names(self.tables.prefix)))
        table = (
            rf"(?<![\w$.])(?:(?P<schema>{_NAME})\s*\.\s*)?"
            rf"[\"`\[]?(?P<name>{names})[\"`\]]?(?![\w$])(?!\s+OWNER\b)"
        )
        return {keyword: re.compile(before + table, _FLAGS) for keyword, before in _BEFORE.items()}
