"""The way out of what a database refuses: room, a primary, a privilege."""

import re

FULL = "There is no room left: make some, and run it again."
READ_ONLY = "The database takes no writes now: run this on its primary, or when it takes some."

_TABLE_PRIVILEGES = frozenset("SELECT INSERT UPDATE DELETE TRUNCATE".split())
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

_COMMAND_DENIED = re.compile(
    r"(?P<command>[A-Z ]+?) command denied to user \S+ for"
    r" (?P<kind>table|routine|column)s? (?P<name>\S+)",
    re.IGNORECASE,
)
_ACCESS_DENIED = re.compile(r"Access denied for user \S+ to database '(?P<name>[^']*)'")
_NEEDS = re.compile(r"need \(at least one of\) the (?P<privileges>.+?) privilege")


def postgresql_grant(message: str, keyword: str, user: str) -> str:
    """The statement that gives a user what the message says is lacking; empty if that is unknown.

    `keyword` is the first word of the statement that was refused.
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
        kind, privileges = "table", keyword if keyword in _TABLE_PRIVILEGES else "ALL"
    if privileges is None:
        return ""
    return f"GRANT {privileges} ON {kind.upper()} {_quoted(found['name'])} TO {user}"


def _quoted(name: str) -> str:
    if re.fullmatch(r"[a-z_][a-z0-9_$.]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


def mysql_grant(message: str, account: str) -> str:
    """As `postgresql_grant`; the message names the user, but not the account."""
    if found := _COMMAND_DENIED.search(message):
        command, name = found["command"].strip().upper(), found["name"].strip("'")
        if command == "GRANT" or found["kind"].lower() == "routine":
            return ""  # the message does not tell which
        if command.startswith("CREATE"):  # what is not there yet
            name = f"{name.split('.')[0]}.*"
        return f"GRANT {command} ON {name} TO {account}"
    if found := _ACCESS_DENIED.search(message):
        name = found["name"].replace("`", "``")
        return f"GRANT ALL ON `{name}`.* TO {account}"
    if found := _NEEDS.search(message):
        return f"GRANT {found['privileges'].split(',')[0].strip()} ON *.* TO {account}"
    return ""


def lacks(grant: str) -> str:
    """The sentence about a privilege that is lacking."""
    if not grant:
        return "A privilege is missing: have it granted, and run it again."
    return f"A privilege is missing; who has it to give runs: {grant};"
