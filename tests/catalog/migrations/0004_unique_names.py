from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_alterations")]
    operations = [
        migrations.AlterField("author", "name", models.CharField(max_length=100, unique=True))
    ]
