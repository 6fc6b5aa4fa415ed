"""On MariaDB and MySQL a statement may commit what was open, and a rollback not take back all."""

from ..base.steps import SectionRun, Steps
from ..base.values import StatementFailed
from .backend import MySQLBackend
from .operations import MySQLOperations


class MySQLSteps(Steps):
    backend: MySQLBackend
    operations: MySQLOperations

    def run(self, run: SectionRun) -> None:
        self.operations.follow(run.progress)
        try:
            super().run(run)
        except StatementFailed as failure:
            partial = failure.effect.partial or self.backend.outlived
            raise failure.having(partial=partial) from failure.__cause__
