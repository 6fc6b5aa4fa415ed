import os

from django.db import connections
from django.test import TestCase, TransactionTestCase

from django_jetbase import status
from shop.models import Note, Product

WITHOUT = os.environ.get("WITHOUT_SQL_MIGRATIONS")
RESISTING = os.environ.get("RESISTING_TABLES")
LATER = os.environ.get("LATER_TABLE")


def rows(sql, alias="default"):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


class Checks:
    databases = {"default", "analytics"}

    def check_schema(self):
        tables = connections["default"].introspection.table_names()
        if WITHOUT:
            self.assertNotIn("note", tables)
            return
        for alias in self.databases:
            entries = status(alias).entries
            self.assertTrue(entries)
            self.assertEqual({entry.state for entry in entries}, {"applied"})
        self.assertEqual(rows("SELECT COUNT(*) FROM visit", "analytics"), [(0,)])
        self.assertTrue(not LATER or LATER in tables)

    def check_starts_empty(self):
        self.assertEqual(rows("SELECT * FROM title"), [])
        self.assertFalse(Product.objects.exists())

    def write(self):
        product = Product.objects.create(name="tea")
        if WITHOUT:
            return
        if not rows("SELECT * FROM kind"):  # emptied after a TransactionTestCase
            with connections["default"].cursor() as cursor:
                cursor.execute("INSERT INTO kind VALUES (1, 'plain')")
        Note.objects.create(id=1, product=product, text="green")
        self.assertEqual(rows("SELECT * FROM title"), [("green", "tea")])


class InATransaction(Checks, TestCase):
    def test_what_sql_files_inserted(self):
        self.check_schema()
        if not WITHOUT:
            self.assertEqual(rows("SELECT name FROM kind"), [("plain",)])
            self.assertEqual(rows("SELECT COUNT(*) FROM priced"), [(1,)])

    def test_write(self):
        self.write()


class Again(Checks, TestCase):
    def test_write(self):
        self.check_schema()
        self.write()


class Flushing(Checks, TransactionTestCase):
    def test_write(self):
        self.check_schema()
        if not WITHOUT:
            self.check_starts_empty()
        self.write()

    def test_write_again(self):
        self.test_write()


class FlushingAgain(Flushing):
    def test_nothing_is_left(self):
        self.assertFalse(Product.objects.exists())
        if not WITHOUT:
            self.assertEqual(rows("SELECT * FROM note"), [])
            self.assertTrue(not RESISTING or rows("SELECT * FROM priced") == [])
