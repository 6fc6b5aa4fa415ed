"""The JETBASE setting as one typed object, read whenever it is asked for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from .exceptions import SettingsError

LONGEST_TIME = 2_147_483  # seconds; more milliseconds PostgreSQL does not take

# How the names of the tables of the history begin unless a setting says otherwise.
HISTORY_TABLE_PREFIX = "django_jetbase_"


@dataclass(frozen=True)
class Settings:
    """What holds for one alias. Times are in seconds, `history_text_limit` in characters.

    `out_of_order` is None where file validation decides, a timeout where the database does.
    """

    migrations_dir: tuple[Path, ...]
    skip_validation: bool = False
    skip_checksum_validation: bool = False
    skip_file_validation: bool = False
    out_of_order: str | None = None
    placeholders: Mapping[str, str] = field(default_factory=dict)
    lock_wait: float = 60
    lock_timeout: float | None = None
    statement_timeout: float | None = None
    retries: int = 3
    history_text_limit: int = 1_000_000
    tests: bool = True
    upgrade_after_migrate: bool = False
    role: str | None = None
    history_schema: str | None = None
    history_table_prefix: str = HISTORY_TABLE_PREFIX

    @classmethod
    def of(cls, alias: str) -> "Settings":
        """The settings of an alias. Raises SettingsError where they are wrong or incomplete."""
        errors = list(setting_errors())
        if errors:
            raise SettingsError("\n".join(errors))
        given = _given(alias)
        directories = given.pop("MIGRATIONS_DIR", None) or _default_directory(alias)
        values = {key.lower(): value for key, value in given.items()}
        return cls(migrations_dir=_paths(directories), **values)


_TYPES: dict[str, tuple[type, ...]] = {
    "MIGRATIONS_DIR": (str, Path, list, tuple),
    "SKIP_VALIDATION": (bool,),
    "SKIP_CHECKSUM_VALIDATION": (bool,),
    "SKIP_FILE_VALIDATION": (bool,),
    "OUT_OF_ORDER": (str,),
    "PLACEHOLDERS": (dict,),
    "LOCK_WAIT": (int, float),
    "LOCK_TIMEOUT": (int, float),
    "STATEMENT_TIMEOUT": (int, float),
    "RETRIES": (int,),
    "HISTORY_TEXT_LIMIT": (int,),
    "TESTS": (bool,),
    "UPGRADE_AFTER_MIGRATE": (bool,),
    "ROLE": (str,),
    "HISTORY_SCHEMA": (str,),
    "HISTORY_TABLE_PREFIX": (str,),
}
_OPTIONAL = {field.name.upper() for field in fields(Settings) if field.default is None}
_PREFIX = re.compile(r"[a-z_][a-z0-9_]{0,39}")  # a name that means the same on every database
_TIMES = frozenset({"LOCK_WAIT", "LOCK_TIMEOUT", "STATEMENT_TIMEOUT"})
_CHOICES = {"OUT_OF_ORDER": ("error", "warn", "apply")}
assert {key.lower() for key in _TYPES} == {field.name for field in fields(Settings)}


def aliases() -> list[str]:
    """The database aliases that have migrations. Raises SettingsError."""
    if errors := list(setting_errors()):
        raise SettingsError("\n".join(errors))
    others = [alias for alias, given in _databases().items() if "MIGRATIONS_DIR" in given]
    return [DEFAULT_DB_ALIAS, *(alias for alias in others if alias != DEFAULT_DB_ALIAS)]


def aliases_in_use() -> list[str]:
    """The aliases that have migrations, without a default alias whose directory nobody made.

    Raises SettingsError.
    """
    found = []
    for alias in aliases():
        given = alias != DEFAULT_DB_ALIAS or "MIGRATIONS_DIR" in _given(alias)
        base = getattr(settings, "BASE_DIR", None)
        if given or (base and _default_directory(alias).is_dir()):
            found.append(alias)
    return found


def setting_errors() -> Iterator[str]:
    """Every unknown key and wrong type, as a sentence each."""
    given = _setting()
    if not isinstance(given, Mapping):
        yield f"JETBASE must be a dictionary, not {given!r}."
        return
    yield from _errors_of(given, "JETBASE", {*_TYPES, "DATABASES"})
    databases = given.get("DATABASES", {})
    if not isinstance(databases, Mapping):
        yield f'JETBASE["DATABASES"] must be a dictionary, not {databases!r}.'
        return
    for alias, values in databases.items():
        name = f'JETBASE["DATABASES"]["{alias}"]'
        if alias not in settings.DATABASES:
            yield f"{name}: settings.DATABASES has no such alias."
        if not isinstance(values, Mapping):
            yield f"{name} must be a dictionary, not {values!r}."
            continue
        yield from _errors_of(values, name, set(_TYPES))


def _errors_of(given: Mapping[str, Any], name: str, known: set[str]) -> Iterator[str]:
    for key, value in given.items():
        if key not in known:
            meant = get_close_matches(str(key).upper(), known, 1)
            hint = f"did you mean {meant[0]}? Known" if meant else "known"
            yield f'{name}["{key}"] is not a setting; {hint} are {", ".join(sorted(known))}.'
        elif value is None and key in _OPTIONAL:
            continue
        elif key in _CHOICES and value not in _CHOICES[key]:
            wanted = " or ".join(map(repr, _CHOICES[key]))
            yield f'{name}["{key}"] must be {wanted}, not {value!r}.'
        elif key != "DATABASES" and not _fits(value, _TYPES[key]):
            yield f'{name}["{key}"] must be {_wanted(value, _TYPES[key])}, not {value!r}.'
        elif key in _TIMES and value > LONGEST_TIME:
            yield f'{name}["{key}"] must be at most {LONGEST_TIME} seconds, not {value!r}.'
        elif key == "HISTORY_TABLE_PREFIX" and not _PREFIX.fullmatch(value):
            yield (
                f"{name}[\"{key}\"] must be at most 40 small letters, digits and '_', no digit"
                f" first, not {value!r}."
            )
        elif key == "HISTORY_SCHEMA" and not _can_be_schema(value):
            yield (
                f'{name}["{key}"] must be at most 63 bytes long, and none of the schemas of'
                f" PostgreSQL's own, not {value!r}."
            )
        elif key == "PLACEHOLDERS":
            yield from _placeholder_errors(value, f'{name}["{key}"]')


def _can_be_schema(name: str) -> bool:
    own = name.startswith("pg_") or name == "information_schema"
    return not own and "\0" not in name and len(name.encode()) <= 63


def _placeholder_errors(values: Mapping[Any, Any], name: str) -> Iterator[str]:
    """A line break in a value would move every line that an error names.

    The value itself, which may be a secret, is not said.
    """
    for key, value in values.items():
        if not isinstance(key, str) or not re.fullmatch(r"[^{}$\s]+", key):
            yield f"{name}: {key!r} is no name; use letters, digits and '_'."
        if not isinstance(value, str) or len(value.splitlines()) > 1:
            given = "several lines" if isinstance(value, str) else type(value).__name__
            yield f'{name}["{key}"] must be text of one line, not {given}.'


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool) and bool not in kinds:
        return False
    if not isinstance(value, kinds):
        return False
    if isinstance(value, (list, tuple)):
        return bool(value) and all(item and isinstance(item, (str, Path)) for item in value)
    return value >= 0 if isinstance(value, (int, float)) else value != ""


def _wanted(value: Any, kinds: tuple[type, ...]) -> str:
    """In words what a value must be that does not fit."""
    names = " or ".join(kind.__name__ for kind in kinds)
    if int in kinds:
        return f"{names}, and not below 0"
    return f"{names}, and not empty" if isinstance(value, kinds) else names


def _setting() -> Any:
    return getattr(settings, "JETBASE", {})


def _databases() -> Mapping[str, Mapping[str, Any]]:
    databases: Mapping[str, Mapping[str, Any]] = _setting().get("DATABASES", {})
    return databases


def _given(alias: str) -> dict[str, Any]:
    if alias not in settings.DATABASES:
        raise SettingsError(f"settings.DATABASES has no alias {alias!r}.")
    shared = {key: value for key, value in _setting().items() if key != "DATABASES"}
    own = dict(_databases().get(alias, {}))
    if alias != DEFAULT_DB_ALIAS:
        shared.pop("MIGRATIONS_DIR", None)  # the top-level directory is that of the default alias
    return shared | own


def _default_directory(alias: str) -> Path:
    base = getattr(settings, "BASE_DIR", None)
    if alias != DEFAULT_DB_ALIAS:
        raise SettingsError(
            f"The alias {alias!r} has no migrations: name their directory in"
            f' JETBASE["DATABASES"]["{alias}"]["MIGRATIONS_DIR"].'
        )
    if base is None:
        raise SettingsError('Name the directory of the migrations in JETBASE["MIGRATIONS_DIR"].')
    return Path(base) / "jetbase" / "migrations"


def _paths(directories: Any) -> tuple[Path, ...]:
    listed = directories if isinstance(directories, (list, tuple)) else [directories]
    base = Path(getattr(settings, "BASE_DIR", None) or ".")
    paths = tuple(base / directory for directory in listed)
    for path in paths:
        if not path.is_absolute():
            raise SettingsError(f"MIGRATIONS_DIR {str(path)!r} must be an absolute path.")
    return paths
