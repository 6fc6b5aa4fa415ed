from django.test import TestCase

from django_jetbase.test import MigrationTestCase, assert_reversible
from shop.models import Customer, Order, OrderItem, Product


class CatalogueTests(TestCase):
    def test_it_lists_what_sql_files_inserted(self):
        self.assertContains(self.client.get("/"), "Green tea")

    def test_an_order_takes_from_the_stock(self):
        mug = Product.objects.get(sku="MUG")
        order = Order.objects.create(customer=Customer.objects.first())
        OrderItem.objects.create(order=order, product=mug, quantity=2)
        self.assertEqual(Product.objects.get(sku="MUG").stock, mug.stock - 2)


class PriceInCentsTests(MigrationTestCase):
    def test_no_cent_is_lost(self):
        self.scratch.migrate_to("1.1")
        self.scratch.execute(
            "INSERT INTO product (id, sku, name, price) VALUES (9, 'PEN', 'Pen', 1.15)"
        )
        self.scratch.migrate_to("2")
        self.assertEqual(Product.objects.get(sku="PEN").price_cents, 115)
        self.scratch.migrate_to("1.1")
        self.assertEqual(
            self.scratch.execute("SELECT price FROM product WHERE sku = 'PEN'"), [(1.15,)]
        )


class RollbackTests(TestCase):
    def test_they_take_back_what_was_done(self):
        assert_reversible()
