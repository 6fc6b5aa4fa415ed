import json
import re

import pytest
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from django_jetbase.files.placeholders import expand

from ..conftest import Project

TEXT = "CREATE TABLE ${table} (id INTEGER);\n-- rollback\nDROP TABLE ${table};\n"


@given(
    st.lists(st.sampled_from(["${a}", "${b}", "${c}", "$a", "$$", "x", "\n", "}", "${", "é"])),
    st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "1", "longer", "${b}"])),
)
def test_every_character_leads_back_to_where_it_was_written(
    pieces: list[str], values: dict[str, str]
) -> None:
    written = "".join(pieces)
    source = expand(written, values)
    expected = written
    for name in ("a", "b"):
        if name in values:
            expected = re.sub(rf"(?<!\$)\$\{{{name}\}}", f"<{name}>", expected)
    for name in ("a", "b"):
        if name in values:
            expected = expected.replace(f"<{name}>", values[name])
    assert source.text == expected
    places = [source.written(offset) for offset in range(len(source.text) + 1)]
    assert places == sorted(places)
    inside = {o for item in source.replaced for o in range(item.start, item.end)}
    for offset in set(range(len(source.text))) - inside:
        assert source.text[offset] == written[places[offset]]
    assert places[-1] == len(written) or source.replaced


def test_placeholders_are_replaced_in_both_sections(project: Project) -> None:
    project.configure(PLACEHOLDERS={"table": "items"})
    project.write(V1__a=TEXT)
    project.call("upgrade")
    assert project.tables() == {"items"}
    project.call("rollback")
    assert project.tables() == set()


def test_the_checksum_and_the_stored_text_are_those_of_the_file(project: Project) -> None:
    project.configure(PLACEHOLDERS={"table": "items"})
    project.write(V1__a=TEXT, ROC__b="SELECT '${table}';")
    project.call("upgrade")
    project.configure(PLACEHOLDERS={"table": "things"})
    assert project.call("upgrade") == "Nothing to do.\n"
    (project.folder / "V1__a.sql").unlink()
    project.query("ALTER TABLE items RENAME TO things")
    project.call("rollback")
    assert project.tables() == set()


def test_without_the_setting_nothing_is_replaced(project: Project) -> None:
    project.query("CREATE TABLE a (t VARCHAR(100))")
    project.write(V1__a="INSERT INTO a VALUES ('${table} $1 $$ ${}');")
    project.call("upgrade")
    assert project.query("SELECT t FROM a") == [("${table} $1 $$ ${}",)]


def test_what_is_not_declared_stays(project: Project) -> None:
    project.configure(PLACEHOLDERS={"known": "value"})
    project.query("CREATE TABLE a (t VARCHAR(100))")
    project.write(V1__a="INSERT INTO a VALUES ('${known} ${unknown} ${ known} $known $${known}');")
    project.call("upgrade")
    assert project.query("SELECT t FROM a") == [("value ${unknown} ${ known} $known $${known}",)]


@pytest.mark.engines("postgresql")
def test_dollar_quotes_and_parameters_stay(project: Project) -> None:
    project.configure(PLACEHOLDERS={"tag": "x", "1": "y"})
    project.write(
        V1__a=(
            "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS $tag$ SELECT $1; $tag$;"
            "CREATE FUNCTION g(int) RETURNS text LANGUAGE sql AS $$ SELECT '${tag}$1' $$;"
        )
    )
    project.call("upgrade")
    assert project.query("SELECT f(3), g(3)") == [(3, "x$1")]


def test_an_error_names_the_place_in_the_file(project: Project) -> None:
    project.configure(PLACEHOLDERS={"a": "a_very_long_value", "b": ""})
    project.write(V1__a="SELECT '${a}${b}';\nSELECT '${a}${b}'; SELECT '${a}${b}' FROM nowhere;")
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    column = {"postgresql": 43, "sqlite": 20, "mysql": 20}[project.vendor]
    assert f"V1__a.sql:2:{column}: " in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a b": "x"}, "is no name"),
        ({"a": 1}, "must be text of one line"),
        ({"a": "x\ny"}, "must be text of one line"),
        ([], "must be dict"),
    ],
)
def test_wrong_placeholders(project: Project, values: object, message: str) -> None:
    project.configure(PLACEHOLDERS=values)
    with pytest.raises(CommandError, match=message):
        project.call("upgrade")


@pytest.mark.engines("postgresql")
def test_a_dollar_before_a_placeholder_keeps_it(project: Project) -> None:
    project.configure(PLACEHOLDERS={"name": "x"})
    project.write(V1__a="CREATE TABLE a AS SELECT $${name}$$ AS n, '${name}' AS m;")
    project.call("upgrade")
    assert project.query("SELECT * FROM a") == [("{name}", "x")]


SECRET = "INSERT INTO a VALUES ('${token}');\n-- rollback\nDELETE FROM a WHERE t = '${token}';\n"


def test_a_dry_run_shows_names_and_a_script_values(project: Project) -> None:
    project.configure(PLACEHOLDERS={"token": "hunter2"})
    project.query("CREATE TABLE a (t VARCHAR(100))")
    project.write(V1__a=SECRET)
    assert "INSERT INTO a VALUES ('${token}')\n;" in project.call("upgrade", dry_run=True)
    planned = json.loads(project.call("upgrade", dry_run=True, json=True))
    assert planned["steps"][0]["statements"] == ["INSERT INTO a VALUES ('${token}')"]
    assert "INSERT INTO a VALUES ('hunter2')" in project.call("upgrade", sql=True)
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()
    assert "DELETE FROM a WHERE t = '${token}'\n;" in project.call("rollback", dry_run=True)
    planned = json.loads(project.call("rollback", dry_run=True, json=True))
    assert planned["steps"][0]["statements"] == ["DELETE FROM a WHERE t = '${token}'"]
    assert "DELETE FROM a WHERE t = 'hunter2'" in project.call("rollback", sql=True)


@pytest.mark.engines("postgresql")
def test_a_dry_run_shows_names_in_rows_too(project: Project) -> None:
    project.configure(PLACEHOLDERS={"token": "hunter2", "table": "a"})
    project.query("CREATE TABLE a (t VARCHAR(100))")
    project.write(V1__a="COPY ${table} FROM STDIN;\n${token}\n\\.\nSELECT 1;")
    assert project.call("upgrade", dry_run=True).endswith(
        "\nCOPY ${table} FROM STDIN\n;\nSELECT 1\n;\n"
    )
    planned = json.loads(project.call("upgrade", dry_run=True, json=True))
    assert planned["steps"][0]["statements"] == [
        "COPY ${table} FROM STDIN;\n${token}\n\\.",
        "SELECT 1",
    ]
    assert "hunter2" in project.call("upgrade", sql=True)
    project.call("upgrade")
    assert project.query("SELECT t FROM a") == [("hunter2",)]


def test_a_value_of_several_statements(project: Project) -> None:
    project.configure(PLACEHOLDERS={"both": "SELECT 'hunter2'; SELECT 2", "none": ""})
    project.write(V1__a="SELECT 0${none};\n${both};\nSELECT 3;")
    planned = json.loads(project.call("upgrade", dry_run=True, json=True))
    assert planned["steps"][0]["statements"] == [
        "SELECT 0${none}",
        "${both}",
        "${both}",
        "SELECT 3",
    ]


def test_a_problem_names_the_placeholder(project: Project) -> None:
    command = {"postgresql": "\\connect", "mysql": "source", "sqlite": ".read"}[project.vendor]
    project.configure(PLACEHOLDERS={"token": "hunter2"})
    project.write(V1__a=f"-- jetbase: a=${{token}}\n{command} ${{token}}\nSELECT 1;")
    for options in ({}, {"dry_run": True}, {"dry_run": True, "json": True}):
        with pytest.raises(CommandError) as caught:
            project.call("upgrade", **options)
        said = f"{caught.value}{project.out.getvalue()}"
        assert "'a=${token}' is no directive" in said
        assert f"{command.strip(chr(92))} ${{token}} is a command" in said
        assert "hunter2" not in said


def test_a_message_shows_the_statement_as_written(project: Project) -> None:
    project.configure(PLACEHOLDERS={"secret": "hunter2"})
    project.write(V1__a="SELECT '${secret}' FROM nowhere;")
    with pytest.raises(CommandError, match=r"SELECT '\$\{secret\}' FROM nowhere") as caught:
        project.call("upgrade")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in json.dumps(project.events())


@pytest.mark.engines("postgresql", "mysql")
def test_what_a_database_notes_has_names_too(project: Project) -> None:
    project.configure(PLACEHOLDERS={"name": "top_secret_42"})
    project.write(V1__a="DROP TABLE IF EXISTS ${name};")
    project.call("upgrade")
    assert "${name}" in project.said
    assert "top_secret_42" not in project.said
