from django.db import models


class Product(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        permissions = [("price_product", "Can set prices")]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """A row of a table that an SQL file makes."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    text = models.CharField(max_length=100)

    class Meta:
        managed = False
        db_table = "note"

    def __str__(self) -> str:
        return self.text
