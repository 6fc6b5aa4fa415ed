"""The page of one migration: its texts in several views, and what is known of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import display
from ..migration import Applied
from ..migrator import LAST_EVENTS
from ..plan.inspection import Texts
from ..results import Detail
from ..sql.lexicon import Lexicon
from . import labels

LONGEST_TEXT = 200_000  # characters that are shown of a text
LONGEST_READ = 2_000_000  # characters of a text of which any are shown
APPLIED, ON_DISK, DIFFERENCE, FORMATTED = "applied", "disk", "diff", "formatted"
VIEWS = {
    APPLIED: _("As applied"),
    ON_DISK: _("On disk"),
    DIFFERENCE: _("Difference"),
    FORMATTED: _("Formatted"),
}


@dataclass(frozen=True)
class Page:
    """What is shown of a migration; secrets are blanked in every text.

    `asked` is the view that the address names, if it names one.
    """

    alias: str
    detail: Detail
    lexicon: Lexicon
    asked: str = ""

    @property
    def facts(self) -> Iterator[tuple[Any, Any]]:
        """What each is called, and is."""
        entry = self.detail.entry
        state = labels.badge(entry.state) if entry else _("not applied, and without a file")
        yield _("state"), state
        yield _("database"), self.alias
        if entry is None:
            return
        yield _("kind"), labels.KINDS[str(entry.subject.kind)]
        if entry.subject.version:
            yield _("version"), entry.subject.version
        yield _("description"), entry.subject.description
        yield _("on disk"), entry.migration.file if entry.migration else _("no file")
        if entry.failure:
            yield _("last failed at"), labels.instant(entry.failure.at)
            yield (
                _("message"),
                format_html('<div class="jetbase-detail">{}</div>', entry.failure.message),
            )
        if entry.applied:
            if entry.migration and entry.migration.path != entry.applied.path:
                yield _("applied as"), entry.applied.label
            yield from self._facts_of(entry.applied)

    def _facts_of(self, row: Applied) -> Iterator[tuple[Any, Any]]:
        yield (
            _("begun at") if row.incomplete else _("applied at"),
            labels.instant(row.applied_at),
        )
        yield _("how"), labels.ORIGINS.get(row.origin, row.origin)
        yield _("duration"), labels.duration(row.duration_ms)
        counts = {"committed": row.committed, "all": row.statements}
        known = gettext("%(committed)s of %(all)s are known to be committed") % counts
        yield _("statements"), known if row.incomplete else row.statements
        yield _("by"), labels.user(row.database_user, row.host)
        if row.checksum:
            yield _("checksum"), row.checksum

    @cached_property
    def events(self) -> list[tuple[Any, ...]]:
        """When, what, how long, how many statements, by whom, and detail; newest first."""
        return [
            (
                labels.instant(event.at),
                labels.EVENTS.get(event.event, event.event),
                labels.duration(event.duration_ms),
                event.statements,
                labels.user(event.database_user, event.host),
                event.detail,
            )
            for event in reversed(self.detail.events)
        ]

    @property
    def has_more_events(self) -> bool:
        return len(self.detail.events) == LAST_EVENTS

    @property
    def is_repeatable(self) -> bool:
        return self.detail.entry is not None and not self.detail.entry.subject.version

    @property
    def lacks_text(self) -> bool:
        """Whether something was applied whose text the history does not have."""
        entry = self.detail.entry
        return entry is not None and entry.applied is not None and self._texts.applied is None

    @property
    def _texts(self) -> Texts:
        return self.detail.texts

    @cached_property
    def _applied(self) -> str | None:
        return self._shown(self._texts.applied)

    @cached_property
    def _on_disk(self) -> str | None:
        same = self._texts.on_disk == self._texts.applied
        return self._applied if same else self._shown(self._texts.on_disk)

    def _shown(self, text: str | None) -> str | None:
        """The whole text without its secrets."""
        if text is None or _is_too_long(text):
            return None if text is None else ""
        return display.shown(text, self.lexicon)

    @cached_property
    def rollback(self) -> str | None:
        """The end of the text that it belongs to: by itself it might be read by other rules."""
        section = self._texts.rollback
        if section is None:
            return "…" if self._texts.is_cut else None
        on_disk = (self._texts.on_disk or "").endswith(section)
        if _is_too_long(self._texts.on_disk if on_disk else self._texts.applied):
            return "…"
        lines = display.lines_of((self._on_disk if on_disk else self._applied) or "")
        count = len(display.lines_of(section)) - 1
        return _cut("\n".join(lines[len(lines) - count :] if count else []).strip("\n"))

    @property
    def differs(self) -> bool:
        """Whether the two texts are both known and not the same."""
        texts, entry = self._texts, self.detail.entry
        if texts.applied is None or texts.on_disk is None:
            return False
        if _is_too_long(texts.applied) and entry and entry.applied and entry.migration:
            return entry.applied.checksum != entry.migration.checksum
        return _lines(texts.applied) != _lines(texts.on_disk)

    @property
    def shows_file(self) -> bool:
        """Whether a view of one text shows that of the file."""
        return self.view == ON_DISK or self._texts.applied is None

    @cached_property
    def views(self) -> list[str]:
        """The views that there are, the first one to be shown first."""
        found = [DIFFERENCE] if self.differs else []
        found += [APPLIED] if self._texts.applied is not None else []
        if self._texts.on_disk is not None and (self.differs or not found):
            found.append(ON_DISK)
        return [*found, FORMATTED] if found else []

    @property
    def view(self) -> str:
        return self.asked if self.asked in self.views else next(iter(self.views), "")

    @property
    def tabs(self) -> list[tuple[str, Any]]:
        return [(view, VIEWS[view]) for view in self.views]

    @cached_property
    def text(self) -> str:
        """What the view shows, of one text."""
        return _cut((self._on_disk if self.shows_file else self._applied) or "")

    @property
    def is_too_long(self) -> bool:
        """Whether nothing of the text is shown."""
        return _is_too_long(self._texts.on_disk if self.shows_file else self._texts.applied)

    @property
    def lines(self) -> list[str]:
        return display.lines_of(self.text)

    @cached_property
    def formatted(self) -> str | None:
        """The text as sqlparse lays it out; None beyond its limits."""
        return display.formatted(self.text)

    @cached_property
    def difference(self) -> list[display.Line] | None:
        """The lines that differ; None where there are too many, empty where only secrets do."""
        if _is_too_long(self._texts.applied) or _is_too_long(self._texts.on_disk):
            return None
        try:
            return list(display.compared(self._applied or "", self._on_disk or ""))
        except ValueError:
            return None


def _is_too_long(text: str | None) -> bool:
    return text is not None and len(text) > LONGEST_READ


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\n…"


def _lines(text: str | None) -> list[str]:
    return display.lines_of((text or "").strip())
