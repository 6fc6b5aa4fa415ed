"""Patterns with atomic groups, for the Pythons that misread possessive ones, match the same."""

import re

import pytest

from django_jetbase.backends import lexicon_of
from django_jetbase.files.script import parse
from django_jetbase.sql.regex import MISREADS_POSSESSIVE, with_atomic_groups

NAMES = ["gap", "statement", "code", "body_code"]
TEXTS = [
    " /* a */ -- b\n-- rollback\nDROP TABLE t;",
    "-- rollback\nSELECT 1",
    "SELECT 'a''b' || \"c\"\"d\" /* ; ** */ , `e``f` -- ;\n; SELECT 2",
    "CREATE FUNCTION f() AS $$ a; b $$; x",
    "/* never ends ' \" ;",
    "",
]


def test_a_file_is_read_right_by_this_python() -> None:
    script = parse("V1__a.sql", "SELECT 1;\n-- rollback\nSELECT 2;", lexicon_of("sqlite"))
    assert len(script.upgrade.statements) == 1
    assert script.rollback is not None


@pytest.mark.parametrize(
    ("pattern", "atomic"),
    [
        (r"(?:a|b)*+c", r"(?>(?:a|b)*)c"),
        (r"(?:a(?:b)?+)++", r"(?>(?:a(?>(?:b)?))+)"),
        (r"[(]*+\)*+[\])]++(x)", r"[(]*+\)*+[\])]++(x)"),
        (r"(?P<n>a)?+(?=b)", r"(?>(?P<n>a)?)(?=b)"),
    ],
)
def test_the_pattern_that_is_made(pattern: str, atomic: str) -> None:
    assert with_atomic_groups(pattern) == atomic
    assert with_atomic_groups(atomic) == atomic


@pytest.mark.skipif(MISREADS_POSSESSIVE, reason="this Python has nothing to compare with")
@pytest.mark.parametrize("vendor", ["sqlite", "postgresql", "mysql", "ansi"])
@pytest.mark.parametrize("name", NAMES)
def test_it_matches_the_same(vendor: str, name: str) -> None:
    pattern = getattr(lexicon_of(vendor), name, None)
    if pattern is None:
        pytest.fail(f"{vendor} has no pattern {name}")
    atomic = re.compile(with_atomic_groups(pattern.pattern), pattern.flags)
    for text in TEXTS:
        for at in range(len(text) + 1):
            one, other = pattern.match(text, at), atomic.match(text, at)
            assert (one and one.regs) == (other and other.regs), (text, at)
