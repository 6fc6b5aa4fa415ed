"""What the lists are filtered by: rows of several databases, or the events of one."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..conf import aliases_in_use
from ..exceptions import SettingsError
from .labels import EVENTS, KINDS, STATES


def aliases() -> list[str]:
    """The databases that have migrations; none where the settings are wrong."""
    try:
        return aliases_in_use()
    except SettingsError:
        return []


class Choices(SimpleListFilter):
    """One of several values with their labels."""

    offered: ClassVar[Mapping[str, Any]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(self.offered.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows, or the queryset, that fit."""
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(**{str(self.parameter_name): value})


class StateFilter(Choices):
    title = _("state")
    parameter_name = "state"
    offered = STATES


class KindFilter(Choices):
    title = _("kind")
    parameter_name = "kind"
    offered = KINDS


class EventFilter(Choices):
    title = _("event")
    parameter_name = "event"
    offered = EVENTS


class DatabaseFilter(Choices):
    title = _("database")
    parameter_name = "database"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(alias, alias) for alias in aliases()]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1


class OneDatabaseFilter(DatabaseFilter):
    """Always one of them, at first the default alias."""

    def value(self) -> str | None:
        first = self.lookup_choices[0][0] if self.lookup_choices else None
        asked = super().value()
        return asked if asked in dict(self.lookup_choices) else first

    def choices(self, changelist: Any) -> Iterator[Any]:
        for alias, label in self.lookup_choices:
            yield {
                "selected": self.value() == alias,
                "query_string": changelist.get_query_string({self.parameter_name: alias}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.using(self.value()) if self.value() else queryset
