"""Models over tables and a view that the files below jetbase/ make."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone


class Customer(models.Model):
    name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)

    class Meta:
        managed = False
        db_table = "customer"

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    price_cents = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    stock = models.PositiveIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "product"

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> Decimal:
        return Decimal(self.price_cents) / 100


class Order(models.Model):
    class Status(models.TextChoices):
        NEW = "new"
        PAID = "paid"
        SHIPPED = "shipped"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    ordered_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    products = models.ManyToManyField(Product, through="OrderItem")

    class Meta:
        managed = False
        db_table = "orders"

    def __str__(self) -> str:
        return f"Order {self.pk}"


class OrderItem(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])

    class Meta:
        managed = False
        db_table = "order_item"

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"


class ProductSales(models.Model):
    """A row of the view product_sales."""

    product = models.OneToOneField(
        Product, on_delete=models.DO_NOTHING, primary_key=True, related_name="sales"
    )
    units = models.IntegerField()
    revenue_cents = models.IntegerField()

    class Meta:
        managed = False
        db_table = "product_sales"
        verbose_name_plural = "product sales"

    def __str__(self) -> str:
        return f"{self.product}: {self.units}"


class DailyRevenue(models.Model):
    day = models.DateField(primary_key=True)
    orders = models.IntegerField()
    revenue_cents = models.IntegerField()

    class Meta:
        managed = False
        db_table = "daily_revenue"
        verbose_name_plural = "daily revenue"

    def __str__(self) -> str:
        return f"{self.day}: {self.revenue_cents}"
