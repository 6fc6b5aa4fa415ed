"""What SQLite says without the contents of rows; it has no codes for these."""

import re

from ...sql.regex import compiled
from ..base.errors import SHOWN

_OF_SQLITE = compiled(
    r"\A(Could not decode to UTF-8 column '.*?' with text '|malformed MATCH expression: \["
    r"|fts5: syntax error near \"|(?:JSON path error near|bad JSON path:) ['\"]).*(['\"\]])\Z",
    re.DOTALL,
)


def without_rows(message: str) -> str:
    return _OF_SQLITE.sub(rf"\g<1>{SHOWN}\g<2>", message)
