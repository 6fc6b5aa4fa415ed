"""The failure of a section as sentences: where, what the database said, what holds, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..backends.base.errors import RecordFault
from ..backends.base.values import Effect, RecordFailed, StatementFailed
from ..database import Database
from ..exceptions import StatementError
from ..files.script import Section
from ..history.recorded import Recorded
from ..migration import Direction, Migration
from ..sql.redaction import blanked, message_without, shortened, with_names

_LEAVE_ALONE = (
    "Have the file leave those tables alone, and drop what it, or another, has put on them."
)
_SHOWN = 300  # characters of a failing statement
_READ = 20_000  # characters of it that are looked at for that


@dataclass(frozen=True)
class Outcome:
    """What became of a section that failed; `known` if so many statements are surely committed.

    With `forgets` it has taken records of migrations along; `again` if an earlier run had begun.
    """

    committed: int = 0
    effect: Effect = field(default_factory=Effect)  # of the statement that failed
    known: bool = True
    forgets: bool = False
    again: bool = False


def error_of(
    failure: StatementFailed,
    outcome: Outcome,
    migration: Recorded,
    section: Section,
    direction: Direction,
    database: Database,
    advice: str = "",
) -> StatementError:
    """The failure as an error for people; the `advice` is given where there is no remedy."""
    backend = database.backend
    said = backend.errors.message_of(failure.__cause__)
    line = column = statement = rules = None
    shown = ""
    remedy, fault = "", RecordFault.NONE
    if failure.index is None:
        fault = backend.errors.record_fault(failure.__cause__)
    if isinstance(failure, RecordFailed) or fault is RecordFault.GONE:
        said, remedy = of_record(failure.__cause__, database)
    if failure.index is not None:
        statement = section.statements[failure.index]
        line, column = section.place(statement.start)
        rules = statement.rules or backend.lexicon
        begin = section.as_written(statement)[:_READ]
        shown = shortened(blanked(begin, rules), _SHOWN)
    said = with_names(message_without(said, statement, rules), section.placeholders)
    if failure.offset is not None:
        line, column = section.place(failure.offset)
    where = ":".join(str(part) for part in (migration.path, line, column) if part)
    text = "\n    ".join(filter(None, [f"{where}: {said}", *shown.splitlines()]))
    remedy = remedy or backend.errors.remedy(failure.__cause__, statement, section)
    remedy = remedy or advice
    resumes = direction is Direction.UPGRADE and backend.steps.records_progress(section)
    what_holds = consequence(outcome, migration, section, direction, resumes=resumes)
    if outcome.forgets:
        is_there = fault is not RecordFault.GONE and database.history.row(migration.key)
        what_holds = f"{_kept(outcome, section)}. {_recorded_anew(migration, is_there=is_there)}"
    error = StatementError(
        "\n".join(filter(None, [text, remedy, what_holds])),
        path=migration.path,
        line=line,
        column=column,
        version=str(migration.version or "") or None,
    )
    error.statement = shown
    return error


def consequence(
    outcome: Outcome, migration: Recorded, section: Section, direction: Direction, *, resumes: bool
) -> str:
    """What now holds, and what to do."""
    command = f"jetbase_{direction}"
    if not outcome.known:
        return (
            "Whether this file is committed is not known, since the database could not be asked"
            f" or still works at it: jetbase_status says so. Then run {command} again."
        )
    if not outcome.committed and not outcome.effect.partial and outcome.again:
        return (
            "This run has kept nothing of it, but what an earlier one has committed is still there,"
            f" and none of the later ones ran: correct it and run {command} again."
        )
    if not outcome.committed and not outcome.effect.partial:
        return (
            "Nothing of this file was kept, and none of the later ones ran:"
            f" correct it and run {command} again."
        )
    if migration.version is None and direction is Direction.UPGRADE:
        return (
            f"{_kept(outcome, section)}. Correct it and run {command} again, which runs it from its"
            " beginning."
        )
    return (
        f"{_kept(outcome, section)}{_way_on(outcome, section, resumes=resumes)} the database right"
        " by hand, and say what you made true: jetbase_resolve"
        f" {migration.version or migration.path} --applied or --rolled-back."
    )


def who_is_in_the_way(name: str, makers: Sequence[Migration], migration: Recorded) -> str:
    """Which repeatable file makes what depends on something that is to be changed."""
    other = next((one for one in makers if one.path != migration.path), None)
    if other is None or other.version:
        return ""
    return (
        f"{other.path} seems to make {name}, which depends on that: drop {name} in this file first;"
        f" the upgrade makes it anew by {other.path}, which must fit what you change."
    )


def who_makes(makers: Sequence[Migration], migration: Recorded) -> str:
    """Which other file makes what is missing, and how to have it run before."""
    other = next((one for one in makers if one.path != migration.path), None)
    if other is None:
        return ""
    if other.version and migration.version is None:
        return (
            f"{other.path} seems to make what is missing: no file below it may need this one"
            " (-- jetbase: needs=…) then, or it must come first, with a lower version."
        )
    if other.version:
        return f"{other.path} seems to make what is missing."
    return (
        f"{other.path} seems to make what is missing: -- jetbase: needs={other.path} above the"
        " first statement has it run before this file."
    )


def of_record(error: BaseException | None, database: Database) -> tuple[str, str]:
    """What is said of a row that the history did not take, and the way out.

    What the database says of rows that are lacking speaks of our own SQL alone.
    """
    errors = database.backend.errors
    fault = errors.record_fault(error)
    if fault is RecordFault.NONE:
        way_out = database.remedy(error, writes=True)
    else:
        way_out = f"{fault} {_LEAVE_ALONE}"
    said = "" if fault is RecordFault.EMPTIED else f": {errors.message_of(error)}"
    return f"recording this file failed{said}", way_out


def _recorded_anew(migration: Recorded, *, is_there: object) -> str:
    """How a history comes back that lacks records; `is_there` if it still has that of the file."""
    subject = migration.version or migration.path
    first = f"jetbase_resolve {subject} --rolled-back, then " if is_there else ""
    target = f" --to-version {migration.version}" if migration.version else ""
    return (
        "Restore the tables of the history from a backup; or correct the file, and record anew what"
        f" the database has: {first}jetbase_upgrade --fake{target}, which makes tables that are"
        " missing."
    )


def _kept(outcome: Outcome, section: Section) -> str:
    committed, statements = outcome.committed, section.statements
    said = [f"Committed are {committed} of {len(statements)} statements"]
    if committed:
        said.append(f", up to line {statements[committed - 1].line}")
    if committed < len(statements):
        said.append(f"; not those from line {statements[committed].line} on")
    if outcome.effect.left:
        said.append(f"; {outcome.effect.left} is left behind")
    elif outcome.effect.partial:
        said.append(", though the one that failed may have had an effect of its own")
    return "".join(said)


def _way_on(outcome: Outcome, section: Section, *, resumes: bool) -> str:
    if not resumes or (outcome.effect.unsure and not outcome.effect.left):
        return ". Put"
    if outcome.committed == len(section.statements):
        return ". Go on with jetbase_upgrade --resume; or put"
    line = section.statements[outcome.committed].line
    return (
        f". Correct what failed, from line {line} on, and go on there with jetbase_upgrade"
        " --resume; or put"
    )
