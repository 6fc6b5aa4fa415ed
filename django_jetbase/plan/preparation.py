"""Read, scan and check the whole of what will run before any of it does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..backends.base.character_set import CharacterSet
from ..backends.base.objects import Made
from ..database import Database
from ..exceptions import HistoryError, ProblemsError
from ..files.directives import ROWS
from ..files.script import Script, Section, parse
from ..history.recorded import Recorded, recorded, recorded_again
from ..interop import foreign_history_that_recorded
from ..interop.django_applied import Dependencies
from ..migration import (
    Applied,
    Direction,
    Kind,
    Migration,
    Origin,
    checksum,
    statements_checksum,
)
from ..problems import Problem, Rule
from .of_django import too_early, unrecordable, without_record
from .of_history import OwnTables
from .plan import Plan, Step, Unmet
from .resumption import going_on_problem


@dataclass(frozen=True)
class Planned:
    """A step with what it sends; with another origin than `run` it sends nothing."""

    step: Step
    section: Section | None
    origin: Origin = Origin.RUN


@dataclass(frozen=True)
class Prepared:
    """A plan whose files were read, and what is wrong with them; `left` is as in the plan."""

    planned: tuple[Planned, ...]
    left: tuple[Migration, ...]
    problems: tuple[Problem, ...]


class Preparation:
    """Parses the files of one database, each once."""

    def __init__(self, database: Database) -> None:
        self.backend = database.backend
        self.history = database.history
        self.settings = database.settings
        self.own_tables = OwnTables(database)
        self._scripts: dict[str, Script] = {}
        self._same: dict[tuple[str, int], bool] = {}  # by path and row

    def prepare(self, plan: Plan, *, fake: bool = False) -> Prepared:
        """Read what the steps send; with `fake` they only record."""
        planned: list[Planned] = []
        problems: list[Problem] = []
        dependencies = Dependencies(self.backend.connection)
        problems += map(self._unmet, plan.unmet)
        for step in plan.steps:
            try:
                item = self._planned(step, dependencies, fake=fake)
            except ProblemsError as error:
                problems += error.problems
                continue
            planned.append(item)
            problems += [
                *self._of_django(item, dependencies),
                *self._lookalikes(item),
                *self._obstacles(item),
                *self._obstacles_to_rollback(item),
                *self._without_effect(item),
            ]
        return Prepared(tuple(planned), plan.left, tuple(problems))

    def _planned(self, step: Step, dependencies: Dependencies, *, fake: bool) -> Planned:
        if step.retires:
            return Planned(step, None, Origin.RETIRED)
        if step.renames:
            _sound(self._script_of(step))
            return Planned(step, None, Origin.RENAMED)
        if fake:
            self._script_of(step) if step.migration else None
            return Planned(step, None, Origin.FAKE)
        section = self._with_timeouts(self._section(step))
        if step.resume and step.applied:
            self._check_goes_on(step, step.applied, section)
            return Planned(step, section)
        django = self._script_of(step).upgrade.directives.django
        if django and dependencies.is_off(django):
            if step.direction is Direction.UPGRADE and dependencies.is_of_models(django):
                return Planned(step, None, Origin.DJANGO)
            return Planned(step, without_record(section))
        if step.direction is Direction.UPGRADE and django and dependencies.is_applied(django):
            return Planned(step, None, Origin.DJANGO)
        return Planned(step, section)

    def _check_goes_on(self, step: Step, row: Applied, section: Section) -> None:
        text = self.history.text_begun(row)
        if text is None and step.migration and step.migration.checksum == row.checksum:
            text = step.migration.text
        before = self.parsed(row.path, text).upgrade if text else None
        if problem := going_on_problem(row, before, section, self.backend.steps):
            raise ProblemsError([problem])

    def _with_timeouts(self, section: Section) -> Section:
        """The settings hold where the file is silent."""
        given, settings = section.directives, self.settings
        lock, statement = given.lock_timeout, given.statement_timeout
        given = replace(
            given,
            lock_timeout=settings.lock_timeout if lock is None else lock,
            statement_timeout=settings.statement_timeout if statement is None else statement,
        )
        return replace(section, directives=given)

    def _section(self, step: Step) -> Section:
        script = self._script_of(step)
        if step.direction is Direction.UPGRADE:
            return script.upgrade
        if script.rollback is None:
            said, hint = "has no rollback section", "write one below a line -- rollback"
            if not step.migration:
                said = f"{said} in the text that was applied, which is not what the file now says"
                hint = "take back by hand what it did, and record that with --fake"
            version = str(step.subject.version)
            raise ProblemsError([Problem(Rule.NO_ROLLBACK, step.path, said, hint, version=version)])
        return script.rollback

    def _script_of(self, step: Step) -> Script:
        if step.migration:
            return _sound(self.script(step.migration))
        assert step.applied is not None  # a step has one of the two
        text = self.history.text_of(step.applied)
        if text is None:
            raise _without_text(step.applied)
        return _sound(self.parsed(step.path, text))

    def _of_django(self, item: Planned, dependencies: Dependencies) -> Iterator[Problem]:
        if item.section:
            given = self._script_of(item.step).upgrade
            yield from too_early(item.step, given, dependencies)
            tables = self.backend.introspection
            yield from unrecordable(item.step, given, item.section, dependencies, tables)

    def needs(self, migration: Migration) -> tuple[str, ...]:
        """The repeatable files that a file wants to run before it."""
        return self.script(migration).upgrade.directives.needs

    def was(self, migration: Migration) -> str | None:
        """The path that a repeatable file had before."""
        return self.script(migration).upgrade.directives.was

    def _unmet(self, unmet: Unmet) -> Problem:
        given = self.script(unmet.migration).upgrade
        if unmet.in_circle:
            said = f"needs {unmet.needed}, which needs this file itself"
            hint = "take the directive out of one of them"
        elif unmet.several:
            said = f"needs {unmet.needed}, and there are {', '.join(unmet.several)}"
            hint = "write the path of the one that is meant; or two directives, for both"
        else:
            said = f"needs {unmet.needed}, and there is no such file"
            hint = "correct the path, or take the directive out"
        place = given.place(given.places["needs"])
        return Problem(Rule.CANNOT_RUN, unmet.migration.path, said, hint, *place)

    def _lookalikes(self, item: Planned) -> tuple[Problem, ...]:
        """Those of a file that has not run as it is."""
        file, applied = item.step.migration, item.step.applied
        if not file or not item.section or item.step.direction is Direction.ROLLBACK:
            return ()
        return () if applied and applied.checksum == file.checksum else self.lookalikes(file)

    def lookalikes(self, migration: Migration) -> tuple[Problem, ...]:
        """What in a file looks like the rollback marker or a directive, and is none."""
        return self.script(migration).lookalikes

    def _obstacles(self, item: Planned) -> Iterator[Problem]:
        section = item.section
        if (
            section
            and section.statements
            and not section.directives.transaction
            and self._is_pooled
        ):
            said = (
                "has transaction=off, and this alias connects through a pooler, behind which each"
                " statement may run in another session"
            )
            hint = "run it on an alias that connects to the server itself (--database)"
            yield Problem(Rule.CANNOT_RUN, item.step.path, said, hint)
        yield from self._obstacles_in(section, item.step.path, Rule.CANNOT_RUN)

    def _obstacles_to_rollback(self, item: Planned) -> Iterator[Problem]:
        """What the rollback section of a file that is to be applied will not run with."""
        if item.section and item.step.migration and item.step.direction is Direction.UPGRADE:
            section = self.script(item.step.migration).rollback
            yield from self._obstacles_in(section, item.step.path, Rule.CANNOT_ROLL_BACK)

    def _obstacles_in(self, section: Section | None, path: str, rule: Rule) -> Iterator[Problem]:
        if not section:
            return
        yield from self._unsendable(section, path, rule)
        own = self.own_tables
        is_near = own.may_be_changed_by(section)
        for statement in section.statements:
            reason = own.obstacle(statement, section) if is_near else None
            if reason := reason or self.backend.operations.obstacle(statement, section):
                line, column = section.place(statement.start)
                yield Problem(rule, path, *reason, line, column)

    def _unsendable(self, section: Section, path: str, rule: Rule) -> Iterator[Problem]:
        """Characters that the connection cannot send, of a statement or of the name, the first."""
        if (section.text + path).isascii():
            return
        for one in self._character_sets:
            for text, start in [(path, None), *((s.text, s.start) for s in section.statements)]:
                if (at := one.first_lacking(text)) is not None:
                    place = (None, None) if start is None else section.place(start + at)
                    yield Problem(rule, path, one.lacks(text[at]), one.remedy, *place)
                    return

    def _without_effect(self, item: Planned) -> Iterator[Problem]:
        """An upgrade that does nothing, and directives that hold for nothing on this database."""
        section = item.section
        if section and not section.statements and item.step.direction is Direction.UPGRADE:
            said = "has no statement to run, so that it is only recorded"
            hint = "write one, unless that is what you want"
            yield Problem(Rule.EMPTY, item.step.path, said, hint)
        for statement in section.statements if section else ():
            if reason := self.backend.operations.idle(statement):
                assert section is not None  # it has statements
                place = section.place(statement.start)
                yield Problem(Rule.NO_EFFECT, item.step.path, *reason, *place)
        for name, offset in section.places.items() if section else ():
            needed = ROWS[name].needs
            if section and needed and not getattr(self.backend.features, needed):
                said = f"the directive {name} holds for nothing on {self._database}"
                hint = "leave it if the file also runs where it does; else take it out"
                line, column = section.place(offset)
                yield Problem(Rule.NO_EFFECT, item.step.path, said, hint, line, column)

    @cached_property
    def _character_sets(self) -> tuple[CharacterSet, ...]:
        return tuple(self.backend.character_sets())

    @property
    def _database(self) -> str:
        return str(self.backend.connection.display_name)

    @cached_property
    def _is_pooled(self) -> bool:
        return self.backend.is_pooled

    def recorded(self, step: Step) -> Recorded:
        """What the history is told of a step."""
        if step.migration:
            return self.recorded_file(step.migration)
        assert step.applied is not None  # a step has one of the two
        try:
            text = self.history.text_of(step.applied)
        except HistoryError:
            if step.direction is Direction.UPGRADE and not step.retires:
                raise
            text = None  # it did not run, and the log has it where it was applied
        return recorded_again(step.applied, text)

    def recorded_file(self, migration: Migration) -> Recorded:
        """What the history is told of a file. Raises ProblemsError where it cannot be parsed."""
        _sound(self.script(migration))
        is_kept = len(migration.text) <= self.settings.history_text_limit
        statements = "" if is_kept else self._statements_checksum(migration)
        makes = self.makes(migration) if migration.kind is Kind.RUNS_ON_CHANGE else ()
        return recorded(migration, self.upgrade_checksum(migration), statements, makes)

    def makes(self, migration: Migration) -> list[Made]:
        """The objects that a file makes, as far as its words tell."""
        return self.backend.objects.made_by(self.script(migration).upgrade)

    def _statements_checksum(self, migration: Migration) -> str:
        return statements_checksum(self.script(migration).upgrade.compared)

    def upgrade_checksum(self, migration: Migration) -> str:
        """That of the upgrade section alone."""
        return checksum(self.script(migration).upgrade_text)

    def is_changed(self, migration: Migration, row: Applied) -> bool:
        """Whether the upgrade section differs; files whose whole text is equal are not scanned."""
        if migration.checksum == row.checksum or not row.checksum:
            return False
        if source := foreign_history_that_recorded(row.checksum, self.backend):
            return not source.is_what_ran(migration, row.checksum)
        if self.upgrade_checksum(migration) == row.upgrade_checksum:
            return False
        key = (migration.path, row.sequence)
        if key not in self._same:
            self._same[key] = self._has_the_statements_of(migration, row)
        return not self._same[key]

    def _has_the_statements_of(self, migration: Migration, row: Applied) -> bool:
        """Whether nothing but comments between statements differs from what ran.

        That is the text that was kept, or else the checksum of its statements.
        """
        try:
            text = self.history.text_of(row)
        except HistoryError:
            return False
        if text is None:
            known = self.history.statements_checksum_of(row)
            return bool(known) and known == self._statements_checksum(migration)
        if checksum(text) != row.checksum:
            return False
        ran = self.parsed(row.path, text).upgrade
        return ran.compared == self.script(migration).upgrade.compared

    def script(self, migration: Migration) -> Script:
        """The parsed file, with its problems."""
        if migration.path not in self._scripts:
            self._scripts[migration.path] = self.parsed(migration.path, migration.text)
        return self._scripts[migration.path]

    def parsed(self, path: str, text: str) -> Script:
        """The text of a migration parsed, with its problems."""
        return parse(path, text, self.backend.lexicon, self.settings.placeholders)


def _sound(script: Script) -> Script:
    """The script. Raises ProblemsError with every problem that it has."""
    if script.problems:
        raise ProblemsError(script.problems)
    return script


def _without_text(row: Applied) -> HistoryError:
    version = str(row.version) if row.version else None
    if not row.path:
        text = (
            f"{row.label} ran nothing here, so there is nothing to roll back: to record that it is"
            " not applied use jetbase_rollback --fake."
        )
        return HistoryError(text, version=version)
    text = (
        f"{row.path}: what was applied is not on disk any more and the history has not kept its"
        " text; put the file back, or record it as rolled back with jetbase_rollback --fake."
    )
    return HistoryError(text, path=row.path, version=version)
