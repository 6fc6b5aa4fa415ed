from typing import ClassVar

from ..base.features import Features


class MySQLFeatures(Features):
    asks_inside: ClassVar[bool] = True
    has_timeouts: ClassVar[bool] = True
