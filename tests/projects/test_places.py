"""With a history of another name, or in another schema."""

import pytest

from .conftest import Throwaway


def test_a_history_of_another_name(throwaway: Throwaway) -> None:
    """Which flushes leave alone, and which is no part of what SQL has made."""
    throwaway.jetbase["HISTORY_TABLE_PREFIX"] = "ops_"
    throwaway.test()


@pytest.mark.engines("postgresql")
def test_a_history_in_a_schema_of_its_own(throwaway: Throwaway) -> None:
    """Which test databases have as well."""
    throwaway.jetbase["HISTORY_SCHEMA"] = "ops"
    throwaway.test()


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("args", [[], ["--parallel", "2"]])
def test_a_schema_of_its_own(throwaway: Throwaway, args: list[str]) -> None:
    name = throwaway.databases["default"]["NAME"]
    throwaway.add("analytics", NAME=name, OPTIONS={"options": "-c search_path=analytics"})
    throwaway.test(*args)
