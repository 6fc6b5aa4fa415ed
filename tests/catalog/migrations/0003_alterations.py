from django.db import migrations, models

from ..models import NOTE


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_rows")]
    operations = [
        migrations.AddField("book", "note", models.CharField(default=NOTE, max_length=100)),
        migrations.RenameField("book", "pages", "sheets"),
        migrations.AddIndex("book", models.Index(fields=["title"], name="catalog_title")),
        migrations.AddConstraint(
            "book",
            models.CheckConstraint(condition=models.Q(sheets__gt=0), name="catalog_sheets"),
        ),
    ]
