"""The lists behind Django's own pages: the migrations of all databases, the events of one."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import InvalidPage
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext as _

from ..exceptions import SettingsError
from ..migrator import Migrator
from ..models import AppliedMigration, Event
from ..plan.state import Entry
from .filters import aliases
from .overview import Overview, harmless, overview_of_all, said_by


@dataclass(frozen=True)
class Row:
    """A migration of one database, with what Django's templates ask of an object.

    `id` identifies it in the address of its page; `longest` is the longest duration of all, in
    milliseconds. The properties are also what the filters compare, by their parameters' names.
    """

    id: str
    database: str
    entry: Entry
    longest: int = 0

    _meta: ClassVar = AppliedMigration._meta

    @property
    def state(self) -> str:
        return self.entry.state

    @property
    def kind(self) -> str:
        return str(self.entry.subject.kind)

    @property
    def duration(self) -> int:
        """In milliseconds; 0 where it did not run."""
        return self.entry.applied.duration_ms if self.entry.applied else 0

    def serializable_value(self, field_name: str) -> Any:
        return getattr(self, field_name)

    def has(self, words: list[str]) -> bool:
        """Whether each word stands in its name, or in that under which it was applied."""
        found = [found for found in (self.entry.migration, self.entry.applied) if found]
        name = " ".join(f"{one.label} {one.description}" for one in found).lower()
        return all(word.lower() in name for word in words)


class Rows(list[Row]):
    """Rows that filters narrow down as they do a queryset."""

    @classmethod
    def of(cls, overview: Overview) -> Self:
        """Two files of one version have a page each."""
        numbers = Counter(entry.subject.key for entry in overview.entries)
        return cls(
            Row(object_id(overview.alias, key, path if numbers[key] > 1 else ""), overview.alias, e)
            for e in overview.entries
            for key, path in [(e.subject.key, e.subject.path)]
        )

    def filter(self, **values: str) -> "Rows":
        return Rows(row for row in self if all(getattr(row, k) == v for k, v in values.items()))


class Listing(ChangeList):
    """A list whose rows are read at once, so that no later query can fail.

    It sets by itself what Django's own `get_queryset` and `get_results` leave for its templates.
    """

    fault = ""

    def filtered(self, request: HttpRequest, rows: Any) -> Any:
        """What the filters leave of rows or a queryset."""
        specs, self.has_filters, others, _duplicates, self.has_active_filters = self.get_filters(
            request
        )
        if others:
            raise IncorrectLookupParameters
        self.filter_specs = specs
        for spec in specs:
            rows = spec.queryset(request, rows)
        return rows

    @property
    def words(self) -> list[str]:
        """What is searched for; quotes hold words together."""
        bits = smart_split(self.query)
        return [unescape_string_literal(b) if b[0] == b[-1] in "\"'" else b for b in bits]

    def get_results(self, request: HttpRequest) -> None:
        paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.paginator = paginator
        self.result_count = paginator.count
        self.show_full_result_count = True
        self.full_result_count = self.result_count
        self.show_admin_actions = False
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        if self.multi_page and not (self.show_all and self.can_show_all):
            try:
                self.result_list = list(paginator.page(self.page_num).object_list)
            except InvalidPage as error:
                raise IncorrectLookupParameters from error
        else:
            self.result_list = list(self.queryset)


class MigrationList(Listing):
    """Every migration of every database, in the order in which they run."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        self.overviews: list[Overview] = []
        try:
            self.overviews = overview_of_all()
        except SettingsError as error:
            self.fault = said_by(error, DEFAULT_DB_ALIAS)
        self.rows = Rows(row for overview in self.overviews for row in Rows.of(overview))
        found = self.filtered(request, self.rows)
        return [row for row in found if row.has(self.words)]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = len(self.rows)
        longest = max((row.duration for row in self.queryset), default=0)
        self.result_list = [replace(row, longest=longest) for row in self.result_list]


class EventList(Listing):
    """What happened in one database, newest first."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """Of the database that the filters choose; where it has its log is yet to be asked."""
        alias = next(iter(aliases()), DEFAULT_DB_ALIAS)
        return self.filtered(request, Event.objects.using(alias))

    def _narrowed(self, request: HttpRequest, log: Any) -> Any:
        found = log.defer("text").order_by("-id")
        for spec in self.filter_specs:
            found = spec.queryset(request, found)
        for word in self.words:
            found = found.filter(Q(path__icontains=word) | Q(description__icontains=word))
        return found

    def get_results(self, request: HttpRequest) -> None:
        alias = self.queryset.db
        self.queryset = Event.objects.none()
        try:
            database = Migrator(alias).database
            with harmless(alias), database.reading():
                if database.history.exists():
                    self.queryset = self._narrowed(request, database.history.log)
                super().get_results(request)
        except IncorrectLookupParameters:
            raise
        except Exception as error:  # whatever a driver makes of wrong settings
            self.fault = failure(alias, error)
            self.queryset = Event.objects.none()
            super().get_results(request)
        may_look = request.user.has_perm("django_jetbase.view_appliedmigration")
        for event in self.result_list:
            event.has_link = may_look


def failure(alias: str, error: Exception) -> str:
    """Why a database cannot be read."""
    return _("Database “%(alias)s”: %(error)s") % {"alias": alias, "error": said_by(error, alias)}


def object_id(alias: str, key: str, path: str = "") -> str:
    """What identifies a migration in the addresses of the admin.

    A path tells two files of one version apart.
    """
    return "/".join(filter(None, [alias, key, path]))


def parsed_object_id(text: str) -> tuple[str, str, str] | None:
    """Alias, key, which has no slash, and path; None where no such alias has migrations."""
    for alias in aliases():
        if text.startswith(f"{alias}/"):
            key, _slash, path = text.removeprefix(f"{alias}/").partition("/")
            return alias, key, path
    return None
