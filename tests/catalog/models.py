"""Models whose migrations the tests turn into files."""

from django.db import models

NOTE = 'it\'s \\ "quoted" -- rollback; {x} é'


class Author(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    id = models.BigAutoField(primary_key=True)
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    note = models.CharField(max_length=100, default=NOTE)
    sheets = models.IntegerField(default=7)

    class Meta:
        indexes = [models.Index(fields=["title"], name="catalog_title")]
        constraints = [
            models.CheckConstraint(condition=models.Q(sheets__gt=0), name="catalog_sheets")
        ]

    def __str__(self) -> str:
        return self.title
