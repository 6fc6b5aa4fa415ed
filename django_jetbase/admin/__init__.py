"""The history in Django's admin: what there is in every database, and nothing to change.

An admin site that is not the default one registers the two classes itself:
`site.register(AppliedMigration, MigrationAdmin)` and `site.register(Event, EventAdmin)`.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from ..migrator import Migrator
from ..models import AppliedMigration, Event
from . import labels
from .filters import (
    DatabaseFilter,
    EventFilter,
    KindFilter,
    OneDatabaseFilter,
    StateFilter,
    aliases,
)
from .lists import EventList, Listing, MigrationList, Row, failure, object_id, parsed_object_id
from .overview import harmless
from .page import LONGEST_READ, Page

_VIEWS = ("changelist", "change")

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class HistoryAdmin(ModelAdmin):
    """Shows, to those who may view, and changes nothing whatever the permissions."""

    actions = None
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 100
    listing: type[Listing]

    class Media:
        css = {"all": ["django_jetbase/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        codename = get_permission_codename("view", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Nothing: the lists read what they show by themselves, from where it is."""
        return super().get_queryset(request).none()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return self.listing

    def get_urls(self) -> list[URLPattern]:
        """Only what shows something; a database that is down must not keep a view from starting."""
        urls = [
            url for url in super().get_urls() if url.name and url.name.rpartition("_")[2] in _VIEWS
        ]
        for url in urls:
            url.callback = require_safe(url.callback)
            for alias in connections:
                transaction.non_atomic_requests(using=alias)(url.callback)
        return urls

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": capfirst(str(self.opts.verbose_name_plural)), **(extra_context or {})}
        return super().changelist_view(request, context)


@admin.register(AppliedMigration)
class MigrationAdmin(HistoryAdmin):
    """Every migration of every database: from the files and the history."""

    listing = MigrationList
    list_display = ["migration", "state_of", "kind_of", "database_of", "took", "when"]
    list_filter = [StateFilter, KindFilter, DatabaseFilter]
    search_fields = ["path"]
    search_help_text = _("Part of the name.")
    change_form_template = "admin/django_jetbase/appliedmigration/page.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        several = len(aliases()) > 1
        return [name for name in self.list_display if name != "database_of" or several]

    @admin.display(description=_("migration"))
    def migration(self, row: Row) -> str:
        return labels.breakable(row.entry.subject.label)

    @admin.display(description=_("state"))
    def state_of(self, row: Row) -> str:
        return labels.badge(row.state)

    @admin.display(description=_("kind"))
    def kind_of(self, row: Row) -> str:
        return str(labels.KINDS[row.kind])

    @admin.display(description=_("database"))
    def database_of(self, row: Row) -> str:
        return row.database

    @admin.display(description=_("applied at"))
    def when(self, row: Row) -> str | None:
        applied = row.entry.applied
        return labels.instant(applied.applied_at, short=True) if applied else None

    @admin.display(description=_("duration"))
    def took(self, row: Row) -> str | None:
        if not row.entry.applied:
            return None
        text = labels.duration(row.duration)
        if not row.longest:
            return text
        bar = '<meter min="0" max="{}" value="{}" aria-hidden="true"></meter> {}'
        return format_html(bar, row.longest, row.duration, text)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one migration."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        alias, key, path = parsed_object_id(unquote(object_id)) or ("", "", "")
        try:
            page = self._page(alias, key, path, request.GET.get("view", "")) if alias else None
        except Exception as error:  # whatever a driver makes of wrong settings
            return self._instead(request, messages.ERROR, failure(alias, error))
        if page is None:
            said = gettext("There is no migration “%(name)s”.") % {"name": unquote(object_id)}
            return self._instead(request, messages.WARNING, said)
        form: Any = Form()
        context = {
            **self.admin_site.each_context(request),
            "title": page.detail.label,
            "original": page.detail.label,
            "object_id": object_id,
            "media": self.media,
            "page": page,
            "sees_events": self._sees_events(request),
            # A form without a field: templates of other looks ask for all that a form has.
            "adminform": AdminForm(form, [], {}),
            "inline_admin_formsets": [],
            "errors": [],
            "is_popup": False,
            **(extra_context or {}),
        }
        return self.render_change_form(request, context, change=True)

    def _sees_events(self, request: HttpRequest) -> bool:
        site = self.admin_site
        return site.is_registered(Event) and site.get_model_admin(Event).has_view_permission(
            request
        )

    def _page(self, alias: str, key: str, path: str, view: str) -> Page | None:
        with harmless(alias):
            migrator = Migrator(alias)
            detail = migrator.detail(key, path, longest=LONGEST_READ)
            return Page(alias, detail, migrator.database.backend.lexicon, view) if detail else None

    def _instead(self, request: HttpRequest, level: int, said: str) -> HttpResponse:
        messages.add_message(request, level, said)
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return HttpResponseRedirect(reverse(name))


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    """The log of one database, newest first."""

    listing = EventList
    list_display = ["happened", "event_of", "migration", "detail_of", "took"]
    list_display_links = None
    list_filter = [OneDatabaseFilter, EventFilter, KindFilter]
    search_fields = ["path"]
    search_help_text = _("Part of the name.")

    def get_urls(self) -> list[URLPattern]:
        return [url for url in super().get_urls() if url.name and url.name.endswith("_changelist")]

    @admin.display(description=_("at, by"))
    def happened(self, event: Event) -> str:
        """And by whom."""
        at = labels.instant(event.at, short=True)
        return format_html("{}<br>{}", at, labels.user(event.database_user, event.host))

    @admin.display(description=_("event"))
    def event_of(self, event: Event) -> str:
        return str(labels.EVENTS.get(event.event, event.event))

    @admin.display(description=_("migration"))
    def migration(self, event: Any) -> str:
        label = labels.breakable(event.path or f"baseline {event.version}")
        site = self.admin_site
        if not (event.has_link and site.is_registered(AppliedMigration)):
            return label
        name = f"{site.name}:{self.opts.app_label}_appliedmigration_change"
        url = reverse(name, args=[quote(object_id(str(event._state.db), event.key))])
        return format_html('<a href="{}">{}</a>', url, label)

    @admin.display(description=_("duration"))
    def took(self, event: Event) -> str:
        return labels.duration(event.duration_ms)

    @admin.display(description=_("detail"))
    def detail_of(self, event: Event) -> str:
        return format_html('<div class="jetbase-detail">{}</div>', event.detail)
