"""What keeps a file from being recorded is told as that, and loses nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management.base import CommandError

from django_jetbase.signals import migration_applied

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);"
OFF = "-- jetbase: transaction=off\n"
LOOP = """DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
           WHERE schemaname = current_schema() LOOP
    EXECUTE {sql};
  END LOOP;
END $$;"""
AUDIT = "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$;\n"
ON_ALL = LOOP.format(
    sql="'CREATE TRIGGER audit BEFORE INSERT OR UPDATE OR DELETE ON ' || r.name"
    " || ' FOR EACH ROW EXECUTE FUNCTION audit()'"
)
FORCE = LOOP.format(
    sql="format('ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY;"
    " ALTER TABLE %1$s FORCE ROW LEVEL SECURITY', r.name)"
)
GONE, EMPTIED = "The tables of the history are not where they were", "Rows of the history, or"
KEPT_OUT, HIDDEN = "a trigger, a rule or a constraint", "NO FORCE ROW LEVEL SECURITY does"

# What only running tells, on PostgreSQL, and what is said of it.
TOLD_BY_RUNNING = {
    "truncated": (LOOP.format(sql="'TRUNCATE ' || r.name || ' CASCADE'"), EMPTIED),
    "deleted": (LOOP.format(sql="'DELETE FROM ' || r.name"), EMPTIED),
    "dropped": (LOOP.format(sql="'DROP TABLE ' || r.name"), GONE),
    "moved": (
        "CREATE SCHEMA elsewhere;\n"
        + LOOP.format(sql="'ALTER TABLE ' || r.name || ' SET SCHEMA elsewhere'"),
        GONE,
    ),
    "a trigger that wants a column": (
        AUDIT.format(body="NEW.updated_by := 1; RETURN NEW;") + ON_ALL,
        KEPT_OUT,
    ),
    "a trigger that raises": (AUDIT.format(body="RAISE 'no rows today';") + ON_ALL, KEPT_OUT),
    "a trigger that drops rows": (AUDIT.format(body="RETURN NULL;") + ON_ALL, EMPTIED),
    "a rule": (
        LOOP.format(sql="'CREATE RULE r AS ON INSERT TO ' || r.name || ' DO INSTEAD NOTHING'"),
        "recording this file failed",
    ),
}

# What the words of a statement tell, by engine; `{schema}` is where the history is.
TOLD_BY_WORDS = {
    None: [
        "DROP TABLE django_jetbase_migration;",
        "DROP TABLE IF EXISTS a, Django_Jetbase_Lock;",
        "DELETE FROM django_jetbase_event WHERE 1 = 1;",
        "UPDATE django_jetbase_migration SET version = '9';",
        "/* again */ INSERT INTO django_jetbase_lock (namespace) VALUES ('');",
        "ALTER TABLE django_jetbase_migration RENAME TO away;",
        "CREATE TABLE IF NOT EXISTS django_jetbase_migration (id INTEGER);",
    ],
    "postgresql": [
        'DROP TABLE "public"."django_jetbase_migration" CASCADE;',
        "TRUNCATE TABLE ONLY a, django_jetbase_event RESTART IDENTITY;",
        "ALTER TABLE django_jetbase_migration FORCE ROW LEVEL SECURITY;",
        "ALTER TABLE ONLY public.django_jetbase_migration SET SCHEMA elsewhere;",
        "CREATE TRIGGER t BEFORE INSERT ON django_jetbase_migration"
        " FOR EACH ROW EXECUTE FUNCTION f();",
        "CREATE OR REPLACE RULE r AS ON INSERT TO django_jetbase_event DO INSTEAD NOTHING;",
        "CREATE POLICY p ON django_jetbase_event USING (true);",
        "COPY django_jetbase_lock (namespace) FROM stdin;\n\\.\n",
        "WITH x AS (SELECT 1) DELETE FROM django_jetbase_event;",
        "DROP SCHEMA IF EXISTS elsewhere, public CASCADE;",
        "ALTER SCHEMA public RENAME TO old;",
        'DROP DATABASE IF EXISTS "{database}";',
        "PREPARE p AS DELETE FROM django_jetbase_event;",
        "EXPLAIN ANALYZE DELETE FROM django_jetbase_event;",
        "WITH x AS (SELECT 1) MERGE INTO django_jetbase_event USING x ON true"
        " WHEN MATCHED THEN DELETE;",
        "-- jetbase: delimiter=~\nSELECT 1; DELETE FROM django_jetbase_event~",
    ],
    "mysql": [
        "DROP TABLE IF EXISTS `django_jetbase_migration`;",
        "DELETE IGNORE FROM `{database}`.django_jetbase_event;",
        "RENAME TABLE a TO b, django_jetbase_migration TO c;",
        "TRUNCATE django_jetbase_lock;",
        "REPLACE INTO django_jetbase_lock (namespace) VALUES ('');",
        "CREATE DEFINER=`root`@`%` TRIGGER t BEFORE INSERT ON django_jetbase_migration"
        " FOR EACH ROW SET @x = 1;",
        "DROP DATABASE IF EXISTS `{database}`;",
        "DROP SCHEMA {database};",
        "CREATE OR REPLACE DATABASE {database};",
        "DROP TABLES a, django_jetbase_event;",
        "ALTER ONLINE TABLE django_jetbase_event ADD x INT;",
        "ALTER IGNORE TABLE django_jetbase_event ADD x INT;",
        "/*!40000 DROP TABLE IF EXISTS django_jetbase_event */;",
        "DROP /*M!100000 TABLE */ django_jetbase_event;",
        "SET STATEMENT max_statement_time = 9 FOR DELETE FROM django_jetbase_event;",
        "BEGIN NOT ATOMIC IF 1 THEN DROP TABLE django_jetbase_event; END IF; END;",
        "ANALYZE FORMAT=JSON DELETE FROM django_jetbase_event;",
        "DELETE a, django_jetbase_event FROM a JOIN django_jetbase_event;",
        "DELIMITER //\nSELECT 1; DELETE FROM django_jetbase_event//",
    ],
    "sqlite": [
        "REPLACE INTO django_jetbase_lock (namespace) VALUES ('');",
        'CREATE TRIGGER "set on a" BEFORE UPDATE ON django_jetbase_lock BEGIN SELECT 1; END;',
        "CREATE TEMP TRIGGER t AFTER INSERT ON main.django_jetbase_event BEGIN SELECT 1; END;",
    ],
}
# What names the tables of the history and leaves them as they are.
HARMLESS = {
    None: [
        "CREATE VIEW v AS SELECT path FROM django_jetbase_migration;",
        "INSERT INTO a SELECT id FROM django_jetbase_event;",
        "DELETE FROM a WHERE id IN (SELECT id FROM django_jetbase_migration);",
        "UPDATE a SET id = (SELECT max(id) FROM django_jetbase_migration);",
        "INSERT INTO t VALUES ('DROP TABLE django_jetbase_migration');",
        "DROP TABLE IF EXISTS my_django_jetbase_lock;",
        "CREATE TABLE django_jetbase_migration_copy AS SELECT path FROM django_jetbase_migration;",
    ],
    "postgresql": [
        "DROP TABLE IF EXISTS elsewhere.django_jetbase_migration;",
        "ALTER TABLE django_jetbase_migration OWNER TO CURRENT_USER;",
        "CREATE VIEW w AS TABLE django_jetbase_migration;",
        "REVOKE DELETE ON django_jetbase_migration FROM PUBLIC;",
        "CREATE SCHEMA elsewhere;\nDROP SCHEMA elsewhere;",
        'CREATE SCHEMA "PUBLIC";\nDROP SCHEMA "PUBLIC";',
        "WITH x AS (SELECT 'DELETE FROM django_jetbase_event') SELECT * FROM x;",
        "CREATE PUBLICATION jetbase_p FOR TABLE django_jetbase_event;\nDROP PUBLICATION jetbase_p;",
        "CREATE SCHEMA e2;\nSET search_path = e2;\nCREATE TABLE django_jetbase_event (id INTEGER);",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM django_jetbase_event';",
        "DO $$BEGIN PERFORM * FROM django_jetbase_event; END$$;",
    ],
    "mysql": [
        "CREATE DATABASE {database}_x;\nDROP DATABASE {database}_x;",
        "CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR DO ANALYZE TABLE django_jetbase_event;",
        "CREATE DATABASE {database}_y;\nUSE {database}_y;\n"
        "CREATE TABLE django_jetbase_event (id INT);\nUSE {database};\nDROP DATABASE {database}_y;",
        "UPDATE a JOIN django_jetbase_event AS e ON e.id = a.id SET a.id = 1;",
        "DELETE a FROM a JOIN django_jetbase_event AS e ON e.id = a.id;",
        "CREATE PROCEDURE p() BEGIN DELETE FROM django_jetbase_event; END;",
    ],
    "sqlite": [
        OFF + "ATTACH ':memory:' AS o;\nCREATE TABLE o.django_jetbase_event (id);\nDETACH o;",
        "WITH x AS (SELECT 'DELETE FROM django_jetbase_event') SELECT * FROM x;",
    ],
}


def of(project: Project, table: dict[str | None, list[str]]) -> list[str]:
    database = project.connection.settings_dict["NAME"]
    texts = [*table[None], *table.get(project.vendor, [])]
    return [text.replace("{database}", database) for text in texts]


def test_what_would_change_the_history_is_found_beforehand(project: Project) -> None:
    project.write(V1__a=A)
    for text in of(project, TOLD_BY_WORDS):
        project.write(V2__b=text, V3__c="SELECT 1;\n-- rollback\n" + text)
        with pytest.raises(CommandError) as caught:
            project.call("upgrade")
        said = str(caught.value)
        error, warning, end = said.splitlines()
        line = 1 + text.count("\n", 0, -10)  # where its last statement begins
        assert error.startswith(f"V2__b.sql:{line}:")
        assert error.endswith("(jetbase.E010)")
        assert "history" in error
        assert "transaction=off" not in error
        assert warning.startswith(f"V3__c.sql:{line + 2}:")
        assert warning.endswith("(jetbase.W012)")
        assert end == "Nothing was run."
    assert project.tables() == set()


def test_what_leaves_the_history_as_it_is_runs(project: Project) -> None:
    project.write(V1__a=A + "\nCREATE TABLE t (x VARCHAR(100));")
    for number, text in enumerate(of(project, HARMLESS), start=2):
        project.write(**{f"V{number}__x": text})
    project.call("upgrade")
    assert len(project.applied()) == 1 + len(of(project, HARMLESS))


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("name", TOLD_BY_RUNNING)
@pytest.mark.parametrize("head", ["", OFF])
def test_what_only_running_tells(project: Project, name: str, head: str) -> None:
    sql, cause = TOLD_BY_RUNNING[name]
    before, loop, rest = sql.partition("DO $$")
    beginning = f"{head}CREATE TABLE b (id INTEGER);\n{before}"
    project.write(V1__a=A, V2__b=beginning + loop + rest, V3__c=A)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    said = str(caught.value)
    assert "V2__b.sql: recording this file failed" in said, said
    assert cause in said, said
    assert "division" not in said
    assert "null value" not in said
    assert project.applied() == ["V1__a.sql"]
    assert project.tables() == ({"a", "b"} if head else {"a"})
    if head and name == "a rule":  # which lets updates through
        for table in ("event", "heartbeat", "lock", "migration", "schema"):
            project.query(f"DROP RULE r ON django_jetbase_{table}")
        beginning += loop + rest
    elif head:
        assert f"; not those from line {beginning.count(chr(10)) + 1} on" in said
    project.write(V2__b=beginning, V3__c="SELECT 1;")
    project.call("upgrade", resume=bool(head))
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "V3__c.sql"]


BY_FUNCTION = """CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$;
DO $$BEGIN
  EXECUTE 'CREATE TRIGGER t BEFORE UPDATE ON django_jetbase_lock FOR EACH ROW EXECUTE FUNCTION t()';
END$$;"""
AT_ONCE = "SET @sql = '{sql}';\nPREPARE p FROM @sql;\nEXECUTE p;"
TAKES = {  # from the history what is not the file's own row, without that the words tell
    "postgresql": [
        "DO $$BEGIN DELETE FROM django_jetbase_migration WHERE version = '1'; END$$;",
        'DELETE FROM U&"django\\005fjetbase_migration";',
        "DO $$BEGIN DELETE FROM django_jetbase_event; END$$;",
        "DO $$BEGIN DELETE FROM django_jetbase_schema; END$$;",
        "DO $$BEGIN DROP TABLE django_jetbase_heartbeat; END$$;",
        "DO $$BEGIN DROP TABLE django_jetbase_schema; END$$;",
        BY_FUNCTION.format(body="NEW.updated_at := now(); RETURN NEW;"),
        BY_FUNCTION.format(body="RETURN NULL;"),
        BY_FUNCTION.format(body="NEW.token := OLD.token; RETURN NEW;"),
        "DO $$BEGIN UPDATE django_jetbase_migration SET key = '99' WHERE version = '1'; END$$;",
        "DO $$BEGIN UPDATE django_jetbase_migration SET checksum = 'x'; END$$;",
    ],
    "mysql": [
        AT_ONCE.format(sql="DELETE FROM django_jetbase_migration LIMIT 1"),
        AT_ONCE.format(sql="DELETE FROM django_jetbase_event"),
        AT_ONCE.format(sql="DROP TABLE django_jetbase_heartbeat"),
        AT_ONCE.format(sql="DROP TABLE django_jetbase_schema"),
        "DELETE m FROM django_jetbase_migration AS m WHERE version = '1';",
        "CREATE PROCEDURE p() DELETE FROM django_jetbase_migration LIMIT 1;\nCALL p();",
        "UPDATE a JOIN django_jetbase_migration AS m SET m.`key` = '9' WHERE version = '1';",
        AT_ONCE.format(sql="UPDATE django_jetbase_migration SET `key` = 77 WHERE version = 1"),
        "EXECUTE IMMEDIATE concat('CREATE TRIGGER t BEFORE UPDATE ON django_jetb',"
        "'ase_lock FOR EACH ROW SET NEW.token = OLD.token');",
    ],
    "sqlite": [
        "DELETE FROM 'django_jetbase_migration';",
        "DELETE FROM 'django_jetbase_event';",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM django_jetbase_migration; END;\n"
        "INSERT INTO a VALUES (1);",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE django_jetbase_migration"
        " SET key = '77' WHERE version = '1'; END;\nINSERT INTO a VALUES (1);",
        "PRAGMA writable_schema = on;\n"
        "DELETE FROM sqlite_master WHERE tbl_name LIKE 'django%heartbeat';\n"
        "PRAGMA writable_schema = reset;",
    ],
}


def is_not_applied(project: Project, text: str, head: str) -> None:
    def counts() -> list[int]:
        history = ("event", "heartbeat", "migration", "schema")
        return [len(project.query(f"SELECT * FROM django_jetbase_{name}")) for name in history]

    project.write(V1__a=f"{A}\nINSERT INTO a VALUES (7);")
    project.call("upgrade")
    had = counts()
    project.write(V2__b=f"{head}{text}")
    with pytest.raises(CommandError, match="recording this file failed") as caught:
        project.call("upgrade")
    said = str(caught.value)
    assert "V2__b.sql" in said
    assert "division" not in said
    assert any(cause in said for cause in (GONE, EMPTIED, KEPT_OUT)), said
    commits = project.vendor == "mysql" and ("EXECUTE" in text or "CALL" in text)
    if not head and not commits:
        had[0] += 1  # the failure
        assert counts() == had
        assert project.applied() == ["V1__a.sql"]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("text", TAKES["postgresql"])
@pytest.mark.parametrize("head", ["", OFF])
def test_what_takes_from_the_history_on_postgresql(project: Project, text: str, head: str) -> None:
    is_not_applied(project, text, head)


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("text", TAKES["mysql"])
@pytest.mark.parametrize("head", ["", OFF])
def test_what_takes_from_the_history_on_mysql(project: Project, text: str, head: str) -> None:
    is_not_applied(project, text, head)


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("text", TAKES["sqlite"])
@pytest.mark.parametrize("head", ["", OFF])
def test_what_takes_from_the_history_on_sqlite(project: Project, text: str, head: str) -> None:
    is_not_applied(project, text, head)


@pytest.mark.engines("sqlite")
def test_a_history_that_is_taken_out_of_the_catalogue(project: Project) -> None:
    """Its indexes stay, so that whoever opened the database next could not read it."""
    sql = "PRAGMA writable_schema = on;\nDELETE FROM sqlite_master WHERE name LIKE 'django_jet%';"
    is_not_applied(project, sql, "")
    project.connection.close()
    project.write(V2__b="CREATE TABLE b (id INTEGER);")
    project.call("upgrade")
    assert project.tables() == {"a", "b"}


@contextmanager
def owner(project: Project) -> Iterator[Project]:
    """Who owns the schema and is not above its rules."""
    project.query("CREATE ROLE jetbase_recorder LOGIN")
    project.query("GRANT ALL ON SCHEMA public TO jetbase_recorder")
    twin = project.another("owner", USER="jetbase_recorder", PASSWORD="")
    try:
        yield twin
    finally:
        twin.connection.close()
        project.query("DROP OWNED BY jetbase_recorder; DROP ROLE jetbase_recorder")


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("head", ["", OFF])
def test_row_level_security_that_holds_for_the_owner(project: Project, head: str) -> None:
    with owner(project) as user:
        user.write(V1__a=A)
        user.call("upgrade")
        user.write(V2__b=head + FORCE)
        with pytest.raises(CommandError, match="recording this file failed") as caught:
            user.call("upgrade")
        assert HIDDEN in str(caught.value) or EMPTIED in str(caught.value)
        assert "GRANT " not in str(caught.value).replace("no GRANT helps", "")
        user.write(V2__b=head + "SELECT 1;")
        user.call("upgrade", resume=bool(head))
        assert user.applied() == ["V1__a.sql", "V2__b.sql"]


TRIGGERS = {
    "postgresql": AUDIT.format(body="RAISE 'no rows today';")
    + "CREATE TRIGGER audit BEFORE INSERT ON django_jetbase_migration"
    " FOR EACH ROW EXECUTE FUNCTION audit()",
    "mysql": "CREATE TRIGGER audit BEFORE INSERT ON django_jetbase_migration"
    " FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no rows today'",
    "sqlite": "CREATE TRIGGER audit BEFORE INSERT ON django_jetbase_migration"
    " BEGIN SELECT RAISE(ABORT, 'no rows today'); END",
}
DROPS_TRIGGER = {"postgresql": "DROP TRIGGER audit ON django_jetbase_migration"}


@pytest.mark.parametrize("head", ["", OFF])
@pytest.mark.parametrize("options", [{}, {"fake": True}])
def test_a_trigger_that_somebody_has_put_on_the_history(
    project: Project, head: str, options: dict[str, bool]
) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.query(TRIGGERS[project.vendor])
    project.write(V2__b=f"{head}CREATE TABLE b (id INTEGER);")
    with pytest.raises(CommandError, match="recording this file failed: no rows") as e:
        project.call("upgrade", **options)
    assert KEPT_OUT in str(e.value)
    assert project.applied() == ["V1__a.sql"]
    assert project.tables() == {"a"}
    project.query(DROPS_TRIGGER.get(project.vendor, "DROP TRIGGER audit"))
    project.call("upgrade")
    assert project.tables() == {"a", "b"}


@pytest.mark.engines("sqlite")
def test_a_trigger_that_lets_no_row_through_on_sqlite(project: Project) -> None:
    """It raises no error, and the file would be applied without a record."""
    project.write(V1__a=A)
    project.call("upgrade")
    project.query(TRIGGERS["sqlite"].replace("ABORT, 'no rows today'", "IGNORE"))
    for head in ("", OFF):
        project.write(V2__b=f"{head}CREATE TABLE b (id INTEGER);")
        with pytest.raises(CommandError, match="recording this file failed\n") as caught:
            project.call("upgrade")
        assert EMPTIED in str(caught.value)
        assert project.tables() == {"a"}


DROPS = (
    "SET @sql = CONCAT('DROP {what} `', DATABASE(), '`{table}');\nPREPARE p FROM @sql;\nEXECUTE p;"
)


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("what", ["DATABASE", "TABLE"])
def test_a_history_that_is_dropped_in_disguise_on_mysql(project: Project, what: str) -> None:
    table = ".django_jetbase_migration" if what == "TABLE" else ""
    project.write(V1__a=A, V2__b=DROPS.format(what=what, table=table))
    with pytest.raises(CommandError, match="recording this file failed") as caught:
        project.call("upgrade")
    said = str(caught.value)
    assert GONE in said
    assert "Committed are 3 of 3 statements" in said
    assert "jetbase_resolve" not in said
    assert "jetbase_upgrade --fake --to-version 2, which" in said
    project.write(V2__b="CREATE TABLE b (id INTEGER);", V3__c="CREATE TABLE c (id INTEGER);")
    if what == "TABLE":
        project.call("upgrade", fake=True, to_version="2")
        project.call("upgrade")
        assert project.applied() == ["V1__a.sql", "V2__b.sql", "V3__c.sql"]
        assert project.tables() == {"a", "c"}


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("condition", ["", " WHERE version = 1"])
def test_a_history_that_is_emptied_in_disguise_on_mysql(project: Project, condition: str) -> None:
    """The way out works, whether the file's own record is still there or not."""
    sql = AT_ONCE.format(sql=f"DELETE FROM django_jetbase_migration{condition}")
    project.write(V1__a=A, V2__b=f"CREATE TABLE b (id INTEGER);\n{sql}")
    with pytest.raises(CommandError, match="recording this file failed") as caught:
        project.call("upgrade")
    first = "jetbase_resolve 2 --rolled-back, then " if condition else ""
    assert f"has: {first}jetbase_upgrade --fake --to-version 2" in str(caught.value)
    project.write(V2__b="CREATE TABLE b (id INTEGER);", V3__c="CREATE TABLE c (id INTEGER);")
    if condition:
        project.call("resolve", "2", rolled_back=True)
    project.call("upgrade", fake=True, to_version="2")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "V3__c.sql"]
    assert project.tables() == {"a", "b", "c"}


@pytest.mark.engines("mysql")
def test_a_lock_that_is_emptied_in_disguise_on_mysql(project: Project) -> None:
    sql = "SET @sql = 'DELETE FROM django_jetbase_lock';\nPREPARE p FROM @sql;\nEXECUTE p;"
    project.write(V1__a=A, V2__b=sql)
    with pytest.raises(CommandError, match=r"V2__b\.sql: The row of the lock is gone") as caught:
        project.call("upgrade")
    assert "Committed are 3 of 3 statements" in str(caught.value)
    assert "jetbase_resolve 2 --applied" in str(caught.value)
    with pytest.raises(CommandError, match=r"V2__b\.sql: its upgrade has not come to its end"):
        project.call("upgrade")


@pytest.mark.engines("postgresql")
def test_tables_of_the_history_that_cannot_be_made(project: Project) -> None:
    project.query(
        "CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE 'no DDL today'; END$$;"
        "CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl()"
    )
    project.write(V1__a=A)
    with pytest.raises(CommandError, match="history cannot be created: no DDL today"):
        project.call("upgrade")
    project.query("DROP EVENT TRIGGER no_ddl")
    project.call("upgrade")


KEEPS_THE_LOCK = {  # without a word, or with an error
    "postgresql": [
        "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
        "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$",
    ],
    "mysql": ["SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'"],
    "sqlite": ["SELECT RAISE(IGNORE)", "SELECT RAISE(ABORT, 'no')"],
}
ON_LOCK = "CREATE TRIGGER t BEFORE UPDATE ON django_jetbase_lock "
ADDED = {
    "postgresql": ("{}; " + ON_LOCK + "FOR EACH ROW EXECUTE FUNCTION t()"),
    "mysql": ON_LOCK + "FOR EACH ROW {}",
    "sqlite": ON_LOCK + "BEGIN {}; END",
}


@pytest.mark.parametrize("number", [0, 1])
def test_a_trigger_on_the_lock(project: Project, number: int) -> None:
    """Neither taken nor freed, it is said what keeps it so, and no process is blamed."""
    ways = KEEPS_THE_LOCK[project.vendor]
    way = ways[min(number, len(ways) - 1)]
    off = OFF if project.vendor == "sqlite" else ""  # elsewhere the transaction is the lock
    project.write(V1__a=off + A)
    project.call("upgrade")
    project.query(ADDED[project.vendor].format(way))
    project.write(V2__b=f"{off}CREATE TABLE b (id INTEGER);")
    for _time in range(2):
        with pytest.raises(CommandError, match="row of the lock cannot be changed") as caught:
            project.call("upgrade", lock_wait=0)
        assert "django_jetbase_lock" in str(caught.value)
        assert "trigger" in str(caught.value)
        assert "process" not in str(caught.value)
    project.query("DROP TRIGGER t" + " ON django_jetbase_lock" * (project.vendor == "postgresql"))
    project.call("upgrade")
    assert project.tables() == {"a", "b"}


@pytest.mark.engines("postgresql", "mysql")
def test_a_trigger_that_comes_while_the_lock_is_held(project: Project) -> None:
    """Which only the end of the run meets: what ran is applied, and the lock stays."""
    way = KEEPS_THE_LOCK[project.vendor][0]
    project.write(V1__a=A)
    project.call("upgrade")
    twin = project.another("twin")
    project.write(V2__b="CREATE TABLE b (id INTEGER);")
    seen = []

    def add(**kwargs: object) -> None:
        seen.append(twin.query(ADDED[project.vendor].format(way)))

    migration_applied.connect(add)
    try:
        with pytest.raises(CommandError, match="row of the lock cannot be changed"):
            project.call("upgrade")
    finally:
        migration_applied.disconnect(add)
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    with pytest.raises(CommandError, match="row of the lock cannot be changed"):
        project.call("unlock", force=True, interactive=False)
    project.query("DROP TRIGGER t" + " ON django_jetbase_lock" * (project.vendor == "postgresql"))
    project.call("unlock", force=True, interactive=False)
    project.call("upgrade")
