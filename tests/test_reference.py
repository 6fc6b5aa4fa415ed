"""The examples of Jetbase's documentation, as printed."""

import pytest
from django.core.management.base import CommandError

from .conftest import Project

USERS = """\
-- upgrade
CREATE TABLE users (
id SERIAL PRIMARY KEY,
email VARCHAR(255) NOT NULL UNIQUE,
created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
-- rollback
DROP TABLE IF EXISTS users;
"""

WITH_COMMENTS = """\
-- upgrade
-- my first comment
CREATE TABLE users (
id SERIAL PRIMARY KEY,
email VARCHAR(255) NOT NULL UNIQUE
);
-- my second comment
CREATE TABLE items (
id SERIAL PRIMARY KEY,
name VARCHAR(100) NOT NULL,
);
-- rollback
DROP TABLE IF EXISTS items;
DROP TABLE IF EXISTS users;
"""

WITHOUT_ROLLBACK = """\
CREATE TABLE users (
id SERIAL PRIMARY KEY,
email VARCHAR(255) NOT NULL UNIQUE
);
-- items table
CREATE TABLE items (
id SERIAL PRIMARY KEY,
name VARCHAR(100) NOT NULL,
);
"""

VIEWS = """\
-- upgrade
REFRESH MATERIALIZED VIEW CONCURRENTLY user_statistics;
REFRESH MATERIALIZED VIEW CONCURRENTLY order_summary;
-- Grant permissions
GRANT SELECT ON user_statistics TO readonly_role;
GRANT SELECT ON order_summary TO readonly_role;
-- rollback
-- Usually no rollback needed for RA migrations
"""

FUNCTIONS = """\
-- upgrade
CREATE OR REPLACE FUNCTION calculate_order_total(order_id INTEGER)
RETURNS DECIMAL AS $$
BEGIN
RETURN (
SELECT SUM(price * quantity)
FROM order_items
WHERE order_items.order_id = $1
);
END;
$$ LANGUAGE plpgsql;
CREATE OR REPLACE FUNCTION update_timestamp()
RETURNS TRIGGER AS $$
BEGIN
NEW.updated_at = CURRENT_TIMESTAMP;
RETURN NEW;
END;
$$ LANGUAGE plpgsql;
-- rollback
DROP FUNCTION IF EXISTS update_timestamp();
DROP FUNCTION IF EXISTS calculate_order_total(INTEGER);
"""

MATERIALIZED = """\
CREATE TABLE order_items (order_id INTEGER, price DECIMAL, quantity INTEGER);
INSERT INTO order_items VALUES (1, 2.5, 4);
CREATE MATERIALIZED VIEW user_statistics AS SELECT 1 AS id;
CREATE UNIQUE INDEX user_statistics_id ON user_statistics (id);
CREATE MATERIALIZED VIEW order_summary AS SELECT 1 AS id;
CREATE UNIQUE INDEX order_summary_id ON order_summary (id);
"""


def test_the_example_of_a_versioned_file(project: Project) -> None:
    project.write(**{"V20251225.100000__create_users": USERS})
    project.call("upgrade")
    assert project.tables() == {"users"}
    assert project.call("current") == "20251225.100000\n"
    project.call("rollback")
    assert project.tables() == set()


@pytest.mark.parametrize("fixed", [WITH_COMMENTS, WITHOUT_ROLLBACK])
def test_the_examples_with_comments_without_their_comma(project: Project, fixed: str) -> None:
    project.write(V1__a=fixed.replace("NOT NULL,\n)", "NOT NULL\n)"))
    project.call("upgrade")
    assert project.tables() == {"users", "items"}


@pytest.mark.parametrize(("text", "line"), [(WITH_COMMENTS, 11), (WITHOUT_ROLLBACK, 9)])
def test_their_comma_is_an_error_in_its_line(project: Project, text: str, line: int) -> None:
    project.write(V1__a=text)
    with pytest.raises(CommandError, match=rf"V1__a\.sql:{line}:1: .*syntax"):
        project.call("upgrade")


@pytest.mark.engines("postgresql")
def test_the_examples_of_repeatable_files(project: Project) -> None:
    if not project.query("SELECT 1 FROM pg_roles WHERE rolname = 'readonly_role'"):
        project.query("CREATE ROLE readonly_role")
    project.write(V1__views=MATERIALIZED, RA__refresh_views=VIEWS, ROC__functions=FUNCTIONS)
    project.call("upgrade")
    assert project.applied() == [
        "V1__views.sql",
        "ROC__functions.sql",
        "RA__refresh_views.sql",
    ]
    assert project.query("SELECT calculate_order_total(1)") == [(10,)]
    assert project.call("upgrade").count("Applied") == 1


def test_a_lower_version_is_refused_and_with_the_option_ignored(project: Project) -> None:
    project.write(**{"V1.2__add_column": USERS})
    project.call("upgrade")
    project.write(**{"V1.1__add_last_name_column": WITHOUT_ROLLBACK})
    with pytest.raises(CommandError, match=r"V1\.1__add_last_name_column\.sql: is below"):
        project.call("upgrade")
    assert project.call("upgrade", skip_file_validation=True) == "Nothing to do.\n"
    assert project.tables() == {"users"}
