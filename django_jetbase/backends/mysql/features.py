from typing import ClassVar

from ..base.features import Features


class MySQLFeatures(Features):
    asks_inside: ClassVar[bool] = True
    counts_unchanged_rows: ClassVar[bool] = False  # but where the driver was told to
    # Whatever the database has by default: all characters, each another one, and transactions.
    table_options: ClassVar[str] = " ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    has_timeouts: ClassVar[bool] = True
