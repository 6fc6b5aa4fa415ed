from django.db import migrations

INSERT = "INSERT INTO catalog_author (id, name) VALUES (%s, %s)"
TITLE = "INSERT INTO catalog_book (id, title, author_id, pages) VALUES (1, '100% %s {x}', 1, 3)"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [
        migrations.RunSQL(
            [(INSERT, [1, "O'Neill % \\ é"]), (INSERT, [2, "-- rollback"]), TITLE],
            ["DELETE FROM catalog_book", "DELETE FROM catalog_author"],
        )
    ]
