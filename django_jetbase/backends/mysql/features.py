from typing import ClassVar

from ..base.features import Features


class MySQLFeatures(Features):
    asks_inside: ClassVar[bool] = True
    # Whatever the database has by default: all characters, each another one, and transactions.
    table_options: ClassVar[str] = " ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    has_timeouts: ClassVar[bool] = True
