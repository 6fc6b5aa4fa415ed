from typing import ClassVar

from ..base.features import Features


class MySQLFeatures(Features):
    asks_inside: ClassVar[bool] = True
    counts_unchanged_rows: ClassVar[bool] = False  # but where the driver was told to
    has_timeouts: ClassVar[bool] = True
