"""Regular expressions that mean the same on every Python.

The first releases of Python 3.11 go on at a wrong place behind a possessive repetition of a group
(`(…)*+`) in which a look-ahead has failed. An atomic group does the same, at some cost.
"""

import re
from typing import Final

MISREADS_POSSESSIVE: Final = re.match(r"(?:(?!ab)\w)*+", "xab").end() != 1  # type: ignore[union-attr]
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(|\)[*+?]\+|.", re.DOTALL)


def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """The compiled pattern."""
    return re.compile(with_atomic_groups(pattern) if MISREADS_POSSESSIVE else pattern, flags)


def with_atomic_groups(pattern: str) -> str:
    """The pattern with `(?>(…)*)` for every `(…)*+`."""
    parts: list[str] = []
    opened: list[int] = []
    for atom in _ATOM.findall(pattern):
        if atom == "(":
            opened.append(len(parts))
        elif atom.startswith(")"):
            start = opened.pop()
            if atom != ")":
                parts[start] = f"(?>{parts[start]}"
                atom = f"{atom[:2]})"
        parts.append(atom)
    return "".join(parts)
