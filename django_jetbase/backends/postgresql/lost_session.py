"""What statements made of a session that was lost: what can be set again, and what cannot."""

import re
from collections.abc import Callable, Sequence

from ...sql.scanner import Statement

_OF_SESSION = re.compile(
    r"(?:CREATE (?:(?:GLOBAL|LOCAL) )?(?:OR REPLACE )?TEMP(?:ORARY)?|PREPARE(?! TRANSACTION)"
    r"|DECLARE|LISTEN)\b",
    re.IGNORECASE,
)
_CREATES_TEMPORARY = re.compile(
    r"CREATE (?:OR REPLACE )?(?:UNLOGGED )?\w+ (?:IF NOT EXISTS )?\"?pg_temp\"? ?\.", re.IGNORECASE
)
_INTO_TEMPORARY = re.compile(
    r"\bINTO\s+(?:(?:GLOBAL|LOCAL)\s+)?TEMP(?:ORARY)?\s+(?:TABLE\s+)?[\w\"]", re.IGNORECASE
)
# SET LOCAL and SET TRANSACTION end with their transaction.
_SETS = re.compile(
    r"(?:SET (?:SESSION )?(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|RESET )"
    r'"?(?P<name>TIME ZONE|[\w.]+)',
    re.IGNORECASE,
)
_SETS_OTHERWISE = re.compile(r"set_config|UPDATE\s+(?:pg_catalog\.)?pg_settings", re.IGNORECASE)
_SETS_IN_BODY = re.compile(
    r"(?:\$|;|\bBEGIN|\bTHEN|\bELSE|\bLOOP|\bEXECUTE\s+E?')\s*(?:RE)?SET\s+(?!LOCAL\b)",
    re.IGNORECASE,
)
_FORGETS_ALL = re.compile(r"(?:RESET|DISCARD) ALL\b", re.IGNORECASE)
_CHAINS = re.compile(r"^(?:COMMIT|END)\b.* AND CHAIN\b", re.IGNORECASE)
_OPENS = re.compile(r"(?:BEGIN|START|SET TRANSACTION)\b", re.IGNORECASE)


def to_run_again(done: Sequence[Statement], lead: Callable[[Statement], str]) -> list[int]:
    """The statements that set something, and those that open what a chained COMMIT had opened.

    `lead` gives the first words of one.
    """
    last: dict[str, int] = {}
    for index, statement in enumerate(done):
        words = lead(statement)
        if _FORGETS_ALL.match(words):
            keeps_role = statement.keyword == "RESET" and "role" in last
            last = {"role": last["role"]} if keeps_role else {}
            last["all"] = index
        elif found := _SETS.match(words):
            last[found["name"].lower()] = index
    chained = _CHAINS.search(lead(done[-1]))
    return [*sorted(last.values()), *(_opening(done, lead) if chained else ())]


def _opening(done: Sequence[Statement], lead: Callable[[Statement], str]) -> list[int]:
    """What begins the transaction that the last of these has begun, like the one before.

    That is with the isolation level of the first one of the chain.
    """
    opening: list[int] = []
    for index, statement in enumerate(done):
        if statement.keyword in ("BEGIN", "START"):
            opening = [index]
        elif _OPENS.match(lead(statement)):
            opening.append(index)
    return opening


def what_is_lost(statement: Statement, lead: str, *, inside: bool) -> str | None:
    """Why nothing can go on in another session behind this statement, of which `lead` begins.

    `inside` if it was in a transaction of the section's own.
    """
    selects = statement.keyword in ("SELECT", "WITH")
    if (
        _OF_SESSION.match(lead)
        or _CREATES_TEMPORARY.match(lead)
        or (selects and _INTO_TEMPORARY.search(statement.text))
    ):
        return "made what was lost with its session"
    if (
        _SETS_OTHERWISE.search(statement.text)
        or (inside and _SETS.match(lead))
        or (statement.keyword == "DO" and _SETS_IN_BODY.search(statement.text))
    ):
        return "set what was lost with its session, in a way that cannot be done again"
    return None
