"""With the fixtures that pytest finds by itself."""

from shop.models import Product


def test_a_scratch_database(jetbase_scratch):
    jetbase_scratch.migrate_to(None)
    Product.objects.create(name="tea")
    assert jetbase_scratch.execute("SELECT name FROM shop_product") == [("tea",)]


def test_versions_above_one(jetbase_assert_reversible):
    jetbase_assert_reversible(above="1")
