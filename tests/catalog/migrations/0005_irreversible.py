from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("catalog", "0004_unique_names")]
    operations = [migrations.RunSQL("UPDATE catalog_book SET sheets = sheets + 1")]
