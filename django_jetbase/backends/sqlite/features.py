from typing import ClassVar

from ..base.features import Features


class SQLiteFeatures(Features):
    transaction_is_lock: ClassVar[bool] = True
    asks_inside: ClassVar[bool] = True
    keeps_types: ClassVar[bool] = False
    has_timeouts: ClassVar[bool] = True
    switches_foreign_keys: ClassVar[bool] = True
