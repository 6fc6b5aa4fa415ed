"""Split dump-like SQL, in MB/s for each dialect, and against `sqlparse.split` in the same run.

    python benchmarks/scanner.py [--runs 5] [--megabytes 8]

The text is made here and is always the same: a third single-row INSERTs, a third multi-row INSERTs
(COPY rows on PostgreSQL), a third tables, indexes and functions. The best of the runs counts.
"""

import argparse
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlparse

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django_jetbase import split

SLICE = 40_000  # characters; sqlparse gets no more than this, and its own speed is per MB too


def rows(number: int) -> Iterator[str]:
    for row in range(number, number + 100):
        yield f"({row}, {row * 7 % 1000}, 'open', 'It''s order {row}; see (#{row})', NULL, 12.50)"


def inserts(number: int) -> str:
    return "".join(f"INSERT INTO orders VALUES {row};\n" for row in rows(number))


def long_insert(number: int) -> str:
    return "INSERT INTO orders VALUES\n  " + ",\n  ".join(rows(number)) + ";\n"


def copied(number: int) -> str:
    lines = "".join(row.strip("()").replace(", ", "\t") + "\n" for row in rows(number))
    return f"COPY orders (id, customer, state, note, sent, price) FROM stdin;\n{lines}\\.\n\n"


def table(number: int) -> str:
    return textwrap.dedent(f"""\
        --
        -- Name: t{number}; Type: TABLE; Owner: -
        --

        DROP TABLE IF EXISTS t{number};
        CREATE TABLE t{number} (
            id bigint NOT NULL, -- the key
            name varchar(100) DEFAULT '' NOT NULL,
            price numeric(10, 2),
            CONSTRAINT positive{number} CHECK (price >= 0)
        );
        ALTER TABLE t{number} ADD CONSTRAINT t{number}_pkey PRIMARY KEY (id);
        CREATE INDEX t{number}_name ON t{number} (name);

        """)


def function(number: int) -> str:
    return textwrap.dedent(f"""\
        CREATE FUNCTION f{number}(a integer) RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN
          IF a > 0 THEN RETURN (SELECT count(*) FROM orders WHERE customer = a); END IF;
          RETURN 0; -- it's none
        END
        $$;

        """)


def procedure(number: int) -> str:
    return textwrap.dedent(f"""\
        CREATE FUNCTION f{number}(a int) RETURNS int READS SQL DATA
        BEGIN
          DECLARE n int DEFAULT 0;
          IF a > 0 THEN SELECT COUNT(*) INTO n FROM `orders` WHERE customer = a; END IF;
          RETURN n; -- it's the number
        END;

        """)


def trigger(number: int) -> str:
    return textwrap.dedent(f"""\
        CREATE TRIGGER x{number} AFTER INSERT ON t{number} BEGIN
          UPDATE orders SET state = CASE WHEN NEW.price > 0 THEN 'open' ELSE 'free' END;
          DELETE FROM orders WHERE note = 'it''s over';
        END;

        """)


DIALECTS: dict[str, tuple[Callable[[int], str], Callable[[int], str]]] = {
    "postgresql": (copied, function),
    "mysql": (long_insert, procedure),
    "sqlite": (long_insert, trigger),
    "ANSI": (long_insert, table),
}


def dump(vendor: str, size: int) -> str:
    bulk, routine = DIALECTS[vendor]
    thirds = [inserts, bulk, lambda number: table(number) + routine(number)]
    pieces: list[str] = []
    for make in thirds:
        length = number = 0
        while length < size // len(thirds):
            pieces.append(make(number))
            length += len(pieces[-1])
            number += 1
    return "".join(pieces)


def speed(work: Callable[[str], Any], text: str, runs: int) -> float:
    """Megabytes of text a second."""
    best = float("inf")
    for _ in range(runs):
        started = time.perf_counter()
        for _statement in work(text):
            pass
        best = min(best, time.perf_counter() - started)
    return len(text.encode()) / best / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=8)
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, sqlparse {sqlparse.__version__}")
    for vendor in DIALECTS:
        text = dump(vendor, int(options.megabytes * 1e6))
        count = sum(1 for _ in split(text, vendor))
        ours = speed(lambda sql, vendor=vendor: split(sql, vendor), text, options.runs)
        part = dump(vendor, SLICE)
        theirs = speed(sqlparse.split, part, 1)
        print(
            f"{vendor:10} {ours:6.1f} MB/s ({count} statements in {len(text) / 1e6:.1f} MB)"
            f"   sqlparse {theirs:.2f} MB/s, {ours / theirs:.0f} times slower"
        )


if __name__ == "__main__":
    main()
