"""What is wrong with files and history, side by side: pure functions, each of one kind."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from ..migration import Applied, Migration, Version
from ..problems import Problem, Rule
from .plan import Plan
from .state import OutOfOrder, State

_WAY_ON = "go on with jetbase_upgrade --resume, or "


def duplicate_problems(migrations: Iterable[Migration]) -> list[Problem]:
    """Files that have the same version."""
    by_version: dict[Version, list[str]] = defaultdict(list)
    for migration in migrations:
        if migration.version:
            by_version[migration.version].append(migration.path)
    return [
        Problem(
            Rule.DUPLICATE_VERSION,
            paths[-1],
            f"has the same version as {', '.join(paths[:-1])}",
            "give one of them another",
            version=str(version),
        )
        for version, paths in sorted(by_version.items())
        if len(paths) > 1
    ]


def incomplete_problems(state: State) -> list[Problem]:
    """Migrations that have begun, and run or stopped half-way outside a transaction."""
    return [
        _problem(
            Rule.INCOMPLETE,
            row,
            f"its {row.incomplete} has not come to its end; {row.committed} of its statements are"
            " known to be committed",
            f"wait while it runs; if it has stopped, {_WAY_ON if row.can_go_on else ''}put the"
            " database right by hand, and say what you made true: jetbase_resolve"
            f" {row.version or row.path} --applied or --rolled-back",
        )
        for row in state.applied
        if row.incomplete and not state.goes_on(row) and not state.starts_over(row)
    ]


def starting_over_problems(state: State) -> list[Problem]:
    """Repeatable files that stopped half-way, and exist to be run again."""
    said = "has not come to its end, so the next upgrade runs it from its beginning"
    hint = "nothing needs to be done if it can run again as it is"
    rows = filter(state.starts_over, state.applied)
    return [_problem(Rule.STARTS_OVER, row, said, hint) for row in rows]


def lost_record_problems(state: State, logged: Mapping[str, str]) -> list[Problem]:
    """The first file that the log, by key, says is applied, where no version has a record."""
    lost = [migration for migration in state.migrations if migration.key in logged]
    if not lost:
        return []
    said = "is applied, as the log of the history says, and the records of all versions are gone"
    hint = (
        "restore the tables of the history from a backup; or record what the database has with"
        " jetbase_upgrade --fake, up to a version with --to-version"
    )
    return [_problem(Rule.LOST_RECORDS, lost[0], said, hint)]


def unmade_problems(state: State) -> list[Problem]:
    """Repeatable files of which the database has not any more what they made."""
    hint = "nothing needs to be done if that is what the file is for; else delete the file"
    return [
        _problem(
            Rule.UNMADE,
            migration,
            f"has made {', '.join(state.unmade[migration.key])}, and that is gone, or is not what"
            " it was, so an upgrade runs the file again",
            hint,
        )
        for migration in state.migrations
        if migration.key in state.unmade and migration in state.due
    ]


def file_problems(state: State) -> list[Problem]:
    """Applied files that are missing: an error, but for repeatable ones."""
    said = "was applied, and its file is gone, so an upgrade takes its record out"
    hint = "put the file back if that is not meant; what it made stays until a file drops it"
    retired = state.retired
    gone = {row.key for row in retired}
    missing = [
        _problem(
            Rule.MISSING_FILE,
            row,
            "is applied but its file is missing",
            "put the file back, which another branch or release may have"
            + (
                "; jetbase_fix_files forgets nothing while a newer release is ahead"
                if state.ahead
                else ", or let jetbase_fix_files forget it"
            ),
        )
        for row in state.lost
        if row.key not in gone
    ]
    return missing + [_problem(Rule.RETIRED, row, said, hint) for row in retired]


def another_history_problems(
    state: State,
    elsewhere: Mapping[str, Mapping[str, Collection[str]] | None],
    upgrade_checksum: Callable[[Migration], str],
) -> list[Problem]:
    """The first file that another history of the database says has run, where ours is empty.

    `elsewhere` has the two checksums by key, or None where the other one may not be read.
    """
    hint = (
        'let JETBASE["HISTORY_SCHEMA"] and ["HISTORY_TABLE_PREFIX"] name that one; or, for one of'
        " its own, run this once with --skip-file-validation"
    )
    versioned = [migration for migration in state.migrations if migration.version]
    for table, applied in elsewhere.items():
        for migration in versioned:
            theirs = applied.get(migration.key, ()) if applied is not None else ()
            if applied is None:
                said = f"may be applied already: {table}, another history, may not be read"
            elif migration.checksum in theirs or upgrade_checksum(migration) in theirs:
                said = f"is applied already, as another history in this database says: {table}"
            else:
                continue
            return [_problem(Rule.ANOTHER_HISTORY, migration, said, hint)]
    return []


def adopted_problems(state: State, place: object) -> list[Problem]:
    """A history to which nothing led, and which knows none of the files."""
    known = ((migration, state.row_of(migration)) for migration in state.migrations)
    is_ours = any(row and not state.changed(migration, row) for migration, row in known)
    if not state.applied or not state.migrations or is_ours:
        return []
    said = f"and all other files are not what the only history there is, {place}, says has run"
    hint = 'name that of this project in JETBASE["HISTORY_SCHEMA"]'
    return [_problem(Rule.ANOTHER_HISTORY, state.migrations[0], said, hint)]


def ahead_problems(state: State) -> list[Problem]:
    """What a newer release has applied, and what is not run because of that."""
    hint = (
        "nothing needs to be done while that is rolled out; otherwise put the file back, or undo it"
        " with jetbase_rollback"
    )
    said = "was applied by a newer release than this one"
    ahead = [_problem(Rule.AHEAD, row, said, hint) for row in state.ahead]
    said = "is left to the newer release that is ahead of this one, and is not run"
    hint = "nothing needs to be done; it runs again once nothing is ahead of the files any more"
    return ahead + [_problem(Rule.IGNORED, late, said, hint) for late in state.outdated]


def order_problems(state: State) -> list[Problem]:
    """New files below the highest applied version, unless they are applied or silently ignored."""
    said = f"is below the highest applied version {state.current}"
    if state.out_of_order is OutOfOrder.ERROR:
        hint = 'give it a higher one, or allow it with JETBASE["OUT_OF_ORDER"]'
        return [_problem(Rule.OUT_OF_ORDER, late, said, hint) for late in state.late]
    if state.out_of_order is OutOfOrder.WARN:
        said, hint = f"{said} and is not run", "give it a higher one"
        return [_problem(Rule.IGNORED, late, said, hint) for late in state.late]
    return []


def checksum_problems(state: State) -> list[Problem]:
    """Applied versioned files whose upgrade section changed."""
    changed = "was changed after it was applied"
    hint = "undo the change and write a new migration for it"
    accept = ", or accept it with jetbase_fix_checksums"
    replaced = [
        _problem(
            Rule.CHANGED,
            migration,
            f"has the version of {row.path}, which was applied, and is another file",
            "give it another version; if it is that file, give it its name back",
        )
        for migration, row in state.replaced
    ]
    others = {problem.path for problem in replaced}
    edited = [migration for migration in state.edited if migration.path not in others]
    if state.ahead:
        accept = "; a newer release may have accepted it, so that it cannot be accepted here"
    return replaced + [_problem(Rule.CHANGED, m, changed, hint + accept) for m in edited]


def _problem(rule: Rule, found: Migration | Applied, message: str, hint: str) -> Problem:
    return Problem(rule, found.path, message, hint, version=str(found.version or "") or None)


def kept_problems(state: State, plan: Plan) -> list[Problem]:
    """What is rolled back by the text that the history has kept, because its file is another."""
    rows = [step.applied for step in plan.steps if step.applied and not step.migration]
    return [
        _problem(
            Rule.KEPT_TEXT,
            file,
            f"its upgrade section is not what ran as {row.label}, so the rollback section that was"
            " applied with that holds, which the history has kept",
            "to use the one of the file, put its upgrade section back"
            + (", or accept it with jetbase_fix_checksums" if file in state.acceptable else ""),
        )
        for row in rows
        if (file := state.files_by_key.get(row.key))
    ]
