"""Tests of the migrations themselves, which make databases of their own."""

from django_jetbase.test import MigrationTestCase, assert_reversible
from shop.models import Note, Product


class Upgrading(MigrationTestCase):
    def test_a_scratch_database(self):
        name = self.scratch.connection.settings_dict["NAME"]
        self.assertTrue("scratch" in name)
        self.assertNotIn("note", self.scratch.connection.introspection.table_names())
        self.scratch.migrate_to("1")
        product = Product.objects.create(name="tea")
        Note.objects.create(id=1, product=product, text="green")
        self.assertEqual(self.scratch.execute("SELECT text FROM note"), [("green",)])

    def test_the_versions_can_be_rolled_back(self):
        assert_reversible()
