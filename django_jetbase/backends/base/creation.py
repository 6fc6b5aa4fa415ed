from collections.abc import Collection

from .backend import Part


class Creation(Part):
    """Scratch and test databases: making them, emptying them, dropping them."""

    def create_schemas(self, history: str | None) -> None:
        """Create the schemas that the settings of the alias name, where they are missing."""

    def scratch_name(self, prefix: str, name: str) -> str:
        """What to call a database beside the one with this name."""
        return f"{prefix}{name}_scratch"

    def end_other_sessions(self) -> None:
        """End those that would keep this database from being dropped."""

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        """The tables but for those of models and those that say what was migrated.

        Named as Django's own operations take them.
        """
        names = set(self.connection.introspection.table_names()) - {*managed, *records}
        return [self.for_django(name) for name in sorted(names)]

    def for_django(self, name: str) -> str:
        """A name for Django's own operations, which quote it but escape no quote in it."""
        quoted = self.backend.quote(name)
        return name if name == quoted[1:-1] else quoted
