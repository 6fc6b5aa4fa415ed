"""What docs/zero-downtime.md says: its sessions, the table of locks, and views under load."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import Error

from ..conftest import Project
from .conftest import DOCS, File, blocks, run_section

pytestmark = pytest.mark.engines("postgresql")
PAGE = "zero-downtime.md"
ROW = re.compile(r"^\| `(?P<lock>[A-Z ]+)` \| (?P<work>.*?) ?\| `(?P<sql>[^`]+)` \|$", re.MULTILINE)
ORDER = ["ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE"]
ORDER += ["SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"]
SEEN = {
    "rewriting": "rewrites the table",
    "verifying": "reads the table",
    "validating": "reads the table",
    "building": "builds an index",
}


def test_its_sessions(project: Project, site: Path) -> None:
    run_section(PAGE, "", project, site)


def rows() -> Iterator[tuple[str, str, str]]:
    for row in ROW.finditer((DOCS / PAGE).read_text(encoding="utf-8")):
        yield row["sql"], row["lock"], row["work"].replace("none", "")


def lock_on_orders(project: Project) -> str:
    """The strongest lock that this session has."""
    found = project.query(
        "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid()"
        " AND relation = to_regclass('orders')"
    )
    names = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode).upper() for (mode,) in found]
    return max((name.removesuffix(" LOCK") for name in names), key=ORDER.index)


def test_the_table_of_locks(project: Project) -> None:
    project.query(
        next(block.text for block in blocks(PAGE) if isinstance(block, File)).split("-- rollback")[
            0
        ]
    )
    raw = project.connection.connection
    if not hasattr(raw, "add_notice_handler"):
        pytest.skip("psycopg2 keeps notices elsewhere")
    said: list[str] = []
    raw.add_notice_handler(lambda diagnostic: said.append(diagnostic.message_primary))
    listed = list(rows())
    assert len(listed) > 20
    for sql, lock, work in listed:
        said.clear()
        project.query("BEGIN")
        project.query("SET LOCAL client_min_messages = debug1")
        project.query(sql)
        assert (sql, lock_on_orders(project)) == (sql, lock)
        project.query("ROLLBACK")
        of_table = [text for text in said if "pg_toast" not in text]
        seen = [what for word, what in SEEN.items() if any(word in text for text in of_table)]
        assert (sql, seen[:1]) == (sql, [work] if work else [])


def test_a_view_is_replaced_under_load(project: Project) -> None:
    """Also by one with other columns, and also a table that gives its name to a view."""
    project.write(
        V1__t="CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 1);",
        ROC__v="CREATE VIEW v AS SELECT id FROM t;",
    )
    project.call("upgrade")
    stop, failures = threading.Event(), []

    def work(reader: Project, sql: str) -> None:
        try:
            while not stop.is_set():
                reader.query(sql)
        except Error as error:
            failures.append(str(error))
        finally:
            reader.connection.close()

    statements = ["SELECT * FROM v", "SELECT id FROM t", "UPDATE t SET n = n + 1 WHERE id = 1"]
    others = [project.another(f"reader_{number}") for number in range(len(statements))]
    for reader in others:
        reader.connection.inc_thread_sharing()
    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(others, statements, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        for number in range(10):
            project.write(
                ROC__v=f"DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT {number} AS x, id FROM t;"
            )
            project.call("upgrade")
        project.write(
            V2__t="DROP VIEW v; ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u;"
            " CREATE VIEW v AS SELECT id FROM u;"
        )
        project.call("upgrade")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
