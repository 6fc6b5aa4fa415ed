from typing import ClassVar

from .backend import Part


class Features(Part):
    """What a database can, or is like."""

    # Whether the write transaction of a file is the lock.
    transaction_is_lock: ClassVar[bool] = False
    # Whether the lock can be looked at in a transaction of a file's own, and is kept by that.
    asks_inside: ClassVar[bool] = False
    keeps_types: ClassVar[bool] = True  # so that a column holds nothing but what it is for
    # What stands behind the columns of the history's tables where they are made.
    table_options: ClassVar[str] = ""
    has_schemas: ClassVar[bool] = False  # in which the history may be
    grants_on_several: ClassVar[bool] = False  # tables in one GRANT
    # Whether a flush must be told to empty tables of other schemas that refer to those it empties.
    flush_cascades: ClassVar[bool] = False
    # What directives need, which hold for nothing on a database without it.
    has_timeouts: ClassVar[bool] = False
    has_roles: ClassVar[bool] = False
    switches_foreign_keys: ClassVar[bool] = False

    @property
    def rolls_back_ddl(self) -> bool:
        """Whether a transaction takes back what changed the schema."""
        return bool(self.connection.features.can_rollback_ddl)
