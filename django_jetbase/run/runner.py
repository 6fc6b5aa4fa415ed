"""The steps of a plan in an order that works, until everything is as the files say."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from ..database import Database
from ..exceptions import JetbaseError
from ..migration import Kind, Migration
from ..plan.makers import makers_of
from ..plan.preparation import Planned, Preparation, Prepared
from .announcement import Announcement
from .done import Done
from .executor import Executor
from .task import OvertakenError, PostponedError

_MOST_ROUNDS = 3  # in which a run makes anew what it has taken away


class Runner:
    """Takes steps while the lock is held, and tells of each; `done` are those taken so far.

    `prepare` makes the plan as things are now. With `makes_anew` what repeatable files have made,
    and other steps take away, comes back.
    """

    def __init__(
        self,
        database: Database,
        preparation: Preparation,
        prepare: Callable[[], Prepared],
        files: Sequence[Migration],
        *,
        report: Callable[[Done], None],
        sender: Any,
        makes_anew: bool,
    ) -> None:
        """`sender` is that of the signals."""
        self.database = database
        self.history = database.history
        self.preparation = preparation
        self.prepare = prepare
        self.executor = Executor(database, partial(makers_of, migrations=files))
        self.report = report
        self.sender = sender
        self.looks = makes_anew and any(file.kind is Kind.RUNS_ON_CHANGE for file in files)
        self.makes_anew = False  # nor while versioned files stay pending
        self.done: list[Done] = []

    def run(self) -> Prepared:
        """Plan, and take the steps, until no other process overtakes the plan."""
        while True:
            prepared = self.prepare()
            self.makes_anew = self.looks and not prepared.left
            if self._take(prepared.planned):
                break
        for _round in range(_MOST_ROUNDS):  # since files may do that to each other, for ever
            if not (lost := self._taken_away()):
                break
            self._take(lost)
        if self.looks and (unmade := self.history.unmade()):
            names = ", ".join(name for names in unmade.values() for name in names)
            self.database.backend.notice(f"{names}: not there as a ROC file made it.")
        return prepared

    def _take(self, planned: Iterable[Planned]) -> bool:
        """Take the steps; False where another process overtook the plan."""
        try:
            for kind, items in groupby(planned, key=lambda item: item.step.subject.kind):
                if kind is Kind.VERSIONED:
                    self._take_all(items)
                else:
                    self._take_in_some_order(items)
        except OvertakenError:
            return False
        except JetbaseError as error:
            error.done = tuple(self.done)
            raise
        return True

    def _take_all(self, items: Iterable[Planned]) -> None:
        for item in items:
            self._finish(self._take_one(item))

    def _take_in_some_order(self, items: Iterable[Planned]) -> None:
        """One for which something is missing comes again behind the others, which may make it.

        Among them those of which this run has taken away what they made.
        """
        queue = list(items)
        while queue:
            alone = len(queue) == 1
            waiting = [self._again(item) for item in queue if not self._took(item, alone=alone)]
            if len(waiting) == len(queue):  # nothing moves
                others = self._taken_away({item.step.path for item in queue})
                if not others:  # this one fails now
                    self._take_all(waiting[:1])
                    del waiting[0]
                waiting = [*others, *waiting]
            queue = waiting

    def _took(self, item: Planned, *, alone: bool) -> bool:
        """Take a step; False where something is missing for it, which others may make."""
        try:
            done = self._take_one(item, may_wait=not alone or self._lacks_others(item))
        except PostponedError as error:
            if not alone:
                said = str(error).splitlines()[0]
                self.database.backend.notice(f"{item.step.path}: {said}; it waits for others.")
            return False
        self._finish(done)
        return True

    def _lacks_others(self, item: Planned) -> bool:
        """Whether other files must make anew what may be what this one misses."""
        unmade = self.history.unmade() if self.makes_anew else ()
        return any(key != item.step.subject.key for key in unmade)

    def _taken_away(self, known: Collection[str] = ()) -> list[Planned]:
        """The repeatable files that are due since this run has taken away what they made.

        Without those of the paths that are `known`.
        """
        unmade = self.history.unmade() if self.makes_anew else {}
        planned = self.prepare().planned if unmade else ()
        found = [item for item in planned if item.step.subject.key in unmade]
        lost = [item for item in found if item.step.path not in known]
        for item in lost:
            names = ", ".join(unmade[item.step.subject.key])
            self.database.backend.notice(f"{item.step.path} runs again: {names} is gone.")
        return lost

    def _again(self, item: Planned) -> Planned:
        """The same step as things now are: where it is no transaction, some of it may be there."""
        row = self.history.row(item.step.subject.key)
        return replace(item, step=replace(item.step, applied=row))

    def _take_one(self, item: Planned, *, may_wait: bool = False) -> Done:
        """Take one step, and tell its receivers."""
        recorded = self.preparation.recorded(item.step)
        announcement = Announcement(self.sender, self.database.alias, item.step)
        if item.section is None:
            done = self.executor.record(item.step, recorded, item.origin)
        else:
            with announcement.running():
                done = self.executor.run(item.step, recorded, item.section, may_wait=may_wait)
        announcement.done(done)
        return done

    def _finish(self, done: Done) -> None:
        self.done.append(done)
        self.report(done)
