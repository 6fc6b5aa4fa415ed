"""With pytest-django."""

from .conftest import Throwaway


def test_pytest_django(throwaway: Throwaway) -> None:
    throwaway.pytest("shop/tests.py", "shop/fixtures.py", "shop/migration_tests.py")
    throwaway.pytest("--nomigrations")


def test_pytest_with_a_database_that_is_kept(throwaway: Throwaway) -> None:
    throwaway.pytest("--reuse-db", "--create-db")
    throwaway.pytest("--reuse-db", "-k", "Flushing")
