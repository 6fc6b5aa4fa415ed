"""With pytest-django."""

from .conftest import Throwaway


def test_pytest_django(throwaway: Throwaway) -> None:
    throwaway.pytest("shop/tests.py", "shop/fixtures.py", "shop/migration_tests.py")
    throwaway.pytest("--nomigrations")


MOVED = """\
-- jetbase: django=shop.{name}
-- jetbase: after=shop.0001
CREATE TABLE {table} (id INTEGER);
INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '{name}', CURRENT_TIMESTAMP);
-- rollback
DROP TABLE {table};
DELETE FROM django_migrations WHERE app = 'shop' AND name = '{name}';
"""
OF_SQL = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("CREATE TABLE still (id INTEGER)")]
        ),
    ]
"""


def test_pytest_without_the_migrations_that_files_became(throwaway: Throwaway) -> None:
    """What only SQL makes is there; what the models say is not made twice."""
    migrations = throwaway.folder / "shop" / "migrations"
    throwaway.write("V2__moved", MOVED.format(name="0002_gone", table="moved"))
    (migrations / "0003_still.py").write_text(OF_SQL)
    throwaway.write("V3__still", MOVED.format(name="0003_still", table="still"))
    throwaway.write("V4__of_models", MOVED.format(name="0001", table="shop_product"))
    for table in ("moved", "still"):
        throwaway.pytest("--nomigrations", LATER_TABLE=table)
        throwaway.pytest(LATER_TABLE=table)


def test_pytest_with_a_database_that_is_kept(throwaway: Throwaway) -> None:
    throwaway.pytest("--reuse-db", "--create-db")
    throwaway.pytest("--reuse-db", "-k", "Flushing")
