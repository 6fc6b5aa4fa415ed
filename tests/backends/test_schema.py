import difflib
import sqlite3

import pytest
from django.db import IntegrityError

from django_jetbase.backends import backend_of
from django_jetbase.backends.base.backend import Backend
from django_jetbase.conf import HISTORY_TABLE_PREFIX
from django_jetbase.history.tables import table_names

from ..conftest import Project

OWN = table_names(HISTORY_TABLE_PREFIX)


def schema(project: Project) -> list[str]:
    return backend_of(project.connection).schema.lines(OWN)


def run(project: Project, *scripts: str) -> None:
    """Statements are separated by `;;`."""
    for script in scripts:
        for statement in filter(str.strip, script.split(";;")):
            project.query(statement)


def changed(before: list[str], after: list[str]) -> list[str]:
    return [line for line in difflib.ndiff(before, after) if line[0] in "+-"]


def check_seen(project: Project, setup: str, create: str, drop: str, line: str) -> None:
    run(project, setup)
    before = schema(project)
    run(project, create)
    after = schema(project)
    assert f"+ {line}" in changed(before, after)
    assert after == schema(project)
    run(project, drop)
    assert changed(before, schema(project)) == []


def check_unseen(project: Project, setup: str, *scripts: str) -> None:
    run(project, setup)
    before = schema(project)
    for script in scripts:
        run(project, script)
        assert changed(before, schema(project)) == [], script


def check_changes(project: Project, setup: str, *scripts: str) -> None:
    """Each of the scripts, one after the other, changes something."""
    run(project, setup)
    before = schema(project)
    for script in scripts:
        run(project, script)
        after = schema(project)
        assert changed(before, after) != [], script
        before = after


def check_words(lines: list[str], words: str) -> None:
    assert any(all(word in line for word in words.split()) for line in lines), lines


T = "CREATE TABLE t (id int PRIMARY KEY, a varchar(20))"
SHOP = """
    CREATE TABLE shop (id int NOT NULL PRIMARY KEY, price numeric(10,2) DEFAULT 0 NOT NULL)
    ;; CREATE INDEX shop_price ON shop (price) ;; CREATE VIEW cheap AS SELECT id FROM shop
"""


# ---- every database


def test_what_is_created_is_there_until_it_is_dropped(project: Project) -> None:
    empty = schema(project)
    run(project, SHOP)
    full = schema(project)
    assert full == schema(project)
    for words in ("shop price 10 2", "shop_price", "view cheap"):
        check_words([line for line in full if line not in empty], words)
    run(project, "DROP VIEW cheap")
    assert schema(project) != full
    run(project, "DROP TABLE shop")
    assert schema(project) == empty


def test_the_tables_of_the_app_are_left_out(project: Project) -> None:
    empty = schema(project)
    project.write(V1__a="SELECT 1;")
    project.call("upgrade")
    assert schema(project) == empty


def test_a_migration_and_its_rollback(project: Project) -> None:
    project.write(V1__a=T + ";\n-- rollback\nDROP TABLE t;")
    project.write(V2__b="ALTER TABLE t ADD COLUMN b int;\n-- rollback\nSELECT 1;")
    empty = schema(project)
    project.call("upgrade", count=1)
    project.call("rollback")
    assert schema(project) == empty
    project.call("upgrade", count=1)
    before = schema(project)
    project.call("upgrade")
    project.call("rollback")
    (left,) = changed(before, schema(project))
    assert left.split("(")[0].startswith("+ column ")


def test_a_column_that_is_dropped_and_added_again(project: Project) -> None:
    check_unseen(
        project,
        "CREATE TABLE t (a int NOT NULL, b varchar(20), c int)",
        "ALTER TABLE t DROP COLUMN b ;; ALTER TABLE t ADD COLUMN b varchar(20)",
    )


def test_a_column_that_is_renamed_and_back(project: Project) -> None:
    check_unseen(
        project,
        SHOP,
        "ALTER TABLE shop RENAME COLUMN price TO cost ;; ALTER TABLE shop RENAME COLUMN cost TO"
        " price",
    )


def test_a_table_that_is_renamed_and_back(project: Project) -> None:
    check_unseen(
        project,
        "CREATE TABLE t (id int PRIMARY KEY, a int, CHECK (a > 0)) ;; CREATE INDEX i ON t (a)",
        "ALTER TABLE t RENAME TO s ;; ALTER TABLE s RENAME TO t",
    )


def test_rows_are_not_seen(project: Project) -> None:
    check_unseen(project, T, "INSERT INTO t VALUES (1, 'x') ;; INSERT INTO t VALUES (2, 'y')")


READ_ONLY = {
    "postgresql": "SET default_transaction_read_only = on",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = 1",
}


def test_nothing_is_written(project: Project) -> None:
    run(project, SHOP)
    before = schema(project)
    run(project, READ_ONLY[project.vendor])
    assert schema(project) == before


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t ADD COLUMN b int",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t RENAME TO s",
        "CREATE INDEX i ON t (a)",
        "CREATE UNIQUE INDEX i ON t (a)",
        "CREATE VIEW v AS SELECT id FROM t",
    ],
)
def test_changes(project: Project, change: str) -> None:
    check_changes(project, T, change)


def test_an_index_is_not_a_unique_one(project: Project) -> None:
    check_changes(
        project,
        f"{T} ;; CREATE INDEX i ON t (a) ;; CREATE INDEX j ON t (a)",
        f"DROP INDEX i {'ON t' if project.vendor == 'mysql' else ''}"
        " ;; CREATE UNIQUE INDEX i ON t (a)",
    )


def test_djangos_introspection_serves_backends_without_another(project: Project) -> None:
    def lines() -> list[str]:
        return Backend(project.connection).schema.lines(OWN)

    project.write(V1__a="SELECT 1;")
    project.call("upgrade")
    assert lines() == []
    run(project, SHOP)
    assert {"table shop", "view cheap"} < set(lines())
    check_words(lines(), "column shop.price: null_ok default=0")
    check_words(lines(), "constraint shop_price on shop: index=True unique=False columns=['price']")
    before = lines()
    run(project, "ALTER TABLE shop ADD COLUMN a int")
    (added,) = changed(before, lines())
    assert added.startswith("+ column shop.a: ")


# ---- PostgreSQL

POSTGRESQL = [
    ("", "CREATE SCHEMA s", "DROP SCHEMA s", "schema s"),
    ("", "CREATE TABLE t ()", "DROP TABLE t", "table public.t"),
    ("", "CREATE UNLOGGED TABLE t ()", "DROP TABLE t", "table public.t: unlogged"),
    (
        "",
        "CREATE TABLE t (price numeric(10,2) NOT NULL DEFAULT 0)",
        "DROP TABLE t",
        "column public.t.price: numeric(10,2) not null default 0",
    ),
    (
        T,
        "ALTER TABLE t ADD b int GENERATED ALWAYS AS (id * 2) STORED",
        "ALTER TABLE t DROP b",
        "column public.t.b: integer generated always as (id * 2) stored",
    ),
    (
        T,
        "ALTER TABLE t ADD b int GENERATED BY DEFAULT AS IDENTITY",
        "ALTER TABLE t DROP b",
        "column public.t.b: integer not null generated by default as identity",
    ),
    (
        T,
        'ALTER TABLE t ADD b text COLLATE "C"',
        "ALTER TABLE t DROP b",
        'column public.t.b: text collate "C"',
    ),
    (
        T,
        "CREATE TABLE p (LIKE t) PARTITION BY RANGE (id);"
        "CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (2)",
        "DROP TABLE p",
        "table public.q: inherits p FOR VALUES FROM (1) TO (2)",
    ),
    (
        "",
        "CREATE TABLE p (id int) PARTITION BY LIST (id)",
        "DROP TABLE p",
        "table public.p: partition by LIST (id)",
    ),
    (
        T,
        "CREATE TABLE q () INHERITS (t)",
        "DROP TABLE q",
        "column public.q.id: integer not null inherited",
    ),
    (
        T,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID",
        "ALTER TABLE t DROP CONSTRAINT c",
        "constraint c on public.t: CHECK ((id > 0)) NOT VALID",
    ),
    (
        T,
        "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES t DEFERRABLE",
        "ALTER TABLE t DROP CONSTRAINT c",
        "constraint c on public.t: FOREIGN KEY (id) REFERENCES t(id) DEFERRABLE",
    ),
    (
        T,
        "ALTER TABLE t ADD CONSTRAINT c EXCLUDE USING btree (a WITH =)",
        "ALTER TABLE t DROP CONSTRAINT c",
        "constraint c on public.t: EXCLUDE USING btree (a WITH =)",
    ),
    (
        T,
        "CREATE INDEX i ON t (lower(a)) WHERE id > 0",
        "DROP INDEX i",
        "index public.i: CREATE INDEX i ON public.t USING btree (lower((a)::text)) WHERE (id > 0)",
    ),
    (T, "CREATE VIEW v AS SELECT id FROM t", "DROP VIEW v", "view public.v:    FROM t;"),
    (
        T,
        "CREATE MATERIALIZED VIEW v AS SELECT id FROM t",
        "DROP MATERIALIZED VIEW v",
        "materialized view public.v:    FROM t;",
    ),
    (
        "",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1;\n\nSELECT 2'",
        "DROP FUNCTION f",
        "function public.f(integer): SELECT 2$function$",
    ),
    (
        "",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
        "DROP FUNCTION f",
        "function public.f(integer):  SELECT 1;",
    ),
    (
        "",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN END'",
        "DROP PROCEDURE p",
        "procedure public.p(): AS $procedure$BEGIN END$procedure$",
    ),
    (
        "",
        "CREATE AGGREGATE g (int) (SFUNC = int4pl, STYPE = int);COMMENT ON AGGREGATE g(int) IS 'x'",
        "DROP AGGREGATE g(int)",
        "comment on aggregate public.g(integer): x",
    ),
    (
        f"{T}; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()",
        "DROP TRIGGER g ON t",
        "trigger g on public.t: CREATE TRIGGER g AFTER INSERT ON public.t FOR EACH STATEMENT"
        " EXECUTE FUNCTION f()",
    ),
    (
        f"{T}; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE t DISABLE TRIGGER g",
        "DROP TRIGGER g ON t",
        "trigger g on public.t: disabled CREATE CONSTRAINT TRIGGER g AFTER INSERT ON public.t"
        " NOT DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    (
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE EVENT TRIGGER e ON sql_drop WHEN TAG IN ('DROP TYPE') EXECUTE FUNCTION f()",
        "DROP EVENT TRIGGER e",
        "event trigger e: on sql_drop tags DROP TYPE execute f()",
    ),
    (
        T,
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        "DROP RULE r ON t",
        "rule r on public.t:     ON DELETE TO public.t DO INSTEAD NOTHING;",
    ),
    ("", "CREATE TYPE e AS ENUM ('b', 'a')", "DROP TYPE e", "type public.e: enum 'b', 'a'"),
    (
        "",
        "CREATE DOMAIN d AS varchar(3) NOT NULL DEFAULT 'x' CONSTRAINT c CHECK (value > '')",
        "DROP DOMAIN d",
        "type public.d: character varying(3) not null default 'x'::character varying",
    ),
    (
        "",
        "CREATE DOMAIN d AS int CONSTRAINT c CHECK (value > 0)",
        "DROP DOMAIN d",
        "domain constraint c on public.d: CHECK ((VALUE > 0))",
    ),
    (
        "",
        "CREATE TYPE c AS (a int, b text)",
        "DROP TYPE c",
        "composite type column public.c.b: text",
    ),
    (
        "",
        "CREATE TYPE r AS RANGE (SUBTYPE = int)",
        "DROP TYPE r",
        "type public.r: range of integer multirange r_multirange canonical - difference -"
        " pg_catalog.int4_ops USING btree",
    ),
    (
        T,
        "CREATE SEQUENCE s START 5 CYCLE OWNED BY t.id",
        "DROP SEQUENCE s",
        "sequence public.s: bigint start 5 increment 1 minimum 1 maximum 9223372036854775807"
        " cache 1 cycle owned by public.t.id",
    ),
    (
        T,
        "CREATE POLICY p ON t FOR SELECT TO pg_monitor, PUBLIC USING (id > 0)",
        "DROP POLICY p ON t",
        "policy p on public.t: permissive for select to public using ((id > 0))",
    ),
    (T, "COMMENT ON TABLE t IS 'x'", "COMMENT ON TABLE t IS NULL", "comment on table public.t: x"),
    (
        T,
        "COMMENT ON COLUMN t.a IS 'x'",
        "COMMENT ON COLUMN t.a IS NULL",
        "comment on column public.t.a: x",
    ),
    (
        "CREATE TYPE c AS (a int)",
        "COMMENT ON TYPE c IS 'x'",
        "COMMENT ON TYPE c IS NULL",
        "comment on type public.c: x",
    ),
    (
        "CREATE SEQUENCE s",
        "GRANT SELECT ON s TO PUBLIC",
        "REVOKE SELECT ON s FROM PUBLIC",
        "privileges on sequence public.s: =r/postgres, postgres=rwU/postgres",
    ),
    (
        T,
        "GRANT UPDATE (a) ON t TO pg_monitor",
        "REVOKE UPDATE (a) ON t FROM pg_monitor",
        "privileges on column public.t.a: pg_monitor=w/postgres",
    ),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "REVOKE ALL ON FUNCTION f FROM PUBLIC, postgres",
        "GRANT EXECUTE ON FUNCTION f TO PUBLIC, postgres",
        "privileges on function public.f()",
    ),
    (
        "CREATE SCHEMA s",
        "GRANT CREATE ON SCHEMA s TO pg_monitor",
        "REVOKE CREATE ON SCHEMA s FROM pg_monitor",
        "privileges on schema s: pg_monitor=C/postgres, postgres=UC/postgres",
    ),
    (
        "CREATE TYPE e AS ENUM ('a')",
        "GRANT USAGE ON TYPE e TO pg_monitor",
        "REVOKE USAGE ON TYPE e FROM pg_monitor",
        "privileges on type public.e: =U/postgres, pg_monitor=U/postgres, postgres=U/postgres",
    ),
    (
        "",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM pg_monitor",
        "default acl for role postgres in schema public on tables: pg_monitor=r/postgres",
    ),
    (
        T,
        "ALTER TABLE t OWNER TO pg_monitor",
        "ALTER TABLE t OWNER TO CURRENT_USER",
        "owner of table public.t: pg_monitor",
    ),
    (
        T,
        "CREATE STATISTICS s (ndistinct) ON id, a FROM t",
        "DROP STATISTICS s",
        "statistics object public.s: CREATE STATISTICS public.s (ndistinct) ON id, a FROM t",
    ),
    (
        "",
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (a 'b')",
        "DROP FOREIGN DATA WRAPPER w",
        "foreign-data wrapper w: handler - validator - options a=b",
    ),
    (
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER s TYPE 'x' FOREIGN DATA WRAPPER w OPTIONS (b '1', a '2')",
        "DROP SERVER s",
        "server s: wrapper w type x options a=2, b=1",
    ),
    (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w",
        "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'secret')",
        "DROP USER MAPPING FOR PUBLIC SERVER s",
        "user mapping public on server s",
    ),
    (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w",
        "CREATE FOREIGN TABLE f (a int OPTIONS (x 'y')) SERVER s OPTIONS (b '1', a '2')",
        "DROP FOREIGN TABLE f",
        "foreign table public.f: server s options a=2, b=1",
    ),
    (
        T,
        "CREATE PUBLICATION p FOR TABLE t",
        "DROP PUBLICATION p",
        "publication relation public.t in publication p",
    ),
    (
        "",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION b, a"
        " WITH (connect = false, slot_name = NONE)",
        "DROP SUBSCRIPTION s",
        "subscription s: publications a, b",
    ),
    (
        "",
        "CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)",
        "DROP OPERATOR === (int, int)",
        "operator public.===(integer,integer)",
    ),
    (
        "CREATE TYPE c AS (a int); CREATE FUNCTION f(c) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE CAST (c AS int) WITH FUNCTION f",
        "DROP CAST (c AS int)",
        "cast (public.c AS integer)",
    ),
    (
        "",
        'CREATE COLLATION c FROM "C"',
        "DROP COLLATION c",
        "collation public.c",
    ),
    (
        "",
        "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)",
        "DROP TEXT SEARCH CONFIGURATION c",
        "text search configuration public.c",
    ),
    (
        "",
        "CREATE OPERATOR FAMILY o USING btree",
        "DROP OPERATOR FAMILY o USING btree",
        "operator family public.o USING btree",
    ),
    (
        T,
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
        "table public.t: row security",
    ),
    (
        f"{T}; CREATE TABLE s (id int CONSTRAINT c REFERENCES t)",
        "ALTER TABLE s DISABLE TRIGGER ALL",
        "ALTER TABLE s ENABLE TRIGGER ALL",
        "constraint c on public.s: FOREIGN KEY (id) REFERENCES t(id) disabled",
    ),
    (
        T,
        "ALTER TABLE t CLUSTER ON t_pkey",
        "ALTER TABLE t SET WITHOUT CLUSTER",
        "index public.t_pkey: clustered CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)",
    ),
    (
        T,
        "ALTER TABLE t REPLICA IDENTITY FULL",
        "ALTER TABLE t REPLICA IDENTITY DEFAULT",
        "table public.t: replica identity full",
    ),
    (
        "CREATE TABLE t (a text)",
        "ALTER TABLE t SET (fillfactor = 50, toast.autovacuum_enabled = off)",
        "ALTER TABLE t RESET (fillfactor, toast.autovacuum_enabled)",
        "table public.t: with fillfactor=50 toast with autovacuum_enabled=off",
    ),
    (
        "CREATE TABLE t (a varchar(20), id int);; CREATE INDEX i ON t ((id + 1))",
        "ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 5",
        "ALTER INDEX i ALTER COLUMN 1 SET STATISTICS -1",
        "index column public.i.expr: integer statistics 5",
    ),
]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(("setup", "create", "drop", "line"), POSTGRESQL)
def test_objects_of_postgresql(
    project: Project, setup: str, create: str, drop: str, line: str
) -> None:
    check_seen(project, setup, create, drop, line)


TRIGGER = (
    f"{T}; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()"
)
FUNCTION = "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'"
FOREIGN = "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w"
PARTITIONED = "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p DEFAULT"
POSTGRESQL_CHANGES = [
    [
        T,
        "ALTER TABLE t ALTER a TYPE varchar(21)",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ALTER a SET DEFAULT 'x'",
        "ALTER TABLE t ALTER a SET STORAGE EXTERNAL",
        "ALTER TABLE t ALTER a SET COMPRESSION pglz",
        "ALTER TABLE t ALTER a SET STATISTICS 5",
        "ALTER TABLE t ALTER a SET (n_distinct = 5)",
        "ALTER TABLE t ALTER a SET (n_distinct = 6)",
        "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE t ALTER id SET GENERATED BY DEFAULT",
        'ALTER TABLE t ALTER a TYPE varchar(21) COLLATE "C"',
    ],
    [
        T,
        "ALTER TABLE t SET UNLOGGED",
        "ALTER TABLE t FORCE ROW LEVEL SECURITY",
        "ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey",
        "ALTER TABLE t REPLICA IDENTITY NOTHING",
        "ALTER TABLE t RENAME CONSTRAINT t_pkey TO k",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        "COMMENT ON TABLE t IS 'x'",
        "COMMENT ON TABLE t IS 'y'",
        "COMMENT ON CONSTRAINT k ON t IS 'x'",
        "COMMENT ON INDEX k IS 'x'",
        "GRANT SELECT ON t TO PUBLIC",
        "GRANT INSERT ON t TO PUBLIC",
        "GRANT SELECT ON t TO pg_monitor",
        "GRANT SELECT ON t TO pg_monitor WITH GRANT OPTION",
        "ALTER TABLE t SET SCHEMA information_schema",
    ],
    [
        f"{T}; CREATE TABLE s (LIKE t);"
        "ALTER TABLE s ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES t DEFERRABLE",
        "ALTER TABLE s ALTER CONSTRAINT c INITIALLY DEFERRED",
        "ALTER TABLE s INHERIT t",
    ],
    [f"{T}; CREATE TYPE y AS (id int, a varchar(20))", "ALTER TABLE t OF y"],
    [
        PARTITIONED,
        "CREATE INDEX i ON ONLY p (a)",
        "CREATE INDEX j ON q (a)",
        "ALTER INDEX i ATTACH PARTITION j",
        "ALTER TABLE p DETACH PARTITION q",
    ],
    [
        f"{T}; CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT id FROM t",
        "ALTER INDEX i SET (fillfactor = 50)",
        "ALTER VIEW v SET (security_barrier = true)",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 0",
        "ALTER VIEW v ALTER id SET DEFAULT 5",
    ],
    [
        FUNCTION,
        FUNCTION.replace("CREATE", "CREATE OR REPLACE").replace("1", "2"),
        "ALTER FUNCTION f STRICT",
        "ALTER FUNCTION f SET search_path = pg_catalog",
        "CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION f(text) OWNER TO pg_monitor",
        "CREATE AGGREGATE g (int) (SFUNC = int4pl, STYPE = int)",
        "CREATE OR REPLACE AGGREGATE g (int) (SFUNC = int4mi, STYPE = int)",
        "CREATE OR REPLACE AGGREGATE g (int) (SFUNC = int4mi, STYPE = int, INITCOND = '7')",
        "CREATE LANGUAGE l HANDLER plpgsql_call_handler",
    ],
    [
        TRIGGER,
        "ALTER TABLE t DISABLE TRIGGER g",
        "ALTER TABLE t ENABLE ALWAYS TRIGGER g",
        "ALTER TABLE t ENABLE REPLICA TRIGGER g",
        "CREATE OR REPLACE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        "ALTER TABLE t DISABLE RULE r",
    ],
    [
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()",
        "ALTER EVENT TRIGGER e DISABLE",
    ],
    [
        "CREATE TYPE e AS ENUM ('a')",
        "ALTER TYPE e ADD VALUE 'b'",
        "ALTER TYPE e RENAME VALUE 'a' TO 'c'",
        "ALTER TYPE e OWNER TO pg_monitor",
    ],
    [
        "CREATE DOMAIN d AS text",
        "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > '') NOT VALID",
        "ALTER DOMAIN d VALIDATE CONSTRAINT c",
        "ALTER DOMAIN d SET DEFAULT 5",
        "ALTER DOMAIN d SET NOT NULL",
        "DROP DOMAIN d; CREATE DOMAIN d AS text",
        'DROP DOMAIN d; CREATE DOMAIN d AS text COLLATE "C"',
    ],
    [
        "CREATE TYPE c AS (a int)",
        "ALTER TYPE c ADD ATTRIBUTE b int",
        "ALTER TYPE c ALTER ATTRIBUTE a TYPE text",
        "CREATE TYPE r AS RANGE (SUBTYPE = text)",
        'DROP TYPE r; CREATE TYPE r AS RANGE (SUBTYPE = text, COLLATION = "C")',
    ],
    [
        f"{T}; CREATE SEQUENCE s",
        "ALTER SEQUENCE s INCREMENT 2",
        "ALTER SEQUENCE s CACHE 2",
        "ALTER SEQUENCE s AS int",
        "ALTER SEQUENCE s START 3",
        "ALTER SEQUENCE s OWNED BY t.id",
        "GRANT USAGE ON SEQUENCE s TO PUBLIC",
    ],
    [
        f"{T}; CREATE POLICY p ON t USING (id > 0)",
        "ALTER POLICY p ON t USING (id > 1)",
        "ALTER POLICY p ON t TO pg_monitor",
        "ALTER POLICY p ON t WITH CHECK (true)",
    ],
    [
        f"{T}; CREATE STATISTICS s ON id, a FROM t",
        "ALTER STATISTICS s SET STATISTICS 5",
        "CREATE PUBLICATION p",
        "ALTER PUBLICATION p SET (publish = 'insert')",
        "ALTER PUBLICATION p ADD TABLE t",
    ],
    [
        FOREIGN,
        "ALTER SERVER s OPTIONS (ADD a 'b')",
        "ALTER SERVER s VERSION '2'",
        "GRANT USAGE ON FOREIGN SERVER s TO PUBLIC",
        "CREATE FOREIGN TABLE f (a int) SERVER s",
        "ALTER FOREIGN TABLE f OPTIONS (ADD a 'b')",
        "ALTER FOREIGN DATA WRAPPER w VALIDATOR postgresql_fdw_validator",
    ],
    [
        "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)",
        "ALTER TEXT SEARCH CONFIGURATION c RENAME TO d",
        "COMMENT ON TEXT SEARCH CONFIGURATION d IS 'x'",
        "COMMENT ON SCHEMA public IS 'x'",
        "ALTER SCHEMA public RENAME TO s",
        "DROP SCHEMA s CASCADE",
    ],
    [
        "",
        "ALTER DATABASE {name} SET work_mem = 64",
        "ALTER ROLE CURRENT_USER IN DATABASE {name} SET work_mem = 64",
        "COMMENT ON DATABASE {name} IS 'x'",
        "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        "ALTER DATABASE {name} OWNER TO pg_monitor",
    ],
]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("scripts", POSTGRESQL_CHANGES, ids=lambda scripts: scripts[-1])
def test_changes_on_postgresql(project: Project, scripts: list[str]) -> None:
    name = project.connection.settings_dict["NAME"]
    check_changes(project, *(script.replace("{name}", name) for script in scripts))


@pytest.mark.engines("postgresql")
def test_columns_and_rows_of_a_publication(project: Project) -> None:
    if project.connection.pg_version < 150000:
        pytest.skip("PostgreSQL 15 has begun with these")
    check_changes(
        project,
        f"{T}; CREATE PUBLICATION p FOR TABLE t; CREATE SCHEMA s",
        "ALTER PUBLICATION p SET TABLE t (id)",
        "ALTER PUBLICATION p SET TABLE t WHERE (id > 0)",
        "ALTER PUBLICATION p SET TABLE t WHERE (id > 1)",
        "ALTER PUBLICATION p ADD TABLES IN SCHEMA s",
    )


POSTGRESQL_UNSEEN = [
    ["CREATE TABLE t (id serial, a int GENERATED ALWAYS AS IDENTITY)", "INSERT INTO t VALUES (1)"],
    ["CREATE SEQUENCE s", "SELECT nextval('s'), setval('s', 50)", "ALTER SEQUENCE s RESTART 7"],
    [
        f"{T}; CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 'x')",
        "ANALYZE",
        "VACUUM FULL t",
        "REINDEX TABLE t",
        "CLUSTER t USING i; ALTER TABLE t SET WITHOUT CLUSTER",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id)",
        "GRANT SELECT ON t TO PUBLIC; REVOKE SELECT ON t FROM PUBLIC",
        f"DROP TABLE t; {T}; CREATE INDEX i ON t (a)",
        "SELECT lo_create(0)",
    ],
    [
        f"{T}; CREATE VIEW v AS SELECT id FROM t; CREATE MATERIALIZED VIEW m AS SELECT id FROM t",
        "CREATE OR REPLACE VIEW v AS select  t.id from t",
        "INSERT INTO t VALUES (1); REFRESH MATERIALIZED VIEW m",
    ],
    [
        FUNCTION,
        f"DROP FUNCTION f; {FUNCTION}",
        "REVOKE ALL ON FUNCTION f FROM PUBLIC; GRANT EXECUTE ON FUNCTION f TO PUBLIC",
    ],
    [TRIGGER, f"DROP TABLE t; DROP FUNCTION f; {TRIGGER}"],
    [
        f"{T}; ALTER TABLE t SET (fillfactor = 50, parallel_workers = 2)",
        "ALTER TABLE t RESET (fillfactor); ALTER TABLE t SET (fillfactor = 50)",
    ],
    [
        f"{FOREIGN} OPTIONS (a '1', b '2')",
        "ALTER SERVER s OPTIONS (DROP a); ALTER SERVER s OPTIONS (ADD a '1')",
    ],
    [PARTITIONED, "ALTER TABLE p DETACH PARTITION q; ALTER TABLE p ATTACH PARTITION q DEFAULT"],
    [f"{T}; CREATE TABLE s () INHERITS (t)", "ALTER TABLE t ADD b int; ALTER TABLE t DROP b"],
    [
        "CREATE TYPE c AS (a int, b int)",
        "ALTER TYPE c DROP ATTRIBUTE a; ALTER TYPE c ADD ATTRIBUTE a int",
    ],
    [
        "",
        "CREATE TEMPORARY TABLE t (id serial PRIMARY KEY, a text)",
        "CREATE TEMPORARY VIEW v AS SELECT a FROM t",
        "CREATE TYPE pg_temp.e AS ENUM ('a')",
    ],
]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("scripts", POSTGRESQL_UNSEEN, ids=lambda scripts: scripts[-1])
def test_what_does_not_count_on_postgresql(project: Project, scripts: list[str]) -> None:
    check_unseen(project, *scripts)


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("name", ["btree_gist", "earthdistance", "hstore"])
def test_an_extension_is_one_line(project: Project, name: str) -> None:
    if not project.query(f"SELECT 1 FROM pg_available_extensions WHERE name = '{name}'"):
        pytest.skip("the extensions of contrib are not installed")
    before = schema(project)
    run(project, f"CREATE EXTENSION {name} CASCADE")
    lines = [line.removeprefix("+ ") for line in changed(before, schema(project))]
    assert f"extension {name}" in {line.partition(":")[0] for line in lines}
    assert all(line.removeprefix("comment on ").startswith("extension ") for line in lines)
    run(project, f"DROP EXTENSION {name}; DROP EXTENSION IF EXISTS cube")
    assert schema(project) == before


@pytest.mark.engines("postgresql")
def test_what_belongs_to_the_tables_of_the_app_is_left_out(project: Project) -> None:
    project.write(V1__a="SELECT 1;")
    project.call("upgrade")
    check_unseen(
        project,
        "",
        "CREATE INDEX i ON django_jetbase_migration (path)",
        "ALTER TABLE django_jetbase_migration ADD a serial CONSTRAINT c CHECK (a > 0)",
        "GRANT SELECT ON django_jetbase_migration TO PUBLIC",
        "COMMENT ON TABLE django_jetbase_migration IS 'x'",
    )


@pytest.mark.engines("postgresql")
def test_tables_of_the_same_name(project: Project) -> None:
    run(project, f"{T}; CREATE SCHEMA s; CREATE TABLE s.t (LIKE t INCLUDING ALL)")
    lines = schema(project)
    assert {"table public.t", "table s.t", "column s.t.a: character varying(20)"} < set(lines)


@pytest.mark.engines("postgresql")
def test_an_invalid_index(project: Project) -> None:
    run(project, f"{T} ;; INSERT INTO t VALUES (1, 'x'), (2, 'x')")
    with pytest.raises(IntegrityError):
        run(project, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    check_words(schema(project), "index public.i: invalid CREATE UNIQUE INDEX")


@pytest.mark.engines("postgresql")
def test_an_ordinary_user_may_ask(project: Project) -> None:
    run(project, f"{T}; {FUNCTION}; {FOREIGN}; CREATE USER MAPPING FOR PUBLIC SERVER s")
    run(project, "SET ROLE pg_monitor")
    assert "owner of table public.t: postgres" in schema(project)


# ---- MariaDB and MySQL


@pytest.fixture
def mariadb(project: Project) -> Project:
    if not project.connection.mysql_is_mariadb:
        pytest.skip("MySQL writes and knows other things")
    return project


MYSQL = [
    ("", "CREATE TABLE t (a int)", "DROP TABLE t", "column t.a: int(11) DEFAULT NULL"),
    (T, "CREATE INDEX i ON t (a)", "DROP INDEX i ON t", "table t: KEY `i` (`a`)"),
    (
        T,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
        "ALTER TABLE t DROP CONSTRAINT c",
        "table t: CONSTRAINT `c` CHECK (`id` > 0)",
    ),
    (
        f"{T} ;; CREATE TABLE s (id int, KEY (id))",
        "ALTER TABLE s ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES t (id)",
        "ALTER TABLE s DROP FOREIGN KEY c",
        "table s: CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `t` (`id`)",
    ),
    (
        T,
        "ALTER TABLE t PARTITION BY RANGE (id)"
        " (PARTITION p VALUES LESS THAN (5), PARTITION q VALUES LESS THAN (9))",
        "ALTER TABLE t REMOVE PARTITIONING",
        "table t: PARTITION BY RANGE (`id`)",
    ),
    (
        T,
        "CREATE VIEW v AS SELECT id FROM t",
        "DROP VIEW v",
        "view v: CREATE ALGORITHM=UNDEFINED DEFINER={user} SQL SECURITY DEFINER"
        " VIEW `v` AS select `t`.`id` AS `id` from `t`",
    ),
    (
        T,
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW\nBEGIN\n  SET NEW.id = 1;\nEND",
        "DROP TRIGGER g",
        "trigger g:   SET NEW.id = 1;",
    ),
    (
        "",
        "CREATE PROCEDURE p(a int) SELECT a",
        "DROP PROCEDURE p",
        "procedure p: SELECT a",
    ),
    (
        "",
        "CREATE FUNCTION f(a int) RETURNS int DETERMINISTIC RETURN a",
        "DROP FUNCTION f",
        "function f: RETURN a",
    ),
    (
        "",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE DO SELECT 1",
        "DROP EVENT e",
        "event e: CREATE DEFINER={user} EVENT `e` ON SCHEDULE EVERY 1 DAY"
        " STARTS '2030-01-01 00:00:00' ON COMPLETION NOT PRESERVE DISABLE DO SELECT 1",
    ),
    (
        "",
        "CREATE SEQUENCE s START 5",
        "DROP SEQUENCE s",
        "sequence s: CREATE SEQUENCE `s` start with 5 minvalue 1 maxvalue 9223372036854775806"
        " increment by 1 cache 1000 nocycle ENGINE=InnoDB",
    ),
    (
        "SET sql_mode = ORACLE",
        "CREATE PACKAGE k AS\nFUNCTION f RETURN int;\nEND",
        "DROP PACKAGE k",
        "package k: FUNCTION f RETURN int;",
    ),
    (
        "",
        "CREATE TABLE `a``b` (`c d` int COMMENT 'AUTO_INCREMENT=5')",
        "DROP TABLE `a``b`",
        "column a`b.c d: int(11) DEFAULT NULL COMMENT 'AUTO_INCREMENT=5'",
    ),
]


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(("setup", "create", "drop", "line"), MYSQL)
def test_objects_of_mariadb(
    mariadb: Project, setup: str, create: str, drop: str, line: str
) -> None:
    ((user,),) = mariadb.query("SELECT CONCAT('`', REPLACE(CURRENT_USER(), '@', '`@`'), '`')")
    check_seen(mariadb, setup, create, drop, line.replace("{user}", user))


MYSQL_CHANGES = [
    [
        f"{T} ;; CREATE INDEX i ON t (a)",
        "ALTER TABLE t MODIFY a varchar(21)",
        "ALTER TABLE t MODIFY a varchar(21) NOT NULL",
        "ALTER TABLE t MODIFY a varchar(21) CHARACTER SET latin1 NOT NULL",
        "ALTER TABLE t MODIFY a varchar(21) COMMENT 'x'",
        "ALTER TABLE t MODIFY id int AUTO_INCREMENT",
        "ALTER TABLE t COMMENT 'AUTO_INCREMENT=5'",
        "ALTER TABLE t COMMENT 'AUTO_INCREMENT=6'",
        "ALTER TABLE t ALTER INDEX i IGNORED",
        "ALTER TABLE t ENGINE = Aria",
        "ALTER TABLE t ADD b int AS (id + 1)",
        "ALTER TABLE t ADD SYSTEM VERSIONING",
        "ALTER DATABASE CHARACTER SET latin1",
    ],
    [
        f"{T} ;; CREATE VIEW v AS SELECT id FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 0",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 0 WITH CHECK OPTION",
        "CREATE OR REPLACE SQL SECURITY INVOKER VIEW v AS SELECT id FROM t",
        "DROP TABLE t",
    ],
    [
        f"{T} ;; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
        "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 2",
        "CREATE TRIGGER h BEFORE INSERT ON t FOR EACH ROW PRECEDES g SET @a = 3",
        "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON t FOR EACH ROW PRECEDES h SET @a = 2",
    ],
    [
        "CREATE PROCEDURE p(a int) SELECT a ;; CREATE FUNCTION f() RETURNS int RETURN 1",
        "ALTER PROCEDURE p COMMENT 'x'",
        "ALTER FUNCTION f SQL SECURITY INVOKER",
        "CREATE OR REPLACE PROCEDURE p(a int, b int) SELECT a",
        "SET sql_mode = ANSI ;; CREATE OR REPLACE PROCEDURE p(a int, b int) SELECT a",
    ],
    [
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        "ALTER EVENT e COMMENT 'x'",
        "ALTER EVENT e ON SCHEDULE EVERY 2 DAY",
        "ALTER EVENT e ON SCHEDULE EVERY 2 DAY STARTS '2030-01-01'",
        "ALTER EVENT e DO SELECT 2",
    ],
    ["CREATE SEQUENCE s", "ALTER SEQUENCE s INCREMENT 2", "ALTER SEQUENCE s CACHE 5"],
]


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("scripts", MYSQL_CHANGES, ids=lambda scripts: scripts[-1])
def test_changes_on_mariadb(mariadb: Project, scripts: list[str]) -> None:
    check_changes(mariadb, *scripts)


@pytest.mark.engines("mysql")
def test_what_does_not_count_on_mariadb(mariadb: Project) -> None:
    table = "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a int, b int, KEY i (a))"
    event = "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1"
    routine = "CREATE PROCEDURE p() SELECT 'x'"
    trigger = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1"
    view = "VIEW v AS SELECT id FROM t"
    check_unseen(
        mariadb,
        f"{table} ;; {event} ;; {routine} ;; {trigger} ;; CREATE {view} ;; CREATE SEQUENCE s",
        "INSERT INTO t VALUES (100, 1, 2)",
        "ALTER TABLE t AUTO_INCREMENT = 5000",
        "ANALYZE TABLE t",
        "OPTIMIZE TABLE t",
        "ALTER TABLE t MODIFY a int AFTER b",
        "ALTER TABLE t DROP b ;; ALTER TABLE t ADD b int FIRST",
        f"CREATE OR REPLACE {view}",
        "SELECT NEXTVAL(s)",
        "CREATE TEMPORARY TABLE u (a int)",
        f"SET NAMES latin1 ;; DROP PROCEDURE p ;; {routine} ;; SET NAMES utf8mb4",
        f"DROP TABLE t ;; {table} ;; {trigger}",
        f"DO SLEEP(1.1) ;; DROP EVENT e ;; {event}",
    )


@pytest.mark.engines("mysql")
def test_privileges_on_mysql(project: Project) -> None:
    user = "'jetbase_test_grantee'@'localhost'"
    grants = {
        "SELECT ON t": f"privilege on table t: SELECT to {user}",
        "UPDATE (a) ON t": f"privilege on column t.a: UPDATE to {user}",
        "DROP ON *": f"privilege on database {project.connection.settings_dict['NAME']}:"
        f" DROP to {user}",
    }
    run(project, f"{T} ;; CREATE USER {user}")
    try:
        for grant, line in grants.items():
            create, drop = f"GRANT {grant} TO {user}", f"REVOKE {grant} FROM {user}"
            check_seen(project, "", create, drop, line)
    finally:
        run(project, f"DROP USER {user}")


# ---- SQLite

SQLITE = [
    (
        "",
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, price numeric(10,2) DEFAULT 'a,(b')",
        "DROP TABLE t",
        "column t.price: numeric(10, 2) DEFAULT 'a,(b'",
    ),
    (
        "",
        "CREATE TABLE t (a, b, -- x, (\n UNIQUE (a), CHECK (a > 0 AND b <> ')') /* , */,"
        " CONSTRAINT f FOREIGN KEY (a) REFERENCES t (b) ON DELETE CASCADE)",
        "DROP TABLE t",
        "constraint on t: CHECK(a > 0 AND b <> ')')",
    ),
    (
        "",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b) WITHOUT ROWID",
        "DROP TABLE t",
        "table t: WITHOUT ROWID",
    ),
    (
        T,
        "CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE DESC) WHERE id >= 0",
        "DROP INDEX i",
        "index i: CREATE UNIQUE INDEX i ON t(a COLLATE NOCASE DESC)",
    ),
    (T, "CREATE VIEW v AS SELECT id FROM t", "DROP VIEW v", "view v: FROM t"),
    (
        T,
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; DELETE FROM t; END",
        "DROP TRIGGER g",
        "trigger g: SELECT 1;",
    ),
    (
        "",
        "CREATE VIRTUAL TABLE f USING fts5(a, b, tokenize = 'porter ascii')",
        "DROP TABLE f",
        "table f: CREATE VIRTUAL TABLE f USING fts5(a, b, tokenize = 'porter ascii')",
    ),
    (T, "CREATE TABLE c AS SELECT id FROM t", "DROP TABLE c", "column c.id: INT"),
    ("", "PRAGMA user_version = 5", "PRAGMA user_version = 0", "pragma user_version: 5"),
    ("", "PRAGMA application_id = 5", "PRAGMA application_id = 0", "pragma application_id: 5"),
]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(("setup", "create", "drop", "line"), SQLITE)
def test_objects_of_sqlite(project: Project, setup: str, create: str, drop: str, line: str) -> None:
    check_seen(project, setup, create, drop, line)


SQLITE_TABLE = """
    CREATE TABLE t ( -- all of it
        id integer  NOT NULL PRIMARY KEY, /* the key */
        "order" int DEFAULT (1 + 2), [two words] text,
        `c` text REFERENCES t (id), -- the last
        CONSTRAINT x CHECK ("order" > 0)
    )
    ;; CREATE TABLE u (id int REFERENCES t ON DELETE SET NULL)
    ;; CREATE INDEX i ON t (c) WHERE c > 0
    ;; CREATE VIEW v AS SELECT c, "order" FROM t WHERE c = 'c'
    ;; CREATE TRIGGER g AFTER UPDATE OF c ON t BEGIN UPDATE t SET c = new.c; END
"""


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE t ADD COLUMN d int ;; ALTER TABLE t DROP COLUMN d",
        'ALTER TABLE t DROP COLUMN "two words" ;; ALTER TABLE t ADD COLUMN "two words" text',
        "ALTER TABLE t RENAME COLUMN c TO d ;; ALTER TABLE t RENAME COLUMN d TO c",
        "ALTER TABLE t RENAME COLUMN id TO d ;; ALTER TABLE t RENAME COLUMN d TO id",
        "ALTER TABLE t RENAME TO s ;; ALTER TABLE s RENAME TO t",
        "DROP VIEW v ;; CREATE VIEW v AS\nSELECT [c],   `order` FROM t\n\nWHERE c='c' -- x",
        "DROP INDEX i ;; CREATE INDEX i ON t(c)WHERE c>0",
        "INSERT INTO t (id) VALUES (5)",
        "CREATE TEMPORARY TABLE w (a)",
        "ANALYZE",
        "VACUUM",
        "REINDEX",
    ],
)
def test_what_does_not_count_on_sqlite(project: Project, script: str) -> None:
    if "DROP COLUMN" in script and sqlite3.sqlite_version_info < (3, 35):
        pytest.skip("SQLite 3.35 has begun with DROP COLUMN")
    check_unseen(project, SQLITE_TABLE, script)


@pytest.mark.engines("sqlite")
def test_a_table_that_is_made_anew(project: Project) -> None:
    check_unseen(
        project,
        "CREATE TABLE t (id integer PRIMARY KEY AUTOINCREMENT, a text) ;; CREATE INDEX i ON t (a)",
        'CREATE TABLE "new__t" ("a" text, "id" integer PRIMARY KEY AUTOINCREMENT)'
        " ;; INSERT INTO new__t SELECT a, id FROM t ;; DROP TABLE t"
        " ;; ALTER TABLE new__t RENAME TO t ;; CREATE INDEX i ON t (a)",
    )


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(
    "definition",
    [
        "id int, a varchar(21)",
        "id int, a varchar(20) NOT NULL",
        "id int, a varchar(20) DEFAULT 'x'",
        "id int, a varchar(20) DEFAULT 'x '",
        "id int, a varchar(20) DEFAULT 'X'",
        "id int, a varchar(20) COLLATE NOCASE",
        "id int, a varchar(20) UNIQUE",
        "id int, a varchar(20) REFERENCES t",
        "id int, a varchar(20) REFERENCES t ON DELETE CASCADE",
        "id int, a varchar(20), UNIQUE (id, a)",
        "id int, a varchar(20), UNIQUE (a, id)",
        "id int, a varchar(20), CHECK (id > 0)",
        "id int, a varchar(20), CHECK (id >= 0)",
        "id int, a AS (id)",
        '"id,a" int',
        '"id" int, "a b" varchar(20)',
    ],
)
def test_changes_on_sqlite(project: Project, definition: str) -> None:
    check_changes(
        project,
        "CREATE TABLE t (id int, a varchar(20))",
        f"DROP TABLE t ;; CREATE TABLE t ({definition})",
    )
