"""Plain-SQL database migrations for Django.

`upgrade`, `rollback`, `status` and `is_at_least` need Django to be set up; `split` does not.
"""

from .api import is_at_least, rollback, split, status, upgrade
from .exceptions import JetbaseError
from .scanner import Statement
from .version import __version__

__all__ = [
    "JetbaseError",
    "Statement",
    "__version__",
    "is_at_least",
    "rollback",
    "split",
    "status",
    "upgrade",
]
