from dataclasses import dataclass

from ..migration import Direction, Origin
from ..plan.plan import Step

_VERBS = {Direction.UPGRADE: "Applied", Direction.ROLLBACK: "Rolled back"}
_WITHOUT_RUNNING = {
    Origin.FAKE: "recorded only",
    Origin.DJANGO: "recorded only: Django's migration had done it",
    Origin.RETIRED: "its file is gone",
    Origin.RENAMED: "its record goes with it",
}


@dataclass(frozen=True)
class Done:
    """A step that was taken. `duration` is in seconds; `by_other` if another process took it.

    With another origin than `run` it was recorded only.
    """

    step: Step
    duration: float
    statements: int
    origin: Origin = Origin.RUN
    by_other: bool = False

    def __str__(self) -> str:
        how = "by another process" if self.by_other else f"{self.duration:.2f} s"
        how = _WITHOUT_RUNNING.get(self.origin, how)
        label, before = self.step.subject.label, self.step.applied
        if self.step.renames and before:
            return f"Renamed {before.label} to {label} ({how})"
        verb = "Retired" if self.step.retires else _VERBS[self.step.direction]
        return f"{verb} {label} ({how})"
