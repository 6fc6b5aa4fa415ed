from typing import ClassVar

from ..base.features import Features


class PostgreSQLFeatures(Features):
    has_schemas: ClassVar[bool] = True
    grants_on_several: ClassVar[bool] = True
    flush_cascades: ClassVar[bool] = True
    has_timeouts: ClassVar[bool] = True
    has_roles: ClassVar[bool] = True
