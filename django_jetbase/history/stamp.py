"""When, by whom and from where something is recorded."""

import getpass
import platform
from datetime import UTC, datetime

from django.db.backends.base.base import BaseDatabaseWrapper

from ..models import utc_text


def stamp(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Who acts over this connection now: `at`, `database_user` and `host`."""
    return {
        "at": utc_text(datetime.now(UTC)),
        "database_user": connection.settings_dict["USER"] or _system_user(),
        "host": platform.node(),
    }


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a process whose user has no name
        return ""
