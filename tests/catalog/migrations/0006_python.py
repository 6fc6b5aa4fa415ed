from typing import Any

from django.db import migrations


def count_the_sheets(apps: Any, schema_editor: Any) -> None:
    """What no SQL file can do."""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_irreversible")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(count_the_sheets, migrations.RunPython.noop)]
        )
    ]
