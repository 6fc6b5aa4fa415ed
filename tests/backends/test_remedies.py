"""What a database refuses comes with the way out, and runs once that was gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core import checks
from django.core.management.base import CommandError

from django_jetbase.backends.mysql.errors import grant_for as mysql_grant
from django_jetbase.backends.mysql.lexicon import MySQLLexicon
from django_jetbase.backends.postgresql.errors import grant_for as postgresql_grant
from django_jetbase.backends.postgresql.lexicon import PostgreSQLLexicon
from django_jetbase.sql.lexicon import Lexicon
from django_jetbase.sql.redaction import without_secrets
from django_jetbase.sql.scanner import Statement, scan

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);"
DENIED_DATABASE = "Access denied for user 'u'@'%' to database 'd'"


@contextmanager
def clerk(project: Project) -> Iterator[Project]:
    """Another user, who may connect and read."""
    if project.vendor == "postgresql":
        project.query("CREATE ROLE jetbase_remedied LOGIN")
        project.query("GRANT USAGE ON SCHEMA public TO jetbase_remedied")
    else:
        name = project.connection.settings_dict["NAME"]
        project.query("CREATE USER jetbase_remedied")
        project.query(f"GRANT SELECT ON {name}.* TO jetbase_remedied")
    twin = project.another("clerk", USER="jetbase_remedied", PASSWORD="")
    try:
        yield twin
    finally:
        twin.connection.close()
        if project.vendor == "postgresql":
            project.query("DROP OWNED BY jetbase_remedied; DROP ROLE jetbase_remedied")
        else:
            project.query("DROP USER jetbase_remedied")


def grant_named_in(message: str) -> str:
    return message.split("gives it runs: " if "gives it" in message else "give runs: ")[1].split(
        ";"
    )[0]


@pytest.mark.engines("postgresql")
def test_a_missing_privilege_for_the_tables_of_the_history(project: Project) -> None:
    project.write(V1__a=A)
    with clerk(project) as user:
        with pytest.raises(CommandError, match="permission denied for schema public") as caught:
            user.call("upgrade")
        assert grant_named_in(str(caught.value)) == (
            'GRANT USAGE, CREATE ON SCHEMA public TO "jetbase_remedied"'
        )
        project.query(grant_named_in(str(caught.value)))
        user.call("upgrade")
        assert user.applied() == ["V1__a.sql"]


@pytest.mark.engines("postgresql")
def test_a_missing_privilege_of_a_statement(project: Project) -> None:
    project.query("CREATE TABLE theirs (id INTEGER)")
    project.write(V1__a="SELECT 1;")
    with clerk(project) as user:
        project.query("GRANT CREATE ON SCHEMA public TO jetbase_remedied")
        user.call("upgrade")
        for text, grant in (
            (
                "INSERT INTO theirs VALUES (1);",
                'GRANT INSERT ON TABLE theirs TO "jetbase_remedied"',
            ),
            (
                "ALTER TABLE theirs ADD COLUMN n INTEGER;",
                'ALTER TABLE theirs OWNER TO "jetbase_remedied"',
            ),
        ):
            user.write(V2__b=text)
            with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: ") as caught:
                user.call("upgrade")
            assert grant_named_in(str(caught.value)) == grant
            assert user.applied() == ["V1__a.sql"]
            project.query(grant)
        user.call("upgrade")


@pytest.mark.engines("mysql")
def test_a_missing_privilege_on_mysql(project: Project) -> None:
    project.write(V1__a=A)
    name = project.connection.settings_dict["NAME"]
    with clerk(project) as user:
        with pytest.raises(CommandError, match="CREATE command denied") as caught:
            user.call("upgrade")
        assert grant_named_in(str(caught.value)).startswith("GRANT CREATE ON ")
        project.query(grant_named_in(str(caught.value)))
        project.query(f"GRANT INSERT, UPDATE, DELETE ON {name}.* TO jetbase_remedied")
        user.connection.close()  # what it may do in its database was settled when it began
        user.call("upgrade")
        user.write(V2__b="DROP TABLE a;")
        with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: DROP command denied") as caught:
            user.call("upgrade")
        project.query(grant_named_in(str(caught.value)))
        user.call("upgrade")
        assert user.tables() == set()


@pytest.mark.engines("mysql")
def test_a_user_who_is_not_let_in(project: Project) -> None:
    project.write(V1__a=A)
    project.query("CREATE USER jetbase_stranger")
    try:
        stranger = project.another("stranger", USER="jetbase_stranger", PASSWORD="")
        with pytest.raises(CommandError, match=r"A privilege is missing; .* TO that user"):
            stranger.call("upgrade")
    finally:
        project.query("DROP USER jetbase_stranger")


@pytest.mark.engines("sqlite")
def test_a_full_database(project: Project) -> None:
    project.write(V1__a=A, V2__b="CREATE TABLE b AS SELECT randomblob(1000000) AS x;")
    small = project.another("small", OPTIONS={"init_command": "PRAGMA max_page_count = 100"})
    with pytest.raises(CommandError, match="is full\\n") as caught:
        small.call("upgrade")
    assert "There is no room left: make some, and run it again." in str(caught.value)
    assert "Nothing of this file was kept" in str(caught.value)
    assert project.applied() == ["V1__a.sql"]
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@pytest.mark.engines("sqlite")
def test_a_read_only_file(project: Project, tmp_path: Path) -> None:
    project.write(V1__a=A)
    path = Path(project.connection.settings_dict["NAME"])
    read_only = project.another("ro", NAME=f"file:{path}?mode=ro", OPTIONS={"uri": True})
    project.query("SELECT 1")
    with pytest.raises(CommandError, match="Make the file and its directory writable"):
        read_only.call("upgrade")
    project.call("upgrade")


@pytest.mark.engines("postgresql")
def test_a_session_that_takes_no_writes(project: Project) -> None:
    body = "DO $$BEGIN RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END$$;"
    project.write(V1__a=body)
    with pytest.raises(CommandError, match="The database takes no writes now"):
        project.call("upgrade")


READ_ONLY = {
    "postgresql": ["SET TRANSACTION READ ONLY;", "SET LOCAL transaction_read_only = on;"],
    "mysql": ["SET SESSION TRANSACTION READ ONLY;", "START TRANSACTION READ ONLY;"],
    "sqlite": ["PRAGMA query_only = on;"],
}


def test_a_file_that_makes_its_session_read_only(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    for statement in READ_ONLY[project.vendor]:
        project.write(V2__b=f"{statement}\nINSERT INTO a VALUES (1);")
        with pytest.raises(CommandError, match="The file itself allows nothing to be") as caught:
            project.call("upgrade")
        assert "primary" not in str(caught.value)
        project.query("DELETE FROM django_jetbase_migration WHERE version = '2'")


@pytest.mark.engines("postgresql")
def test_the_disk_of_a_server(project: Project) -> None:
    body = "DO $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$;"
    project.write(V1__a=body)
    with pytest.raises(CommandError, match="There is no room left"):
        project.call("upgrade")


@pytest.mark.parametrize(
    ("message", "statement", "grant"),
    [
        ("permission denied for sequence s", "SELECT", "GRANT USAGE, SELECT, UPDATE ON SEQUENCE s"),
        ("permission denied for function f", "SELECT", "GRANT EXECUTE ON FUNCTION f"),
        ('permission denied for table "My T"', "DELETE FROM x", 'GRANT DELETE ON TABLE "My T"'),
        (
            "permission denied for materialized view v",
            "CREATE VIEW w AS TABLE v",
            "GRANT SELECT ON TABLE v",
        ),
        (
            "permission denied for table t",
            "CREATE TABLE x (t integer REFERENCES t)",
            "GRANT REFERENCES ON TABLE t",
        ),
        (
            "permission denied for table t",
            "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()",
            "GRANT TRIGGER ON TABLE t",
        ),
        ("permission denied for table t", "COPY t TO '/x'", "GRANT SELECT ON TABLE t"),
        ("permission denied for table t", "COPY t FROM stdin;\n\\.\n", "GRANT INSERT ON TABLE t"),
        (
            "permission denied for table t",
            "CALL p()",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE t",
        ),
        ("permission denied for table t", "", "GRANT SELECT ON TABLE t"),
        ("must be owner of view v", "CREATE VIEW v AS SELECT 1", "ALTER VIEW v OWNER"),
        ("permission denied to create role", "CREATE ROLE x", ""),
    ],
)
def test_what_postgresql_lacks(message: str, statement: str, grant: str) -> None:
    found = postgresql_grant(message, statement_of(statement, PostgreSQLLexicon()), "u")
    assert found == (f"{grant} TO u" if grant else "")


def statement_of(sql: str, lexicon: Lexicon) -> Statement | None:
    found = (item for item in scan(sql, lexicon) if isinstance(item, Statement))
    return next(found, None)


@pytest.mark.parametrize(
    ("message", "statement", "grant"),
    [
        (
            "INSERT command denied to user 'u'@'h' for table `d`.`t`",
            "",
            "GRANT INSERT ON `d`.`t` TO 'u'@'%'",
        ),
        (DENIED_DATABASE, "USE d", "GRANT SELECT ON `d`.* TO 'u'@'%'"),
        (
            DENIED_DATABASE,
            "CREATE  TEMPORARY TABLE t (id INT)",
            "GRANT CREATE TEMPORARY TABLES ON `d`.* TO 'u'@'%'",
        ),
        (
            DENIED_DATABASE,
            "CREATE PROCEDURE p() SELECT 1",
            "GRANT CREATE ROUTINE, ALTER ROUTINE ON `d`.* TO 'u'@'%'",
        ),
        (
            DENIED_DATABASE,
            "",
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES,"
            " CREATE VIEW, SHOW VIEW, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EXECUTE,"
            " CREATE TEMPORARY TABLES, LOCK TABLES ON `d`.* TO 'u'@'%'",
        ),
        (
            "Access denied; you need (at least one of) the SUPER, READ_ONLY ADMIN privilege(s)",
            "",
            "GRANT SUPER ON *.* TO 'u'@'%'",
        ),
        ("execute command denied to user 'u'@'h' for routine 'd.p'", "", ""),
        ("GRANT command denied to user 'u'@'h' for table `d`.`t`", "", ""),
        ("something else", "", ""),
    ],
)
def test_what_mysql_lacks(message: str, statement: str, grant: str) -> None:
    assert mysql_grant(message, "'u'@'%'", statement_of(statement, MySQLLexicon())) == grant


@pytest.mark.engines("postgresql", "mysql")
def test_who_may_not_read_or_write_the_history(project: Project) -> None:
    """Everything that is lacking is told at once, and no more."""
    off = "-- jetbase: transaction=off\n"
    project.write(V1__a=A)
    project.call("upgrade")
    with clerk(project) as user:
        if project.vendor == "postgresql":
            with pytest.raises(CommandError, match="permission denied for table") as caught:
                user.call("status")
            read = said_grants(str(caught.value))
            assert len(read) == 1
            assert read[0].startswith('GRANT SELECT ON "public"."django_jetbase_schema", ')
            warning = checks.run_checks(databases=[user.alias], tags=["database"])
            assert read[0] in str(warning[0].hint)
            project.query(read[0])
            assert "V1__a.sql" in user.call("status")
            user.call("lock_status")
            user.call("history")
        user.write(V2__b="SELECT 1;")
        with pytest.raises(CommandError, match=r"denied .*for table") as caught:
            user.call("upgrade")
        write = said_grants(str(caught.value))
        assert not [grant for grant in write if " ALL " in grant]
        for grant in write:
            project.query(grant)
        user.connection.close()
        user.call("upgrade")
        user.write(V3__c=f"{off}SELECT 1;\n-- rollback\nSELECT 2;", RA__d="SELECT 2;")
        user.call("upgrade")
        user.call("upgrade")
        user.write(V2__b="SELECT 1;\n-- rollback\nSELECT 2;")
        user.call("rollback", to_version="1")
        assert project.applied() == ["V1__a.sql"]


@pytest.mark.engines("mysql")
def test_a_history_that_the_server_does_not_show(project: Project) -> None:
    """As all tables for which a user has no privilege: they are no reason to begin anew."""
    database = project.connection.settings_dict["NAME"]
    project.write(V1__a=A)
    project.call("upgrade")
    project.query("CREATE USER jetbase_hidden_from")
    project.query(f"GRANT SELECT ON `{database}`.a TO jetbase_hidden_from")
    user = project.another("reader", USER="jetbase_hidden_from", PASSWORD="")
    user.write(V1__a=A)
    try:
        for command in ("status", "history", "upgrade"):
            with pytest.raises(CommandError, match="SELECT command denied") as caught:
                user.call(command)
            grants = said_grants(str(caught.value))
            assert len(grants) == 6
        read = [grant.replace(", INSERT", "").replace(", UPDATE", "") for grant in grants]
        for grant in read:
            project.query(grant.replace(", DELETE", ""))
        user.connection.close()
        assert "applied" in user.call("status")
        user.call("upgrade")
    finally:
        user.connection.close()
        project.query("DROP USER jetbase_hidden_from")


def said_grants(message: str) -> list[str]:
    return [part.strip() for part in message.split("runs: ")[1].split(";") if "GRANT" in part]


def test_passwords_are_not_shown() -> None:
    text = "CREATE SUBSCRIPTION s CONNECTION 'host=h password = hunter2 user=u' PUBLICATION p"
    assert "hunter2" not in without_secrets(text)
    assert "user=u" in without_secrets("x = 'password=hunter2 user=u'")
