"""What states, kinds, events and origins are called, in the user's language."""

import re
from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import display
from ..migration import EventType, Kind, MigrationState, Origin

STATES = {
    str(MigrationState.APPLIED): _("applied"),
    str(MigrationState.PENDING): _("pending"),
    str(MigrationState.FAILED): _("failed"),
    str(MigrationState.CHANGED): _("changed"),
    str(MigrationState.MISSING): _("missing"),
    str(MigrationState.IGNORED): _("ignored"),
    str(MigrationState.INCOMPLETE): _("incomplete"),
}
KINDS = {
    str(Kind.VERSIONED): _("versioned"),
    str(Kind.RUNS_ON_CHANGE): _("runs on change"),
    str(Kind.RUNS_ALWAYS): _("runs always"),
}
EVENTS = {
    str(EventType.STARTED): _("started"),
    str(EventType.APPLIED): _("applied"),
    str(EventType.FAILED): _("failed"),
    str(EventType.ROLLED_BACK): _("rolled back"),
    str(EventType.RESOLVED): _("resolved"),
    str(EventType.BASELINE): _("baseline"),
    str(EventType.IMPORTED): _("imported"),
    str(EventType.ACCEPTED): _("checksum fixed"),
    str(EventType.FORGOTTEN): _("forgotten"),
    str(EventType.RENAMED): _("renamed"),
}
ORIGINS = {
    str(Origin.RUN): _("was run"),
    str(Origin.FAKE): _("recorded with --fake, not run"),
    str(Origin.BASELINE): _("baseline, not run"),
    str(Origin.IMPORT): _("imported from another tool"),
    str(Origin.DJANGO): _("Django's migration had done it"),
}


def badge(state: str) -> str:
    """The name of a state, marked as such."""
    return format_html('<span class="jetbase-state jetbase-{}">{}</span>', state, STATES[state])


def breakable(name: str) -> str:
    """The name of a file, which may go on in another line where its words end."""
    parts = re.split(r"(?<=[_/])(?=[^_/])", name)
    return format_html("<bdi>{}</bdi>", format_html_join(mark_safe("<wbr>"), "{}", zip(parts)))


def instant(at: datetime, *, short: bool = False) -> str:
    """A point in time, in the project's time zone and format."""
    name = "SHORT_DATETIME_FORMAT" if short else "DATETIME_FORMAT"
    return date_format(display.local(at), name)


def duration(milliseconds: int) -> str:
    """In milliseconds where they are less than a second."""
    if milliseconds < 1000:
        return gettext("%s ms") % milliseconds
    return gettext("%s s") % number_format(milliseconds / 1000, 2)


def user(database_user: str, host: str) -> str:
    """Who ran something, and from where."""
    return f"{database_user}@{host}".strip("@")
