"""On MariaDB and MySQL a statement may commit what was open, and a rollback not take back all."""

from ...files.script import Section
from ..base.steps import Retrying, Steps
from ..base.values import Progress, StatementFailed
from .backend import MySQLBackend
from .operations import MySQLOperations


class MySQLSteps(Steps):
    backend: MySQLBackend
    operations: MySQLOperations

    def run(self, section: Section, progress: Progress, retry: Retrying) -> None:
        self.operations.follow(progress)
        try:
            super().run(section, progress, retry)
        except StatementFailed as failure:
            partial = failure.effect.partial or self.backend.outlived
            raise failure.having(partial=partial) from failure.__cause__
