"""What `manage.py check` says of this app."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.db import Error, connections

from .backends import backend_of, lexicon_of, message_of
from .conf import Settings, aliases, setting_errors
from .database import Database, refuse_unfit
from .exceptions import JetbaseError, MigrationFileError, SettingsError
from .files.disk import exists, read_files
from .files.names import migrations_of
from .files.script import parse
from .migration import Kind, Migration
from .migrator import Migrator
from .plan.validation import duplicate_problems
from .problems import Problem, Rule
from .results import Status

# What `check_files` finds, so that `check_database` need not say it again.
_OF_FILES = {Rule.BAD_NAME, Rule.SAME_PATH, Rule.UNREADABLE_FILE, Rule.DUPLICATE_VERSION}


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Errors in the JETBASE setting; touches no database."""
    errors = list(setting_errors()) or [error for _alias, error in _directories() if error]
    return [checks.Error(text, obj="JETBASE", id=Rule.SETTING) for text in errors]


def check_files(**kwargs: Any) -> list[CheckMessage]:
    """Directories that are missing, and what is wrong with files and their names alone.

    What is wrong in their texts is a warning, since the database may read them in another mode.
    """
    return [] if check_settings() else list(_file_messages())


def _file_messages() -> Iterator[CheckMessage]:
    for alias, _error in _directories():
        directories = Settings.of(alias).migrations_dir
        try:
            present = [directory for directory in directories if exists(directory)]
            files = migrations_of(read_files(present))
        except JetbaseError as error:  # a folder that cannot be read
            yield checks.Error(str(error), obj=alias, id=Rule.UNREADABLE_FILE)
            continue
        for directory in directories:
            if directory not in present:
                yield checks.Warning(
                    f"The migrations directory {directory} does not exist.",
                    hint="Create it with jetbase_init, or correct MIGRATIONS_DIR.",
                    obj="JETBASE",
                    id=Rule.MISSING_DIRECTORY,
                )
        for problem in [*files.problems, *duplicate_problems(files.migrations)]:
            yield _message(checks.ERROR, problem)
        for problem in _text_problems(alias, files.migrations):
            yield _message(checks.WARNING, problem)


def _text_problems(alias: str, migrations: Iterable[Migration]) -> Iterator[Problem]:
    """What is wrong in the texts, as the database reads them in its default modes."""
    lexicon, placeholders = lexicon_of(connections[alias].vendor), Settings.of(alias).placeholders
    for migration in migrations:
        yield from parse(migration.path, migration.text, lexicon, placeholders).problems


def check_database(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> Iterable[CheckMessage]:
    """Validate the files against the history of the databases asked for.

    All are warnings, since an error of a database check stops `migrate`.
    """
    if not databases or check_settings():
        return []
    asked = (alias for alias in aliases() if alias in databases and not _is_mirror(alias))
    return [message for alias in asked for message in _database_messages(alias)]


def _database_messages(alias: str) -> Iterator[CheckMessage]:
    try:
        migrator = Migrator(alias)
        status = migrator.status()
        takes_writes = migrator.database.takes_writes()
        lookalikes = list(_lookalikes(migrator, status))
    except MigrationFileError:
        return  # `check_files` says so
    except (JetbaseError, Error) as error:
        said = f"The history cannot be read: {message_of(error, alias)}"
        hint = Database(alias).remedy(error, writes=False) if isinstance(error, Error) else ""
        yield checks.Warning(said, hint=hint or None, obj=alias, id=Rule.UNREADABLE)
        return
    for problem in [*status.problems, *lookalikes]:
        if problem.id not in _OF_FILES and not problem.waits:
            yield _message(checks.WARNING, problem)
    yield from _pending(alias, status, takes_writes)


def _lookalikes(migrator: Migrator, status: Status) -> Iterator[Problem]:
    """Those of applied files, which stay as valid as they were."""
    with migrator.database.reading():
        for entry in status.entries:
            if entry.applied and entry.migration:
                yield from migrator.preparation.lookalikes(entry.migration)


def _pending(alias: str, status: Status, takes_writes: bool) -> Iterator[CheckMessage]:
    """Runs-always files are always due, so they count as nothing.

    What waits for Django's migrations is told as one, since the first `migrate` asks too.
    """
    waiting = {problem.path for problem in status.problems if problem.waits}
    paths = [
        found.path
        for found in status.pending
        if found.kind is not Kind.RUNS_ALWAYS or found.path in waiting
    ]
    if not paths:
        return
    said = f"Pending: {', '.join(paths[:5])}{' and more' if len(paths) > 5 else ''}"
    hint = "Run jetbase_upgrade."
    if waiting:
        said = f"{said}; of these {len(waiting)} wait for migrations of Django"
        hint = "Run migrate, and then jetbase_upgrade."
    if takes_writes:
        yield checks.Warning(said, hint=hint, obj=alias, id=Rule.PENDING)
    else:
        hint = "Run jetbase_upgrade on its primary."
        said = f"{said}; this database takes no writes"
        yield checks.Warning(said, hint=hint, obj=alias, id=Rule.TAKES_NO_WRITES)


def _message(level: int, problem: Problem) -> CheckMessage:
    text = problem.message[0].upper() + problem.message[1:] + "."
    hint = problem.hint and problem.hint[0].upper() + problem.hint[1:] + "."
    return CheckMessage(level, text, hint=hint or None, obj=problem.place, id=problem.id)


def _directories() -> Iterator[tuple[str, str]]:
    """The aliases that have migrations, each with what is wrong with its settings."""
    for alias in aliases():
        try:
            refuse_unfit(backend_of(connections[alias]), Settings.of(alias))
        except SettingsError as error:
            yield alias, str(error)
        else:
            yield alias, ""


def _is_mirror(alias: str) -> bool:
    """Whether the alias is only another way to a database that is checked under its own alias."""
    return bool(connections[alias].settings_dict["TEST"].get("MIRROR"))
