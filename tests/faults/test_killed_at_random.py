"""Processes that are killed at random moments, and started again until they are through."""

import os
import random
import time

from ..conftest import ENGINES, Project
from .conftest import LONG, Fresh, Runs, applied_events, ended, together

FILES = 100 if LONG else 20
# How many at the same time, and how many are killed in each.
CHAINS = {
    "postgresql": (10, 20) if LONG else (6, 1),
    "sqlite": (4, 50) if LONG else (2, 3),
}
OURS = "django\\_jetbase\\_%"
SCHEMA = {
    "sqlite": "SELECT type, name, tbl_name, sql FROM sqlite_master"
    rf" WHERE tbl_name NOT LIKE '{OURS}' ESCAPE '\' ORDER BY type, name",
    "postgresql": "SELECT 'column', table_name, column_name, data_type || is_nullable"
    " FROM information_schema.columns WHERE table_schema = 'public'"
    f" AND table_name NOT LIKE '{OURS}' UNION ALL"
    " SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    f" AND tablename NOT LIKE '{OURS}' UNION ALL"
    " SELECT 'view', viewname, '', definition FROM pg_views WHERE schemaname = 'public'"
    " ORDER BY 1, 2, 3",
}
ROWS = (
    "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    " SELECT i, 'row', i FROM n"
)
KINDS = [
    "CREATE TABLE t{t} (id INTEGER PRIMARY KEY, v VARCHAR(20));\n"
    "INSERT INTO t{t} VALUES (1, 'a'), (2, 'b');\nCREATE INDEX i{t} ON t{t} (v);",
    "INSERT INTO log VALUES ({n});",
    "ALTER TABLE t{t} ADD COLUMN w INTEGER;\nUPDATE t{t} SET w = id * {n};",
    "CREATE VIEW v{t} AS SELECT id FROM t{t};\nINSERT INTO log SELECT {n} FROM v{t};",
    f"INSERT INTO t{{t}} {ROWS};\nDELETE FROM t{{t}} WHERE id = 1;\n"
    "INSERT INTO log VALUES ({n});",
]

Snapshot = tuple[object, ...]


def write(project: Project) -> None:
    """DDL, data, and files of several statements."""
    project.write(V1__log="CREATE TABLE log (n INTEGER);")
    for n in range(2, FILES):
        kind = (n - 2) % 5
        project.write(**{f"V{n}__x": KINDS[kind].format(n=n, t=n - kind)})
    view = "CREATE VIEW total AS SELECT count(*) AS n FROM log;"
    project.write(ROC__total=f"DROP VIEW IF EXISTS total;\n{view}")


def snapshot(project: Project) -> Snapshot:
    """The schema, the rows and the history."""
    history = "SELECT path, checksum, incomplete FROM django_jetbase_migration ORDER BY id"
    return (
        project.query(SCHEMA[project.vendor]),
        {table: sorted(project.query(f"SELECT * FROM {table}")) for table in project.tables()},
        project.query(history),
        applied_events(project),
    )


def empty(project: Project) -> None:
    if project.vendor == "postgresql":
        project.query("DROP SCHEMA public CASCADE")
        project.query("CREATE SCHEMA public")
        return
    project.connection.close()
    for path in project.folder.parent.glob("side.sqlite3*"):
        path.unlink()


class Chain:
    """Upgrades that are killed; `upgrade` ends when one was through."""

    def __init__(self, project: Project, runs: Runs, seed: str) -> None:
        self.project = project
        self.runs = runs
        self.chance = random.Random(seed)

    def upgrade(self, kills: int) -> int:
        """Kill so many of its runs at most; returns how many it were."""
        for count in range(kills):
            if not self._is_killed():
                return count
        outcome = self.runs.run(self.project)
        assert outcome.status == 0, outcome
        return kills

    def _is_killed(self) -> bool:
        """Kill a run some files after its beginning, or before it applies any."""
        process = self.runs.start(self.project)
        assert process.stdout
        lines = self.chance.randrange(FILES // 4)
        pause = self.chance.uniform(0, 0.03 if lines else 1)
        for _line in range(lines):
            process.stdout.readline()
        time.sleep(pause)
        process.kill()
        outcome = ended(process)
        assert outcome.status in (0, -9), outcome
        return outcome.status != 0


def expected(project: Project) -> Snapshot:
    """What an undisturbed run leaves."""
    write(project)
    project.call("upgrade")
    return snapshot(project)


def test_what_is_killed_goes_on_where_it_was(fresh: Fresh, runs: Runs) -> None:
    seed = os.environ.get("JETBASE_TEST_SEED") or str(random.randrange(10**9))
    print(f"JETBASE_TEST_SEED={seed}")
    vendors = [vendor for vendor in CHAINS if vendor in ENGINES]
    undisturbed = {
        vendor: expected(fresh(ENGINES[vendor], f"{vendor}_undisturbed")) for vendor in vendors
    }

    def kill(project: Project) -> None:
        write(project)
        chain = Chain(project, runs, f"{seed} {project.alias}")
        left = CHAINS[project.vendor][1]
        while left:
            left -= chain.upgrade(left)
            assert snapshot(project) == undisturbed[project.vendor]
            empty(project)

    chains = [(vendor, n) for vendor in vendors for n in range(CHAINS[vendor][0])]
    together([fresh(ENGINES[vendor], f"{vendor}_{n}") for vendor, n in chains], kill)
