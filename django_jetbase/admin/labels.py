"""What states, kinds, events and origins are called, in the user's language."""

import re
from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import display
from ..history.history import STARTED
from ..history.recorder import (
    ACCEPTED,
    APPLIED,
    BASELINE,
    FAILED,
    FORGOTTEN,
    IMPORTED,
    RESOLVED,
    ROLLED_BACK,
)
from ..migration import Kind, Origin

STATES = {
    "applied": _("applied"),
    "pending": _("pending"),
    "changed": _("changed"),
    "missing": _("missing"),
    "ignored": _("ignored"),
    "incomplete": _("incomplete"),
}
KINDS = {
    str(Kind.VERSIONED): _("versioned"),
    str(Kind.RUNS_ON_CHANGE): _("runs on change"),
    str(Kind.RUNS_ALWAYS): _("runs always"),
}
EVENTS = {
    STARTED: _("started"),
    APPLIED: _("applied"),
    FAILED: _("failed"),
    ROLLED_BACK: _("rolled back"),
    RESOLVED: _("resolved"),
    BASELINE: _("baseline"),
    IMPORTED: _("imported"),
    ACCEPTED: _("checksum fixed"),
    FORGOTTEN: _("forgotten"),
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
