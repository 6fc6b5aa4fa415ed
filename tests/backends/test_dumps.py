"""Whole dumps of the databases' own tools run as migrations, and give the same database."""

from pathlib import Path

import pytest

from ..conftest import Project

DUMPS = Path(__file__).parent / "dumps"


def dump(vendor: str) -> str:
    return (DUMPS / f"{vendor}.sql").read_text(encoding="utf-8")


@pytest.mark.engines("postgresql")
def test_pg_dump(project: Project) -> None:
    project.write(V1__dump=dump("postgresql"), V2__after="CREATE TABLE after (id int);")
    project.call("upgrade")
    assert project.query('SELECT name, "end" FROM shop.customer ORDER BY id') == [
        ("Zoë\ttab", None),
        ("line\nbreak \\ back", "-- rollback"),
        ("; \\.", "$$"),
    ]
    assert project.query("SELECT shop.total(2), shop.open_orders(1)") == [(3, 1)]
    project.query("UPDATE shop.orders SET note = 'x' WHERE id = 1")
    assert project.query("SELECT note FROM shop.orders WHERE id = 1") == [("x;",)]
    assert project.query("SELECT count(*) FROM shop.totals") == [(3,)]
    assert project.query("SELECT count(*) FROM pg_rules WHERE rulename = 'log_it'") == [(1,)]
    assert "after" in project.tables()


@pytest.mark.engines("mysql")
def test_mariadb_dump(project: Project) -> None:
    project.write(V1__dump=dump("mysql"), V2__after="CREATE TABLE after_it (id INT);")
    project.call("upgrade")
    assert project.query("SELECT name, `end` FROM customer ORDER BY id") == [
        ("Zoë\ttab", None),
        ("line\nbreak \\ back", "-- rollback"),
        ('it\'s; "q" `b` # x', "/* "),
    ]
    project.query("UPDATE orders SET note = 'x' WHERE id = 1")
    assert project.query("SELECT note, total(2) FROM orders WHERE id = 1") == [("x;", 3)]
    project.query("CALL fill(9)")
    assert project.query("SELECT COUNT(*) FROM customer") == [(5,)]
    assert project.query(
        "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()"
    ) == [("nightly",)]
    assert "after_it" in project.tables()


@pytest.mark.engines("sqlite")
def test_sqlite_dump(project: Project) -> None:
    project.write(V1__dump="-- jetbase: transaction=off\n" + dump("sqlite"))
    project.call("upgrade")
    assert project.query('SELECT name, "end" FROM customer ORDER BY id') == [
        ("Zoë\ttab", None),
        ("line\nbreak \\ back", "-- rollback"),
        ('it\'s; "q" `b`', "/* "),
    ]
    project.query("UPDATE orders SET paid = NULL WHERE id = 1")
    assert project.query("SELECT paid FROM orders WHERE id = 1") == [(0,)]
    assert project.query("PRAGMA foreign_keys") == [(1,)]
