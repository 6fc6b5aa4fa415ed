"""The objects of PostgreSQL by their catalogues, whatever the search path shows of names in them.

So a definition is compared as the catalogue has it, not as text; one that was restored from a dump
is another one.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from ...sql.scanner import Statement
from ..base.objects import NAME, Made, Objects, unquoted

_LAST = "(parse_ident({name}))[array_upper(parse_ident({name}), 1)]"
_SCHEMA = "(SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = (parse_ident({name}))[1])"
_ON = " ON "
_TRIGGER = f"split_part({{name}}, '{_ON}', 1)"
_TABLE = f"split_part({{name}}, '{_ON}', 2)"
_ON_TABLE = re.compile(rf"\bON\s+(?:ONLY\s+)?(?P<table>{NAME}(?:\s*\.\s*{NAME})?)", re.IGNORECASE)
# What is made without a schema is in the present one.
_FULL_NAME = (
    "(CASE WHEN array_length(parse_ident({name}), 1) > 1 THEN {name}"
    " ELSE coalesce(quote_ident(current_schema()) || '.', '') || {name} END)"
)


class PostgreSQLObjects(Objects):
    definitions: ClassVar[Mapping[str, str]] = {
        "view": (
            "(SELECT hashtextextended(r.ev_action::text, 0)::text FROM pg_rewrite AS r"
            " WHERE r.ev_class = to_regclass({name}) AND r.rulename = '_RETURN')"
        ),
        "function": (
            "(SELECT hashtextextended(string_agg((to_jsonb(p) - 'oid' - 'proacl' - 'proowner')"
            "::text, ',' ORDER BY p.oid), 0)::text FROM pg_proc AS p"
            f" WHERE p.proname = {_LAST} AND p.pronamespace = {_SCHEMA})"
        ),
        "trigger": (
            "(SELECT hashtextextended(string_agg((to_jsonb(t) - 'oid' - 'tgenabled')::text, ','"
            " ORDER BY t.oid), 0)::text FROM pg_trigger AS t"
            f" WHERE t.tgname = {_TRIGGER} AND t.tgrelid = to_regclass({_TABLE}))"
        ),
        "type": "(SELECT 'type' WHERE to_regtype({name}) IS NOT NULL)",
        "table": "(SELECT 'table' WHERE to_regclass({name}) IS NOT NULL)",
    }

    full_names: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("view", "function", "type", "table"), _FULL_NAME),
        "trigger": (
            "(SELECT {name} WHERE to_regclass("
            f"{_TABLE}) IS NULL UNION ALL SELECT {_TRIGGER} || '{_ON}' || quote_ident(n.nspname)"
            " || '.' || quote_ident(c.relname) FROM pg_class AS c JOIN pg_namespace AS n"
            f" ON n.oid = c.relnamespace WHERE c.oid = to_regclass({_TABLE}))"
        ),
    }

    def made(self, statement: Statement) -> Made | None:
        """A trigger has a name of its own on each table, and that is `trigger ON table` here."""
        made = super().made(statement)
        if made is None or made.kind != "trigger":
            return made
        table = _ON_TABLE.search(self.backend.operations.lead(statement))
        if not table:
            return None
        name = unquoted(made.name)
        plain = name if made.name.endswith('"') else name.lower()
        return made._replace(name=f"{plain}{_ON}{table['table']}")
