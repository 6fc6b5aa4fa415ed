"""What Django's own migrations forbid a file, by its directives `after` and `django`."""

from collections.abc import Iterator
from dataclasses import replace

from ..backends.base.introspection import DJANGO_MIGRATIONS, Introspection
from ..files.script import Section
from ..interop.django_applied import Dependencies
from ..migration import Direction
from ..problems import Problem, Rule
from ..sql.scanner import Statement
from .plan import Step


def too_early(step: Step, given: Section, dependencies: Dependencies) -> Iterator[Problem]:
    """Which of Django's migrations a file must run after that are not applied yet."""
    if step.direction is Direction.ROLLBACK:
        return
    for named in given.directives.after:
        if dependencies.is_applied(named):
            continue
        if dependencies.is_known(named):
            said = f"must run after Django's {named}, which is not applied"
            hint = f"run migrate {named.replace('.', ' ', 1)} first"
        else:
            said = f"must run after Django's {named}, which there is not"
            hint = "correct the app and the name, or take the directive out"
        place = given.place(given.places["after"])
        waits = dependencies.is_known(named)
        yield Problem(Rule.CANNOT_RUN, step.path, said, hint, *place, waits=waits)


def without_record(section: Section) -> Section:
    """The section without what it writes into the record of Django."""
    kept = [one for one in section.statements if not _records(one)]
    return replace(section, statements=tuple(kept))


def _records(statement: Statement) -> bool:
    return statement.keyword in ("INSERT", "DELETE") and DJANGO_MIGRATIONS in statement.text


def unrecordable(
    step: Step,
    given: Section,
    section: Section,
    dependencies: Dependencies,
    tables: Introspection,
) -> Iterator[Problem]:
    """Why a file that one of Django's own migrations became cannot record it, or forget it.

    `given` has the directives, and `section` is what runs.
    """
    named = given.directives.django
    if named is None or not any(DJANGO_MIGRATIONS in one.text for one in section.statements):
        return
    if not tables.has_table(DJANGO_MIGRATIONS):
        said = f"writes to {DJANGO_MIGRATIONS}, the record of Django, which is not there yet"
        yield Problem(Rule.CANNOT_RUN, step.path, said, "run migrate first", waits=True)
    elif step.direction is Direction.ROLLBACK:
        if depending := dependencies.depending(named):
            said = f"is Django's {named}, on which {', '.join(depending)} depends, still applied"
            hint = f"run migrate {named.replace('.', ' ')} first"
            yield Problem(Rule.CANNOT_RUN, step.path, said, hint)
    elif lacking := dependencies.lacking(named):
        said = f"is Django's {named}, which depends on {', '.join(lacking)}, not applied yet"
        hint = (
            f"run migrate {lacking[0].replace('.', ' ')} first, with --fake where what it makes"
            " is there, or write a file for it too"
        )
        yield Problem(Rule.CANNOT_RUN, step.path, said, hint, waits=True)
