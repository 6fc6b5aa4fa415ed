"""What `manage.py check` says of this app; touches no database."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from .conf import Settings, aliases, setting_errors
from .exceptions import SettingsError


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Errors in the JETBASE setting, and directories that are missing."""
    messages: list[CheckMessage] = [
        Error(text, id="jetbase.E001", obj="JETBASE") for text in setting_errors()
    ]
    if messages:
        return messages
    for alias in aliases():
        try:
            directories = Settings.of(alias).migrations_dir
        except SettingsError as error:
            messages.append(Error(str(error), id="jetbase.E001", obj="JETBASE"))
            continue
        messages += [
            Warning(
                f"The migrations directory {directory} does not exist.",
                hint="Create it with jetbase_init, or correct MIGRATIONS_DIR.",
                id="jetbase.W001",
                obj="JETBASE",
            )
            for directory in directories
            if not directory.is_dir()
        ]
    return messages
