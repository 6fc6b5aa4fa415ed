"""Whether a file that stopped half-way can go on where it stopped."""

from .dialects.base import Dialect
from .migration import Applied
from .problems import Problem, Rule
from .script import Section


def going_on_problem(
    row: Applied, before: Section | None, now: Section, dialect: Dialect
) -> Problem | None:
    """Why going on would not do what the whole section says; None where it would.

    `before` is the section as it was when it began, None where that is not known.
    """
    if now.transaction:
        return _problem(row, "stopped half-way outside of a transaction, and shall now run in one")
    if before is None:
        if not row.committed:
            return None
        return _problem(row, "was changed since it stopped, and the history has not kept what ran")
    for number, statement in enumerate(before.statements[: row.committed]):
        same = now.statements[number : number + 1]
        if not same or same[0].text != statement.text:
            said = f"statement {number + 1}, which has run already, was changed"
            return _problem(row, said, same[0].line if same else None)
        if reason := dialect.obstacle_to_skip(statement):
            return _problem(row, f"statement {number + 1} {reason}", same[0].line)
    return None


def _problem(row: Applied, said: str, line: int | None = None) -> Problem:
    hint = (
        "put that back, or put the database right by hand and say what you made true:"
        f" jetbase_resolve {row.version or row.path} --applied or --rolled-back"
    )
    version = str(row.version or "") or None
    return Problem(Rule.INCOMPLETE, row.path, f"cannot go on: {said}", hint, line, None, version)
