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
        if not row.attempted:
            return None
        return _problem(row, "was changed since it stopped, and the history has not kept what ran")
    inside = False
    for number, statement in enumerate(before.statements[: row.attempted]):
        same = now.statements[number : number + 1]
        has_run = number < row.committed
        changed = not same or same[0].text != statement.text
        if changed and (has_run or not dialect.may_be_corrected(statement)):
            what = "has run already" if has_run else "had begun, so that nothing tells what it did"
            said = f"statement {number + 1}, which {what}, was changed"
            return _problem(row, said, same[0].line if same else None)
        if not has_run:
            break
        if reason := dialect.obstacle_to_skip(statement, inside=inside):
            return _problem(row, f"statement {number + 1} {reason}", same[0].line)
        if statement.keyword in ("BEGIN", "START"):
            inside = True
        elif statement.keyword in ("COMMIT", "END", "ROLLBACK", "ABORT"):
            inside = " CHAIN" in statement.text.upper() and "NO CHAIN" not in statement.text.upper()
    return None


def _problem(row: Applied, said: str, line: int | None = None) -> Problem:
    hint = (
        "put that back, or put the database right by hand and say what you made true:"
        f" jetbase_resolve {row.version or row.path} --applied or --rolled-back"
    )
    version = str(row.version or "") or None
    return Problem(Rule.INCOMPLETE, row.path, f"cannot go on: {said}", hint, line, None, version)
