"""The JSON documents that the commands print."""

from collections.abc import Iterable
from typing import Any

from ..history.history import Past
from ..history.lock import LockStatus
from ..history.recorded import Recorded
from ..migration import Applied, Migration
from ..plan.preparation import Planned
from ..plan.state import Entry
from ..problems import Problem
from ..results import Result, Status, Validation
from ..run.done import Done


def migration_document(subject: Migration | Applied | Recorded) -> dict[str, Any]:
    """What identifies a migration."""
    return {
        "kind": str(subject.kind),
        "version": str(subject.version) if subject.version else None,
        "description": subject.description,
        "path": subject.path,
    }


def problem_documents(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    documents = [problem._asdict() for problem in problems]
    return [{name: value for name, value in one.items() if name != "waits"} for one in documents]


def result_document(result: Result, dry_run: bool) -> dict[str, Any]:
    done = [done_document(done) for done in result.done]
    return {
        "dry_run": dry_run,
        "steps": done or [_planned_document(planned) for planned in result.planned],
        "left": [migration_document(migration) for migration in result.left],
        "problems": problem_documents(result.warnings),
        "error": None,
    }


def done_document(done: Done) -> dict[str, Any]:
    return migration_document(done.step.subject) | {
        "direction": str(done.step.direction),
        "origin": str(done.origin),
        "seconds": round(done.duration, 6),
    }


def _planned_document(planned: Planned) -> dict[str, Any]:
    statements: list[str] = []
    if section := planned.section:
        statements = [section.as_written(one, with_rows=True) for one in section.statements]
    return migration_document(planned.step.subject) | {
        "direction": str(planned.step.direction),
        "origin": str(planned.origin),
        "statements": statements,
    }


def failure_document(error: Exception, message: str, done: Iterable[Done]) -> dict[str, Any]:
    """What is printed instead of any other document: what failed, and what was done before."""
    facts = ("path", "line", "column", "version")
    return {
        "steps": [done_document(item) for item in done],
        "problems": problem_documents(getattr(error, "problems", ())),
        "error": {"message": message.strip()}
        | {name: getattr(error, name, None) for name in facts},
    }


def status_document(status: Status) -> dict[str, Any]:
    return {
        "current": str(status.current) if status.current else None,
        "migrations": [_entry_document(entry, status) for entry in status.entries],
        "problems": problem_documents(status.problems),
        "history": status.history._asdict(),
    }


def _entry_document(entry: Entry, status: Status) -> dict[str, Any]:
    row, failure = entry.applied, entry.failure
    return migration_document(entry.subject) | {
        "state": entry.state,
        "origin": row.origin if row else None,
        "applied_at": row.applied_at.isoformat() if row else None,
        "seconds": row.duration_ms / 1000 if row else None,
        "statements": row.statements if row else None,
        "database_user": row.database_user if row else None,
        "host": row.host if row else None,
        "only_recorded": entry.applied is None and entry.subject.path in status.only_recorded,
        "failure": {"at": failure.at.isoformat(), "message": failure.message} if failure else None,
    }


def event_document(event: Past) -> dict[str, Any]:
    return event._asdict() | {"at": event.at.isoformat(), "version": event.version or None}


def lock_document(status: LockStatus) -> dict[str, Any]:
    holder = status.holder
    if holder is None:
        return {"locked": False, "alive": None, "holder": None}
    shown = holder._asdict() | {"since": holder.since.isoformat(), "pid": holder.pid or None}
    hidden = ("token", "session_start", "beat")
    return {
        "locked": True,
        "alive": status.alive,
        "holder": {name: value for name, value in shown.items() if name not in hidden},
    }


def validation_document(validation: Validation) -> dict[str, Any]:
    return {
        "problems": problem_documents(validation.problems),
        "fixed": [migration_document(subject) for subject in validation.fixed],
    }
