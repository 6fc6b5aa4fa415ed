"""SQL as it may be shown: shortened, and without passwords."""

import re

# From the first quote behind the word to the last one: a literal may itself hold quoted SQL.
_SECRET = re.compile(
    r"(?P<word>\w*PASSWORD|\bIDENTIFIED\b)(?P<between>[^'\"$]*)(?P<literals>['\"$].*['\"$])",
    re.IGNORECASE | re.DOTALL,
)
_IN_CONNECTION = re.compile(r"(\bpassword\s*=\s*)[^\s'\"$;&]+", re.IGNORECASE)
_QUOTES = re.compile(r"['\"$]+")


def without_secrets(text: str, of: str = "") -> str:
    """The text without what is quoted behind PASSWORD and IDENTIFIED BY in it or in `of`."""
    if secret := _SECRET.search(of):
        for piece in _QUOTES.split(secret["literals"]):
            if piece.strip():
                text = text.replace(piece, "***")
    text = _SECRET.sub(r"\g<word>\g<between>'***'", text)
    return _IN_CONNECTION.sub(r"\g<1>***", text)


def shortened(text: str, length: int) -> str:
    """At most so many characters of the text, and a sign that there are more."""
    return text if len(text) <= length else f"{text[:length]} …"
