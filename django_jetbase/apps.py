from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.db import router

TAG = "jetbase"  # for `check --tag`


class HistoryRouter:
    """Keeps `migrate`, `dumpdata`, `loaddata` and `flush` away from the history."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "django_jetbase" else None


class JetbaseConfig(AppConfig):
    name = "django_jetbase"
    verbose_name = "Jetbase"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import receivers
        from .checks import check_database, check_files, check_settings

        checks.register(check_settings, TAG)
        checks.register(check_files, TAG)
        checks.register(check_database, checks.Tags.database)
        router.routers.insert(0, HistoryRouter())
        receivers.connect(list(apps.get_app_configs()))
