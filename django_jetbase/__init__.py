"""Plain-SQL database migrations for Django.

`upgrade`, `rollback` and `status` need Django to be set up; `split` does not.
"""

from .api import rollback, split, status, upgrade
from .exceptions import JetbaseError
from .scanner import Statement
from .version import __version__

__all__ = ["JetbaseError", "Statement", "__version__", "rollback", "split", "status", "upgrade"]
