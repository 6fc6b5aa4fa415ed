"""Characters that do not reach a database."""

import re
from typing import NamedTuple

_BEYOND_THREE_BYTES = re.compile(r"[\U00010000-\U0010ffff]")


class CharacterSet(NamedTuple):
    """One that text goes through, by Python's name of it.

    `is_kept` if it is that of the database, and not of the connection; with `three_bytes` it is
    what MySQL calls utf8.
    """

    encoding: str
    is_kept: bool = False
    three_bytes: bool = False

    def first_lacking(self, text: str) -> int | None:
        """The place of the first character that it does not have."""
        if self.three_bytes:
            found = _BEYOND_THREE_BYTES.search(text)
            return found.start() if found else None
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError as error:
            return error.start
        return None

    def with_escapes(self, text: str) -> str:
        """The text with escapes for what it does not have."""
        if self.three_bytes:
            return _BEYOND_THREE_BYTES.sub(lambda match: f"\\U{ord(match[0]):08x}", text)
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    @property
    def remedy(self) -> str:
        if self.is_kept:
            return "write it with an escape, or move to a database whose encoding has all, as UTF8"
        return "let the OPTIONS of the alias name a character set that has all, as utf8mb4"

    def lacks(self, character: str) -> str:
        """The sentence about a character that it does not have."""
        who = "the database keeps" if self.is_kept else "the connection sends"
        name = "utf8mb3" if self.three_bytes else self.encoding
        return f"{who} text in {name}, which has no {character!r} (U+{ord(character):04X})"
