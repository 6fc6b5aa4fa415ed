"""Whatever versioned files take away, the views of ROC files are there after the run."""

import os
import random
from collections.abc import Iterator

import pytest

from ..conftest import Project

SEED = int(os.environ.get("JETBASE_TEST_SEED", "0"))
TABLES = ("t0", "t1")
COLUMNS = ("id", "x", "y")


def table(name: str) -> str:
    return f"CREATE TABLE {name} ({', '.join(f'{column} INTEGER' for column in COLUMNS)});"


class Shop:
    """Views over tables and over views, and what may happen to them."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project = project
        self.random = random.Random(f"{SEED}-{seed}")
        self.views = [f"v{number}" for number in range(5)]
        self.version = 1
        self.cascade = " CASCADE" if project.vendor == "postgresql" else ""

    def write_views(self) -> None:
        """Their paths are in another order than that in which they use each other."""
        names = self.random.sample(range(10, 99), len(self.views))
        for number, (view, name) in enumerate(zip(self.views, names, strict=True)):
            below = self.random.choice([*TABLES, *self.views[:number]])
            sql = f"CREATE VIEW {view} AS SELECT {', '.join(COLUMNS)} FROM {below};"
            drop = f"DROP VIEW IF EXISTS {view}{self.cascade};\n"
            if self.project.vendor != "sqlite" and self.random.random() < 0.5:
                drop, sql = "", sql.replace("CREATE", "CREATE OR REPLACE", 1)
            head = "-- jetbase: transaction=off\n" if self.random.random() < 0.3 else ""
            self.project.write(**{f"ROC__{name}_{view}": f"{head}{drop}{sql}"})

    def write_version(self) -> None:
        self.version += 1
        changes = (self.random.choice([*self.changes()]) for _time in range(3))
        self.project.write(**{f"V{self.version}__x": "\n".join(changes)})

    def changes(self) -> Iterator[str]:
        name, view = self.random.choice(TABLES), self.random.choice(self.views)
        yield f"DROP VIEW IF EXISTS {view}{self.cascade};"
        yield f"ALTER TABLE {name} ADD COLUMN z{self.version}{self.random.random()};".replace(
            "0.", "_"
        ).replace(";", " INTEGER;")
        yield f"DROP TABLE {name}{self.cascade};\n{table(name)}"
        yield f"INSERT INTO {name} (id) VALUES (1);"
        if self.project.vendor == "postgresql":
            yield f"ALTER TABLE {name} DROP COLUMN y CASCADE;\nALTER TABLE {name} ADD y bigint;"


@pytest.mark.parametrize("seed", range(12))
def test_every_view_is_there(project: Project, seed: int) -> None:
    shop = Shop(project, seed)
    project.write(V1__t="\n".join(map(table, TABLES)))
    shop.write_views()
    project.call("upgrade")
    for _time in range(4):
        shop.write_version()
        if shop.random.random() < 0.5:  # by hand, before it
            project.query(f"DROP VIEW {shop.views[-1]}")
        project.call("upgrade")
        for view in shop.views:
            project.query(f"SELECT id, x, y FROM {view}")
        assert project.call("upgrade") == "Nothing to do.\n"
