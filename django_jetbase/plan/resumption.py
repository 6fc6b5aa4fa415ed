"""Whether a file that stopped half-way can go on where it stopped."""

import re

from ..backends.base.steps import Steps
from ..files.script import Section
from ..migration import Applied
from ..problems import Problem, Rule

_CHAINS = re.compile(r"\bAND\s+CHAIN\b", re.IGNORECASE)


def going_on_problem(
    row: Applied, before: Section | None, now: Section, steps: Steps
) -> Problem | None:
    """Why going on would not do what the whole section says; None where it would.

    `before` is the section as it was when it began, None where that is not known.
    """
    if now.directives.transaction:
        return _problem(row, "stopped half-way outside of a transaction, and shall now run in one")
    if before is None:
        if row.attempted == row.committed == 0:
            return None
        return _problem(row, "was changed since it stopped, and the history has not kept what ran")
    if not 0 <= row.committed <= len(before.statements):
        return _problem(row, f"the history says that {row.committed} statements are committed")
    inside = False
    for number, statement in enumerate(before.statements[: row.attempted]):
        same = next(iter(now.statements[number : number + 1]), None)
        reason = None
        if number >= row.committed:
            if same is None or same.text != statement.text:
                reason = steps.obstacle_to_correct(statement, same)
        elif same is None or same.text != statement.text:
            reason = "has run already, and was changed"
        else:
            reason = steps.obstacle_to_skip(statement, inside=inside)
        if reason:
            return _problem(row, f"statement {number + 1} {reason}", same.line if same else None)
        if steps.backend.operations.controls(statement):
            begins = statement.keyword in ("BEGIN", "START")
            inside = begins or _CHAINS.search(statement.text) is not None
    return None


def _problem(row: Applied, said: str, line: int | None = None) -> Problem:
    hint = (
        "put that back, or put the database right by hand and say what you made true:"
        f" jetbase_resolve {row.version or row.path} --applied or --rolled-back"
    )
    version = str(row.version or "") or None
    return Problem(Rule.INCOMPLETE, row.path, f"cannot go on: {said}", hint, line, None, version)
