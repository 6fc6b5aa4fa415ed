"""Two files have the same effect in one process as in two, whatever they do to their session."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from django_jetbase.backends import backend_of

from ..conftest import Project
from ..engines import Engine

SEED = int(os.environ.get("JETBASE_TEST_SEED", "14"))
PAIRS = 300 if os.environ.get("JETBASE_TEST_FAULTS") == "long" else 10
# What a file may do. `seen` has what it finds; a name is one of two, so that files meet.
EVERYWHERE = """
    CREATE TEMPORARY TABLE {name} AS SELECT {number} AS id;
    CREATE TABLE {name} (id INTEGER); INSERT INTO {name} VALUES ({number});
    CREATE TABLE IF NOT EXISTS {name} (id INTEGER); INSERT INTO {name} VALUES ({number});
    DROP TABLE IF EXISTS {name};
    CREATE VIEW {name} AS SELECT {number} AS id;
    INSERT INTO seen SELECT '{name}', count(*) FROM {name};
    INSERT INTO seen VALUES ('{name}', '{number}');
"""
PIECES = {
    "postgresql": """
        PREPARE {name} AS SELECT {number};
        EXECUTE {name};
        DEALLOCATE {name};
        LISTEN {name}; INSERT INTO seen SELECT 'channels', count(*) FROM pg_listening_channels();
        INSERT INTO seen SELECT 'channels', count(*) FROM pg_listening_channels();
        SELECT pg_advisory_lock({number});
        INSERT INTO seen SELECT 'unlocked', pg_advisory_unlock({number})::text;
        DECLARE {name} CURSOR WITH HOLD FOR SELECT generate_series(1, 5); FETCH 2 FROM {name};
        FETCH 1 FROM {name};
        CREATE SEQUENCE IF NOT EXISTS s CACHE 7; INSERT INTO seen SELECT 's', nextval('s');
        INSERT INTO seen SELECT 'last', lastval();
        SET search_path = pg_temp, public;
        SET work_mem = '{number}MB'; INSERT INTO seen SELECT 'w', current_setting('work_mem');
        INSERT INTO seen SELECT 'w', current_setting('work_mem');
        SET datestyle = 'German'; INSERT INTO seen SELECT 'd', '{number}-01-20'::date::text;
        INSERT INTO seen SELECT 'd', date '2024-02-01';
        SET ROLE pg_monitor;
        SET standard_conforming_strings = off; INSERT INTO seen VALUES ('b', 'a\\\\{number}');
        INSERT INTO seen VALUES ('b', 'a\\\\{number}');
        SET CONSTRAINTS ALL DEFERRED;
        CREATE FUNCTION pg_temp.{name}() RETURNS int LANGUAGE sql AS 'SELECT {number}';
        CREATE TYPE pg_temp.{name} AS ENUM ('{number}');
    """,
    "mysql": """
        SET @{name} = {number};
        INSERT INTO seen SELECT 'variable', @{name};
        PREPARE {name} FROM 'INSERT INTO seen VALUES ("p", {number})';
        EXECUTE {name};
        DEALLOCATE PREPARE {name};
        INSERT INTO seen SELECT 'lock', GET_LOCK('{name}', 0);
        INSERT INTO seen SELECT 'lock', RELEASE_LOCK('{name}');
        SET sql_mode = 'ANSI_QUOTES'; INSERT INTO seen SELECT 'mode', @@sql_mode;
        INSERT INTO seen SELECT 'mode', @@sql_mode;
        SET SESSION max_join_size = {number}000;
        INSERT INTO seen SELECT 'join', @@max_join_size;
        CREATE TABLE IF NOT EXISTS ids (id INT AUTO_INCREMENT PRIMARY KEY, n INT);
        INSERT INTO ids (n) VALUES ({number}); INSERT INTO seen SELECT 'id', LAST_INSERT_ID();
        INSERT INTO seen SELECT 'id', LAST_INSERT_ID();
        SET foreign_key_checks = 0;
        SET timestamp = {number}; INSERT INTO seen SELECT 't', UNIX_TIMESTAMP();
        LOCK TABLES seen WRITE;
        SET NAMES latin1;
        INSERT INTO seen SELECT 'set', @@character_set_client;
        HANDLER seen OPEN;
    """,
    "sqlite": """
        CREATE TEMP VIEW {name} AS SELECT {number} AS id;
        CREATE TABLE temp.{name} (id);
        CREATE TEMP TRIGGER {name} AFTER INSERT ON seen BEGIN DELETE FROM seen; END;
        INSERT INTO seen VALUES ('t', {number});
        ATTACH ':memory:' AS {name}; CREATE TABLE {name}.inside AS SELECT {number} AS id;
        INSERT INTO seen SELECT 'a', id FROM {name}.inside;
        DETACH {name};
        INSERT INTO seen SELECT 'databases', count(*) FROM pragma_database_list;
        INSERT INTO seen SELECT 'objects', count(*) FROM sqlite_temp_master;
        PRAGMA recursive_triggers = {number};
        PRAGMA cache_size = {number}; INSERT INTO seen SELECT 'c', * FROM pragma_cache_size;
        INSERT INTO seen SELECT 'c', * FROM pragma_cache_size;
        PRAGMA ignore_check_constraints = on;
        INSERT INTO seen SELECT 'i', * FROM pragma_ignore_check_constraints;
    """,
}
# What a session has, as far as it can be asked.
SESSION = {
    "postgresql": "SELECT (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),"
    " (SELECT count(*) FROM pg_cursors WHERE is_holdable),"
    " (SELECT count(*) FROM pg_listening_channels()), pg_my_temp_schema() <> 0 AND EXISTS"
    " (SELECT FROM pg_class WHERE relnamespace = pg_my_temp_schema()),"
    " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
    " current_user, current_setting('search_path'), current_setting('work_mem')",
    "mysql": "SELECT @a, @b, @@sql_mode, @@max_join_size, @@foreign_key_checks,"
    " @@character_set_client, IS_USED_LOCK('a'), IS_USED_LOCK('b')",
    "sqlite": "SELECT (SELECT count(*) FROM sqlite_temp_master),"
    " (SELECT group_concat(name) FROM pragma_database_list WHERE name <> 'temp'),"
    " (SELECT * FROM pragma_cache_size), (SELECT * FROM pragma_recursive_triggers)",
}
SEEN = "CREATE TABLE seen (what VARCHAR(50), value VARCHAR(50));"


def random_file(vendor: str, chosen: random.Random) -> str:
    lines = [line.strip() for line in (EVERYWHERE + PIECES[vendor]).strip().splitlines()]
    body = [
        line.replace("{name}", chosen.choice("ab")).replace("{number}", str(chosen.randint(1, 2)))
        for line in chosen.choices(lines, k=chosen.randint(1, 4))
    ]
    outside = vendor == "sqlite" and any(line.startswith(("ATTACH", "DETACH")) for line in body)
    mode = "-- jetbase: transaction=off\n" if outside or chosen.random() < 0.4 else ""
    return mode + "\n".join(body) + "\n"


def outcome(
    engine: Engine, folder: Path, settings: Any, files: Sequence[str], *, apart: bool
) -> Any:
    """What the files make of an empty database, and what they say."""
    (folder / "migrations").mkdir(parents=True)
    with engine.fresh(folder) as alias:
        project = Project(alias, folder / "migrations", engine, settings)
        project.configure()
        project.write(**{f"V{number}__a": text for number, text in enumerate([SEEN, *files])})
        said: list[str] = []
        for count in (1, 1, 1) if apart else (3,):
            if not said:
                try:
                    project.call("upgrade", count=count)
                except CommandError as error:
                    said = str(error).splitlines()
            if apart:
                project.connection.close()
        backend = backend_of(project.connection)
        left = project.query(SESSION[project.vendor])
        seen = project.query("SELECT what, value FROM seen")
        return said, project.applied(), sorted(seen, key=str), backend.schema.lines(["none"]), left


def test_pairs(engine: Engine, tmp_path: Path, settings: Any) -> None:
    chosen = random.Random(SEED)
    for number in range(PAIRS):
        files = [random_file(engine.vendor, chosen) for _file in range(2)]
        one, two = (
            outcome(engine, tmp_path / f"{number} {apart}", settings, files, apart=apart)
            for apart in (False, True)
        )
        assert one == two, files
