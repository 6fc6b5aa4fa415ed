"""What a database says when it refuses something: without the contents of rows, and the way out.

`***` stands for values; names stay. It goes by codes, since servers speak many languages. What a
script's own RAISE or SIGNAL says stays as it is.
"""

SHOWN = "***"
FULL = "There is no room left: make some, and run it again."
READ_ONLY = "The database takes no writes now: run this on its primary, or when it takes some."


def lacks(grant: str) -> str:
    """The sentence about a privilege that is lacking."""
    if not grant:
        return "A privilege is missing: have it granted, and run it again."
    return f"A privilege is missing; who has it to give runs: {grant};"
