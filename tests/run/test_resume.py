"""Going on with a file without transaction where it stopped, on PostgreSQL."""

import json
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from ..conftest import SOON, Project
from ..history.test_lock import lock_status, steal
from ..waiting import Gate, beside, until
from .test_concurrency import spawn

pytestmark = pytest.mark.engines("postgresql")
OFF = "-- jetbase: transaction=off\n"
LOG = "CREATE TABLE log (n INTEGER);"
BROKEN = "SELECT * FROM nowhere;"


def progress(project: Project) -> tuple[str, int, int]:
    """Incomplete, committed and attempted of what was applied last."""
    columns = "incomplete, committed, attempted"
    rows = project.query(f"SELECT {columns} FROM django_jetbase_migration ORDER BY id DESC LIMIT 1")
    incomplete, committed, attempted = rows[0]
    return incomplete, committed, attempted


def numbers(project: Project) -> list[int]:
    return [n for (n,) in project.query("SELECT n FROM log ORDER BY n")]


def fails(project: Project, match: str, **options: Any) -> None:
    with pytest.raises(CommandError, match=match):
        project.call("upgrade", **options)


def test_it_goes_on_behind_what_has_run(project: Project) -> None:
    text = f"{OFF}{LOG}\nINSERT INTO log VALUES (1);\n{BROKEN}\nINSERT INTO log VALUES (2);"
    project.write(V1__log=text, V2__after="INSERT INTO log VALUES (3);")
    fails(project, r"Committed are 2 of 4 .*from line 4 on, and go on there with .* --resume")
    assert progress(project) == ("upgrade", 2, 2)
    fails(project, "go on with jetbase_upgrade --resume, or put the database right")
    fails(project, r"V1__log\.sql:4:", resume=True)
    assert progress(project) == ("upgrade", 2, 2)
    project.write(V1__log=text.replace(BROKEN, "INSERT INTO log VALUES (10);"))
    out = project.call("upgrade", resume=True)
    assert [line.split(" (")[0] for line in out.splitlines()] == [
        "Applied V1__log.sql",
        "Applied V2__after.sql",
    ]
    assert numbers(project) == [1, 2, 3, 10]
    assert project.applied() == ["V1__log.sql", "V2__after.sql"]
    assert project.call("upgrade", resume=True) == "Nothing to do.\n"
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"
    names = [(event["event"], event["detail"]) for event in project.events()]
    assert ("started", "goes on behind statement 2") in names


@pytest.mark.parametrize("limit", [1_000_000, 0])
def test_what_has_run_may_not_change(project: Project, limit: int) -> None:
    project.configure(HISTORY_TEXT_LIMIT=limit)
    text = f"{OFF}{LOG}\nINSERT INTO log VALUES (1);\n{BROKEN}"
    project.write(V1__log=text)
    fails(project, "Committed are 2 of 3")
    project.write(V1__log=text.replace("(1)", "(2)"))
    said = r"V1__log\.sql:3: cannot go on: statement 2 has run already, and was changed"
    fails(project, said if limit else "the history has not kept what ran", resume=True)
    project.write(V1__log=f"{OFF}{LOG}")
    fails(project, "has run already, and was changed" if limit else "not kept", resume=True)
    project.write(V1__log=text.removeprefix(OFF))
    fails(project, "shall now run in one", resume=True)
    project.write(V1__log=text)
    fails(project, r"V1__log\.sql:4:", resume=True)
    assert numbers(project) == [1]


def test_what_the_session_has_lost(project: Project) -> None:
    project.write(V1__log=f"{OFF}CREATE TEMP TABLE t (n int);\n{BROKEN}")
    fails(project, "Committed are 1 of 2")
    fails(project, "statement 1 made what was lost with its session", resume=True)


def test_settings_are_set_again(project: Project) -> None:
    project.query("CREATE SCHEMA s")
    project.query("CREATE ROLE jetbase_clerk")
    try:
        project.query("GRANT ALL ON SCHEMA s TO jetbase_clerk")
        text = (
            f"{OFF}SET search_path = s;\nSET ROLE jetbase_clerk;\nCREATE TABLE a (id int);\n"
            f"CREATE INDEX CONCURRENTLY i ON a (id);\n{BROKEN}\nCREATE TABLE b (id int);"
        )
        project.write(V1__a=text)
        fails(project, "Committed are 4 of 6")
        assert progress(project) == ("upgrade", 4, 4)
        project.write(V1__a=text.replace(BROKEN, "SELECT 1;"))
        project.call("upgrade", resume=True)
        owned = "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 's' ORDER BY 1"
        assert project.query(owned) == [("a", "jetbase_clerk"), ("b", "jetbase_clerk")]
        assert project.query("SELECT current_user") == [("postgres",)]
    finally:
        project.query("DROP OWNED BY jetbase_clerk CASCADE; DROP ROLE jetbase_clerk")


def test_a_transaction_of_the_files_own(project: Project) -> None:
    text = (
        f"{OFF}{LOG}\nBEGIN;\nINSERT INTO log VALUES (1);\nCOMMIT;\n"
        f"BEGIN;\nINSERT INTO log VALUES (2);\n{BROKEN}\nCOMMIT;"
    )
    project.write(V1__log=text)
    fails(project, "Committed are 4 of 8")
    assert progress(project) == ("upgrade", 4, 4)
    project.write(V1__log=text.replace(BROKEN, "INSERT INTO log VALUES (3);"))
    project.call("upgrade", resume=True)
    assert numbers(project) == [1, 2, 3]


def test_a_read_only_transaction(project: Project) -> None:
    project.write(
        V1__log=f"{OFF}{LOG}\nBEGIN READ ONLY;\nSELECT 1;\nCOMMIT;\nINSERT INTO log VALUES (1);"
    )
    project.call("upgrade")
    assert numbers(project) == [1]


def test_an_invalid_index_is_named_and_built_again(project: Project) -> None:
    project.write(V1__log=f"{LOG} INSERT INTO log VALUES (1), (1);")
    project.call("upgrade")
    build = 'CREATE UNIQUE INDEX CONCURRENTLY "The Index" ON public . log (n);'
    project.write(V2__index=f"{OFF}{build}\nINSERT INTO log VALUES (2);")
    fails(project, r"V2__index\.sql:2:1: could not create unique index[\s\S]* the invalid index")
    assert progress(project) == ("upgrade", 0, 1)
    fails(project, "could not create unique index", resume=True)
    project.query("DELETE FROM log; INSERT INTO log VALUES (1)")
    project.call("upgrade", resume=True)
    assert 'Dropping the invalid index "The Index" before it is built again.' in project.said
    assert project.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'log'::regclass") == [
        (True,)
    ]
    assert numbers(project) == [1, 2]


def test_if_not_exists_does_not_hide_an_invalid_index(project: Project) -> None:
    project.write(V1__log=f"{LOG} INSERT INTO log VALUES (1), (1);")
    project.call("upgrade")
    build = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON log (n);"
    with pytest.raises(Exception, match="could not create"):
        project.query(build)
    project.query("DELETE FROM log")
    project.write(V2__index=f"{OFF}{build}")
    fails(project, r"V2__index\.sql:2:1: the index i is invalid")
    project.call("upgrade", resume=True)
    assert project.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'log'::regclass") == [
        (True,)
    ]


def killed(project: Project, tmp_path: Path, gate: Gate, text: str) -> None:
    """A run of the file is killed in its statement that stands at the gate."""
    project.write(V2__b=f"{OFF}{text}")
    process = spawn(project, tmp_path, "jetbase_upgrade")
    try:
        until(gate.is_waited_at)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=600)
    project.timing = SOON


def test_killed_between_statement_and_record(project: Project, tmp_path: Path) -> None:
    """A statement and its record are one transaction where that can be."""
    project.write(V1__log=LOG)
    project.call("upgrade")
    gate = Gate(project)
    text = "INSERT INTO log VALUES (1);\nINSERT INTO log SELECT 2 FROM gate();\n"
    killed(project, tmp_path, gate, text + "INSERT INTO log VALUES (3);")
    gate.open()
    project.call("upgrade", resume=True)
    assert numbers(project) == [1, 2, 3]
    assert not lock_status(project)["locked"]


CALLED_WITH_GATE = (
    "CREATE PROCEDURE p() LANGUAGE plpgsql AS"
    " $$BEGIN INSERT INTO log VALUES (1); COMMIT; PERFORM gate(); END$$;"
)


def test_killed_in_a_procedure(project: Project, tmp_path: Path) -> None:
    """What commits by itself may have done anything."""
    gate = Gate(project)
    project.write(V1__log=f"{LOG} {CALLED_WITH_GATE}")
    project.call("upgrade")
    killed(project, tmp_path, gate, "CALL p();")
    gate.open()
    fails(project, "nothing tells whether it has done its work", resume=True)
    assert numbers(project) == [1]
    project.write(V2__b=f"{OFF}SELECT 1;")
    fails(project, "had begun, so that nothing tells what it did, and was changed", resume=True)
    project.call("resolve", "2", applied=True)


def test_killed_while_an_index_is_built(project: Project, tmp_path: Path) -> None:
    gate = Gate(project)
    function = "CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
    body = "BEGIN PERFORM public.gate(); RETURN n; END"  # a build has a search_path of its own
    project.write(V1__log=f"{LOG} INSERT INTO log VALUES (1); {function} $${body}$$;")
    project.call("upgrade")
    build = "CREATE INDEX CONCURRENTLY i ON log (slow(n));"
    killed(project, tmp_path, gate, f"{build}\nINSERT INTO log VALUES (2);")
    project.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database()"
    )
    gate.open()
    assert progress(project) == ("upgrade", 0, 1)
    status = json.loads(project.call("status", json=True))["migrations"]
    assert status[1]["state"] == "incomplete"
    project.call("upgrade", resume=True)
    assert "Dropping the invalid index i" in project.said
    assert project.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'log'::regclass") == [
        (True,)
    ]
    assert numbers(project) == [1, 2]


def test_a_statement_that_refuses_a_transaction_runs_alone(project: Project) -> None:
    """Nothing in the words of a DO says whether it commits, and others we may not know."""
    body = "DO $$BEGIN EXECUTE 'COM' || 'MENT ON TABLE log IS NULL'; PERFORM 1; END$$;"
    commits = "DO $$BEGIN INSERT INTO log VALUES (1); COMMIT; END$$;"
    call = "DO $$BEGIN CALL p(); END$$;"
    procedure = "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN COMMIT; END$$;"
    project.write(V1__log=f"{OFF}{LOG}\n{procedure}\n{body}\n{commits}\n{call}\nVACUUM log;")
    project.call("upgrade")
    assert numbers(project) == [1]


def test_resume_with_other_options(project: Project) -> None:
    for options in ({"sql": True}, {"fake": True}):
        with pytest.raises(CommandError) as caught:
            project.call("upgrade", resume=True, **options)
        assert caught.value.returncode == 2


def test_a_chained_transaction_is_opened_again(project: Project) -> None:
    text = (
        f"{OFF}{LOG}\nBEGIN;\nINSERT INTO log VALUES (1);\nCOMMIT AND CHAIN;\n"
        f"INSERT INTO log VALUES (2);\n{BROKEN}\nROLLBACK;\nINSERT INTO log VALUES (3);"
    )
    project.write(V1__log=text)
    fails(project, "Committed are 4 of 8")
    project.write(V1__log=text.replace(BROKEN, "SELECT 1;"))
    project.call("upgrade", resume=True)
    assert numbers(project) == [1, 3]


@pytest.mark.parametrize(
    ("before", "schema"),
    [
        ("SET search_path = s;\nSET search_path = public;", "public"),
        ("SET search_path = s;\nRESET search_path;", "public"),
        ("SET search_path = s;\nDISCARD ALL;", "public"),
        ("SET search_path = s;\nRESET ALL;\nSET search_path = s;", "s"),
        ("BEGIN;\nSET LOCAL search_path = s;\nCOMMIT;", "public"),
        ('SET "search_path" = s;', "s"),
    ],
)
def test_the_last_setting_holds(project: Project, before: str, schema: str) -> None:
    project.query("CREATE SCHEMA s")
    text = f"{OFF}{before}\n{BROKEN}\nCREATE TABLE a (id int);"
    project.write(V1__a=text)
    fails(project, "Committed are")
    project.write(V1__a=text.replace(BROKEN, "SELECT 1;"))
    project.call("upgrade", resume=True)
    found = "SELECT schemaname FROM pg_tables WHERE tablename = 'a'"
    assert project.query(found) == [(schema,)]


@pytest.mark.parametrize(
    "before",
    ["SELECT set_config('search_path', 's', false);", "BEGIN;\nSET search_path = s;\nROLLBACK;"],
)
def test_a_setting_that_cannot_be_made_again(project: Project, before: str) -> None:
    project.write(V1__a=f"{OFF}{before}\n{BROKEN}")
    fails(project, "Committed are")
    fails(project, "set what was lost with its session, in a way", resume=True)


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN SET search_path = s; END",
        "BEGIN IF true THEN RESET search_path; END IF; END",
        "BEGIN EXECUTE 'SET search_path = s'; END",
    ],
)
def test_a_setting_made_by_a_block(project: Project, body: str) -> None:
    project.write(V1__a=f"{OFF}DO $$ {body} $$;\n{BROKEN}")
    fails(project, "Committed are")
    fails(project, "set what was lost with its session, in a way", resume=True)


def test_an_update_in_a_block_is_no_setting(project: Project) -> None:
    text = f"{OFF}{LOG}\nDO $$ BEGIN UPDATE log SET n = 1; END $$;\n{BROKEN}"
    project.write(V1__log=text)
    fails(project, "Committed are 2")
    project.write(V1__log=text.replace(BROKEN, "SELECT 1;"))
    project.call("upgrade", resume=True)


@pytest.mark.parametrize(
    "begin",
    [
        "BEGIN ISOLATION LEVEL SERIALIZABLE;",
        "BEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
    ],
)
def test_a_chained_transaction_keeps_its_isolation(project: Project, begin: str) -> None:
    seen = "INSERT INTO seen SELECT current_setting('transaction_isolation');"
    text = (
        f"{OFF}CREATE TABLE seen (level text);\nBEGIN;\nCOMMIT;\n{begin}\n"
        f"COMMIT AND CHAIN;\n{BROKEN}\n{seen}\nCOMMIT;"
    )
    project.write(V1__a=text)
    fails(project, "Committed are")
    project.write(V1__a=text.replace(BROKEN, "SELECT 1;"))
    project.call("upgrade", resume=True)
    assert project.query("SELECT level FROM seen") == [("serializable",)]


@pytest.mark.parametrize(
    "setting",
    [
        "SET default_transaction_read_only = on;",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;",
    ],
)
def test_a_session_that_writes_nothing(project: Project, setting: str) -> None:
    project.write(V1__log=f"{OFF}{LOG}\n{setting}\nSELECT 1;")
    project.call("upgrade")
    assert project.applied() == ["V1__log.sql"]
    project.write(V2__b=f"{OFF}INSERT INTO log VALUES (1);\n{setting}\nDROP TABLE log;")
    fails(project, "Committed are 2 of 3[\\s\\S]*jetbase_resolve 2 --applied")
    assert numbers(project) == [1]


def test_a_role_that_is_gone_again(project: Project) -> None:
    project.query("CREATE ROLE jetbase_clerk")
    text = f"{OFF}SET ROLE jetbase_clerk;\nRESET ROLE;\nDROP ROLE jetbase_clerk;\n{BROKEN}"
    project.write(V1__a=text)
    fails(project, "Committed are 3 of 4")
    project.write(V1__a=text.replace(BROKEN, "SELECT 1;"))
    project.call("upgrade", resume=True)


def test_a_call_that_failed_may_be_corrected(project: Project) -> None:
    procedure = "CREATE PROCEDURE good() LANGUAGE sql AS $$INSERT INTO log VALUES (1)$$;"
    project.write(V1__log=f"{LOG} {procedure}", V2__b=f"{OFF}CALL nosuch();")
    fails(project, "may have had an effect of its own")
    project.write(V2__b=f"{OFF}CALL good();")
    project.call("upgrade", resume=True)
    assert numbers(project) == [1]


def test_a_call_that_may_have_committed_is_not_tried_again(project: Project) -> None:
    body = "BEGIN INSERT INTO log VALUES (1); COMMIT; LOCK TABLE k; END"
    project.write(
        V1__log=f"{LOG} CREATE TABLE k (n int);"
        f" CREATE PROCEDURE p() LANGUAGE plpgsql AS $${body}$$;"
    )
    project.call("upgrade")
    twin = project.another()
    twin.query("BEGIN")
    twin.query("LOCK TABLE k")
    project.write(V2__b=f"{OFF}-- jetbase: lock_timeout=600ms\nCALL p();")
    fails(project, r"V2__b\.sql:3:1: .*lock timeout")
    twin.query("ROLLBACK")
    assert "trying again" not in project.said
    assert numbers(project) == [1]


def test_an_index_without_a_name(project: Project) -> None:
    project.write(V1__log=f"{LOG} INSERT INTO log VALUES (1), (1);")
    project.call("upgrade")
    project.write(V2__b=f"{OFF}CREATE UNIQUE INDEX CONCURRENTLY ON log (n);")
    fails(project, "the invalid index log_n_idx is left behind")
    project.query("DELETE FROM log")
    fails(project, "log_n_idx, perhaps of an earlier try, is invalid: drop it first", resume=True)
    project.query("DROP INDEX log_n_idx")
    project.call("upgrade", resume=True)
    assert project.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'log'::regclass") == [
        (True,)
    ]


def test_a_statement_is_not_committed_without_the_lock(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    project.query("CREATE SEQUENCE tries")
    gate = Gate(project)
    text = "INSERT INTO log SELECT nextval('tries') FROM gate();\nSELECT 1;"
    project.write(V2__b=f"{OFF}{text}")
    with gate.opened_after(lambda: steal(gate)):
        project.call("upgrade")
    assert "The lock was taken away from this run" in project.said
    assert numbers(project) == [2]


def test_a_deferred_constraint_names_its_statement(project: Project) -> None:
    table = "CREATE TABLE log (n INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED);"
    project.write(V1__log=f"{OFF}{table}\nINSERT INTO log VALUES (1);\nINSERT INTO log VALUES (1);")
    fails(project, r"V1__log\.sql:4:1: duplicate key")
    assert progress(project) == ("upgrade", 2, 2)


def test_a_comment_about_reading_only(project: Project) -> None:
    """The commit of the file's own transaction commits the record too."""
    project.write(V1__log=LOG)
    project.call("upgrade")
    project.query("CREATE SEQUENCE tries")
    gate = Gate(project)
    text = "INSERT INTO log SELECT nextval('tries') FROM gate();"
    project.write(V2__b=f"{OFF}-- makes it read only\nBEGIN;\n{text}\nCOMMIT;\nSELECT 1;")
    with gate.opened_after(lambda: steal(gate)):
        project.call("upgrade")
    assert numbers(project) == [2]


def resolved(project: Project, gate: Gate, **options: bool) -> AbstractContextManager[None]:
    """The lock is freed and V2 resolved, while the run that has lost it is at work."""
    other = project.another("other")

    def resolve() -> None:
        steal(gate)
        other.call("resolve", "2", **options)

    return gate.opened_after(resolve)


def test_nothing_is_committed_once_somebody_else_has_resolved_it(project: Project) -> None:
    slow = "INSERT INTO log SELECT 2 FROM gate();"
    project.write(V1__log=LOG, V2__b=f"{OFF}INSERT INTO log VALUES (1);\n{slow}")
    with resolved(project, Gate(project), rolled_back=True):
        project.call("upgrade")
    assert "The lock was taken away from this run" in project.said
    assert numbers(project) == [1, 1, 2]


def test_who_has_lost_the_lock_leaves_what_was_resolved_alone(project: Project) -> None:
    project.write(V1__log=LOG, V2__b=f"{OFF}INSERT INTO log SELECT 2 FROM gate();")
    with resolved(project, Gate(project), applied=True):
        project.call("upgrade")
    assert project.applied() == ["V1__log.sql", "V2__b.sql"]
    assert numbers(project) == []


def test_going_on_takes_the_row_from_whoever_began(project: Project) -> None:
    text = f"{OFF}{LOG}\n{BROKEN}"
    project.write(V1__log=text)
    fails(project, "Committed are 1 of 2")
    ids = "SELECT id, committed FROM django_jetbase_migration"
    ((first, _),) = project.query(ids)
    fails(project, "Committed are 1 of 2", resume=True)
    ((second, committed),) = project.query(ids)
    assert second > first
    assert committed == 1


@pytest.mark.parametrize("transaction", ["", OFF])
def test_a_commit_among_other_statements(project: Project, transaction: str) -> None:
    text = "INSERT INTO log VALUES (1); COMMIT; SELECT 1/0"
    project.write(V1__log=LOG, V2__b=f"-- jetbase: delimiter=~\n{transaction}{text}\n~")
    fails(project, "what COMMIT commits among other statements up to one delimiter")
    assert project.tables() == set()


def test_several_statements_up_to_one_delimiter_are_one(project: Project) -> None:
    text = "INSERT INTO log VALUES (1); INSERT INTO log VALUES (2); SELECT 1/0"
    project.write(V1__log=LOG, V2__b=f"-- jetbase: delimiter=~\n{OFF}{text}\n~")
    fails(project, "Nothing of this file was kept")
    assert numbers(project) == []


def test_a_transaction_that_only_reads_leaves_the_others_recorded(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    text = (
        f"{OFF}BEGIN;\nINSERT INTO log VALUES (1);\nCOMMIT;\n"
        "BEGIN READ ONLY;\nSELECT 1;\nCOMMIT;\nSELECT 1/0;"
    )
    project.query(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE NOTICE 'committed is %', (SELECT max(committed) FROM django_jetbase_migration);"
        " RETURN NULL; END $$"
    )
    project.query(
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note()"
    )
    project.write(V2__b=text)
    fails(project, "Committed are 6 of 7")
    assert "committed is 3" in project.said  # at the time of the COMMIT


@pytest.mark.parametrize(
    "before", ["CREATE TABLE pg_temp.t AS SELECT 1 AS n;", "SELECT 1 AS n INTO TEMP t;"]
)
def test_a_temporary_table_by_another_name(project: Project, before: str) -> None:
    project.write(V1__a=f"{OFF}{before}\n{BROKEN}")
    fails(project, "Committed are 1")
    fails(project, "made what was lost with its session", resume=True)


def test_a_setting_behind_a_rollback_to_a_savepoint(project: Project) -> None:
    before = "BEGIN;\nSAVEPOINT a;\nROLLBACK TO a;\nSET search_path = s;\nROLLBACK;"
    project.write(V1__a=f"{OFF}{before}\n{BROKEN}")
    fails(project, "Committed are 5")
    fails(project, "set what was lost with its session, in a way", resume=True)


def test_an_index_that_was_built_as_it_is_not_any_more(project: Project) -> None:
    project.write(V1__log=LOG, V2__b=f"{OFF}CREATE INDEX CONCURRENTLY i ON log (n);")
    project.call("upgrade")
    begun = "incomplete = 'upgrade', committed = 0, attempted = 1"
    project.query(f"UPDATE django_jetbase_migration SET {begun} WHERE path = 'V2__b.sql'")
    project.write(V2__b=f"{OFF}CREATE UNIQUE INDEX CONCURRENTLY i ON log (n);")
    fails(project, "statement 1 has built the index i, and was changed: drop it first", resume=True)
    project.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass")
    project.write(V2__b=f"{OFF}CREATE UNIQUE INDEX CONCURRENTLY j ON log (n);")
    fails(project, "has left the invalid index i, and was changed: drop it first", resume=True)
    project.query("DROP INDEX i")
    project.call("upgrade", resume=True)
    assert project.query("SELECT indisunique FROM pg_index WHERE indexrelid = 'j'::regclass") == [
        (True,)
    ]


def test_a_partition_that_is_half_detached(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1)
    part = "CREATE TABLE part PARTITION OF log FOR VALUES FROM (0) TO (10);"
    project.write(V1__log=f"CREATE TABLE log (n int) PARTITION BY RANGE (n); {part}")
    project.call("upgrade")
    twin = project.another()
    twin.query("BEGIN")
    twin.query("SELECT * FROM log")
    project.write(V2__b=f"{OFF}ALTER TABLE log DETACH PARTITION part CONCURRENTLY;")
    fails(project, "may have had an effect of its own")
    twin.query("ROLLBACK")
    assert "trying again" not in project.said
    project.write(V2__b=f"{OFF}ALTER TABLE log DETACH PARTITION part FINALIZE;")
    project.call("upgrade", resume=True)


def test_what_reindex_has_left(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(V1__log=f"{LOG} CREATE INDEX i ON log (n);")
    project.call("upgrade")
    twin = project.another()
    twin.query("BEGIN")
    twin.query("INSERT INTO log VALUES (1)")
    project.write(V2__b=f"{OFF}REINDEX INDEX CONCURRENTLY i;")
    fails(project, "the invalid index i_ccnew is left behind")
    twin.query("ROLLBACK")
    assert "trying again" not in project.said


@pytest.mark.parametrize(
    "text",
    [
        "SET ROLE jetbase_clerk;\nSELECT pg_sleep(3);\nSELECT 1;",
        "SET SESSION AUTHORIZATION jetbase_clerk;\nBEGIN;\nSELECT 1;\nCOMMIT;",
        "SET default_transaction_read_only = on;\nBEGIN;\nSELECT 1;\nCOMMIT;",
    ],
)
def test_the_lock_is_looked_at_whatever_the_session_is_like(project: Project, text: str) -> None:
    project.query("CREATE ROLE jetbase_clerk")
    try:
        project.write(V1__a=f"{OFF}{text}")
        project.call("upgrade")
        assert project.applied() == ["V1__a.sql"]
    finally:
        project.query("DROP ROLE jetbase_clerk")


def test_what_only_looks_temporary(project: Project) -> None:
    text = (
        f"{OFF}CREATE TABLE templates (n int);\nINSERT INTO templates VALUES (1);\n"
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER"
        f" SET search_path = public, pg_temp AS 'SELECT 1';\n{BROKEN}"
    )
    project.write(V1__a=text)
    fails(project, "Committed are 3")
    project.write(V1__a=text.replace(BROKEN, "SELECT 1;"))
    project.call("upgrade", resume=True)


def test_a_call_whose_record_fails(project: Project) -> None:
    """What it has committed is neither denied nor done again."""
    project.configure(RETRIES=0)
    gate = Gate(project)
    project.write(V1__log=f"{LOG} {CALLED_WITH_GATE}")
    project.call("upgrade")

    failed = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        """ AND wait_event_type = 'Lock' AND query LIKE 'UPDATE % "committed" = 0,%'"""
    )

    twin = project.another()

    def hold() -> None:
        until(gate.is_waited_at)
        twin.query("BEGIN")
        twin.query("SELECT * FROM django_jetbase_migration FOR UPDATE")
        gate.open()
        until(lambda: gate.ask(failed))  # and is now written down
        twin.query("ROLLBACK")

    project.write(V2__b=f"{OFF}-- jetbase: lock_timeout=1s\nCALL p();")
    with beside(hold):
        fails(project, "may have had an effect of its own")
    fails(project, "has not come to its end")
    assert numbers(project) == [1]


def test_a_call_that_loses_the_lock(project: Project) -> None:
    gate = Gate(project)
    project.write(V1__log=f"{LOG} {CALLED_WITH_GATE}")
    project.call("upgrade")
    project.write(V2__b=f"{OFF}CALL p();")
    with gate.opened_after(lambda: steal(gate)):
        fails(project, "has not come to its end")
    assert numbers(project) == [1]
