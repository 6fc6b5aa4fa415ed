"""What holds for every text: nothing is lost, pieces stay pieces, and the time is linear."""

import random
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_jetbase import split
from django_jetbase.sql.scanner import Marker, scan

from ..growth import FACTOR, assert_linear
from .test_scanner import LEXICONS, VENDORS

PIECES = r"""
; ;; ' " ` [ ] ( ) $$ $a$ $1 -- # /* */ /*! /*+ */; \ \. \N E' U&' '' \' , . : @ ~ // | 1 é SELECT a
COPY FROM STDIN FUNCTION PROCEDURE TRIGGER EVENT RULE CREATE OR REPLACE BEGIN ATOMIC NOT END CASE
WHEN THEN IF ELSE LOOP DO REPEAT UNTIL DECLARE HANDLER FOR EACH ROW SET DELIMITER EXPLAIN RETURNS
f() sql_mode='ANSI' rollback
""".split()
BLANKS = [" ", "\n", "\r\n", "\t", "\n-- rollback\n", "\n\\.\n", ";\n", "\0", "\xa0", "\ufeff"]
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES + BLANKS + [" "] * 20)).map("".join),
    st.lists(st.sampled_from(PIECES)).map(" ".join),
    st.text(),
)
SIMPLE = st.lists(
    st.sampled_from(["SELECT 1", "a 'b;'", '"c;" d', "(e)", "f -- ;\n", "g /* ; */ h", "i-j/k"])
)


@settings(max_examples=400)
@given(st.sampled_from(VENDORS), TEXTS)
def test_nothing_is_lost(vendor, text):
    pos = 0
    for item in scan(text, LEXICONS[vendor]):
        assert pos <= item.start < item.end <= len(text)
        assert not list(split(text[pos : item.start], vendor)) or "DELIMITER" in text.upper()
        pos = item.end
        if not isinstance(item, Marker):
            assert item.text == text[item.start : item.end]
            before = text[: item.start]
            assert item.line == before.count("\n") + 1
            assert item.column == len(before) - (before.rfind("\n") + 1) + 1
            assert item.text.upper().startswith(item.keyword)


@settings(max_examples=400)
@given(st.sampled_from(VENDORS), TEXTS)
def test_pieces_split_again_give_themselves(vendor, text):
    text = text.replace("\ufeff", "")  # a byte order mark is one at the start of a text alone
    for item in split(text, vendor):
        # MySQL takes two dashes for a comment by what is around them.
        # So does SQLite's shell with a sharp.
        by_place = vendor == "mysql" and "--" in (item.text[:2], item.text[-2:])
        by_place |= vendor == "sqlite" and item.text[0] == "#"
        if not item.flaw and not by_place:
            assert [again.text for again in split(item.text, vendor)] == [item.text]
        if item.keyword in ("", "SET") or "DELIMITER" in text.upper():
            return  # what follows may be read by other rules


@given(st.sampled_from(VENDORS), SIMPLE)
def test_joined_statements_come_back(vendor, statements):
    joined = ";\n".join(statements)
    assert [item.text for item in split(joined, vendor)] == [text.strip() for text in statements]


@settings(max_examples=400)
@given(TEXTS.map(lambda text: text.replace("\0", "").replace("\ufeff", "")))
def test_sqlite_agrees_that_statements_are_complete(text):
    for item in split(text, "sqlite"):
        if item.flaw or not sqlite3.complete_statement(f"{item.text}\n;"):
            assert item.flaw or "/*" in item.text
            continue
        for end in [at for at, char in enumerate(item.text) if char == ";"]:
            assert not sqlite3.complete_statement(item.text[: end + 1])


@pytest.mark.parametrize("vendor", VENDORS)
def test_any_bytes(vendor):
    chance = random.Random(1)
    for _ in range(50):
        text = bytes(chance.randrange(128) for _ in range(400)).decode()
        pieces = [
            item.text for item in scan(text, LEXICONS[vendor]) if not isinstance(item, Marker)
        ]
        assert all(piece and piece in text for piece in pieces)


ADVERSARIES = r"""
$a$|$$ $|1$$|a$1$|/*|/* */|*/|/*!|'|''|"|`|[|((((|)|E'\|E'a'~|--|-- ~|-- rollback|-- rollback~|\
\N|\N~|BEGIN |BEGIN;|END;|END |;|; |CREATE FUNCTION |CREATE FUNCTION f(|CREATE /* |CREATE RULE (;
IF a THEN |CREATE TRIGGER t BEGIN ;|CREATE PROCEDURE p() BEGIN |CREATE PROCEDURE p() IF a |a: |a.
CASE |CASE WHEN a THEN |@|DECLARE CONTINUE HANDLER FOR a, |COPY t FROM STDIN;~|COPY t (|\N~COPY t (~
DELIMITER //~|DELIMITER |BEGIN ATOMIC |SET sql_mode |SET sql_mode=1;|source;|source~|.a~|~\.| |~
EXPLAIN |CREATE TEMP |SELECT 1;|x|é|1|#|\;|SELECT (1;
""".strip()
ADVERSARIES = [opener.replace("~", "\n") for opener in ADVERSARIES.replace("\n", "|").split("|")]


@pytest.mark.parametrize("opener", ADVERSARIES)
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("head", ["", "CREATE PROCEDURE p() BEGIN ", "CREATE TRIGGER t BEGIN; "])
def test_time_is_linear(vendor, opener, head):
    count = 2_000 // len(opener)
    short, long = (head + opener * (count * factor) for factor in (1, FACTOR))
    assert_linear(lambda text: list(scan(text, LEXICONS[vendor])), short, long)
