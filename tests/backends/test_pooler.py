"""Behind a pooler a session may be at work for another client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from django_jetbase.database import Database
from django_jetbase.history.heartbeat import Timing
from django_jetbase.history.lock import Watch

from .. import poolers
from ..conftest import CLIENTS, SOON, Project
from ..history.test_lock import held

pytestmark = pytest.mark.engines("postgresql")
A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;"
OFF = "-- jetbase: transaction=off\n"
MODES = pytest.mark.parametrize("pooled", ["transaction", "session"], indirect=True)


@pytest.fixture
def pooled(project: Project, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """The database through PgBouncer, in the mode of the parameter."""
    if "pgbouncer" not in CLIENTS:
        pytest.skip("pgbouncer is not installed")
    mode = getattr(request, "param", "transaction")
    settings = project.connection.settings_dict
    with poolers.pgbouncer(CLIENTS["pgbouncer"], settings, tmp_path, mode) as changes:
        twin = project.another("pooled", **changes)
        yield twin
        twin.connection.close()


@MODES
def test_it_is_recognised(project: Project, pooled: Project) -> None:
    assert Database(pooled.alias).backend.is_pooled
    assert not Database(project.alias).backend.is_pooled


@MODES
def test_a_file_that_is_one_transaction_runs(pooled: Project) -> None:
    pooled.write(V1__a=A)
    assert pooled.call("upgrade").startswith("Applied V1__a.sql")
    assert pooled.call("rollback").startswith("Rolled back V1__a.sql")


@MODES
@pytest.mark.parametrize("direction", ["upgrade", "rollback"])
def test_one_that_is_not_is_refused(project: Project, pooled: Project, direction: str) -> None:
    builds, drops = "CREATE INDEX CONCURRENTLY i ON a (id);", "DROP INDEX CONCURRENTLY i;"
    pooled.write(V1__a=A, V2__b=f"{OFF}{builds}\n-- rollback\n{OFF}{drops}")
    if direction == "rollback":
        project.call("upgrade")
    with pytest.raises(CommandError, match=r"V2__b.sql: .*pooler.*--database") as caught:
        pooled.call(direction)
    assert caught.value.returncode == 1
    assert ("a" in project.tables()) == (direction == "rollback")
    project.call("upgrade")
    assert pooled.call("upgrade") == "Nothing to do.\n"


def other_client(project: Project, pooled: Project) -> tuple[Project, int]:
    """A client of the pooler with a transaction open, and the session that works for it."""
    project.query("CREATE TABLE work (n int)")
    client = pooled.another("client")
    client.query("BEGIN; INSERT INTO work VALUES (1)")
    ((session,),) = client.query("SELECT pg_backend_pid()")
    return client, session


@pytest.mark.parametrize("who", ["pooled", "direct"])
def test_another_client_s_session_is_not_ended(project: Project, pooled: Project, who: str) -> None:
    """The lock was taken over the pooler, and its holder has died since."""
    pooled.write(V1__a=A)
    pooled.call("upgrade")
    with held(pooled, "holder") as database:
        holder = database.lease.holder()
        assert holder is not None
        assert holder.session == 0
        client, _session = other_client(project, pooled)
        asking = pooled if who == "pooled" else project
        said = asking.call("unlock", force=True, interactive=False)
        assert said.startswith("Removed the lock")
        assert "No session is ended" in asking.said
    client.query("COMMIT")
    assert project.query("SELECT n FROM work") == [(1,)]
    client.connection.close()


def test_nor_one_that_an_older_release_has_noted(project: Project, pooled: Project) -> None:
    pooled.write(V1__a=A)
    pooled.call("upgrade")
    client, session = other_client(project, pooled)
    project.query(
        f"UPDATE django_jetbase_lock SET token = 'old', session = {session}, session_start = ''"
    )
    pooled.call("unlock", force=True, interactive=False)
    assert "No session is ended" in pooled.said
    client.query("COMMIT")
    assert project.query("SELECT n FROM work") == [(1,)]
    assert pooled.call("lock_status") == "The lock is free.\n"
    client.connection.close()


def test_a_search_path_that_it_drops(project: Project, pooled: Project) -> None:
    project.query("CREATE SCHEMA app")
    twin = pooled.another("with a path", OPTIONS={"options": "-c search_path=app"})
    twin.write(V1__a=A)
    with pytest.raises(CommandError, match="a pooler between may have dropped it"):
        twin.call("upgrade")
    assert project.tables() == set()
    twin.connection.close()


def test_the_lock_of_a_dead_holder_is_taken_over(project: Project, pooled: Project) -> None:
    """By its heartbeats alone."""
    pooled.timing = SOON
    pooled.write(V1__a=A)
    pooled.call("upgrade")
    project.query("UPDATE django_jetbase_lock SET token = 'dead', session = 0, session_start = ''")
    pooled.write(V2__b="CREATE TABLE b (id int);")
    assert pooled.call("upgrade").startswith("Applied V2__b.sql")
    assert "Taking over the lock" in pooled.said


@MODES
def test_the_role_of_a_session_is_refused(project: Project, pooled: Project) -> None:
    pooled.configure(ROLE="postgres")
    pooled.write(V1__a=A)
    for command in ("upgrade", "status"):
        with pytest.raises(CommandError, match=r"ROLE.*pooler"):
            pooled.call(command)
    assert project.tables() == set()


def test_a_live_holder_is_not_waited_for_longer_than_asked(pooled: Project) -> None:
    pooled.write(V1__a=A, V2__b="SELECT 1;")
    pooled.call("upgrade", to_version="1")
    with held(pooled, "holder") as database:
        holder = database.lease.holder()
        assert holder is not None
        other = Database(pooled.another("other").alias)
        watch = Watch(other.lease, Timing())
        assert not watch.is_gone(holder)
        assert watch.seems_gone(holder)
        assert not watch.is_gone(holder._replace(beat=holder.beat + 1))
        assert not watch.seems_gone(holder)
        other.connection.close()
