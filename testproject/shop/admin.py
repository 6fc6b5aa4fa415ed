from django.contrib import admin
from django.http import HttpRequest

from shop.models import Customer, DailyRevenue, Order, OrderItem, Product, ProductSales


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ["name", "email"]
    search_fields = ["name", "email"]


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "sku", "price", "stock"]
    search_fields = ["name", "sku"]


class OrderItemInline(admin.TabularInline):
    model = OrderItem
    extra = 1


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["id", "customer", "ordered_at", "status"]
    list_filter = ["status"]
    inlines = [OrderItemInline]


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(ProductSales)
class ProductSalesAdmin(ReadOnlyAdmin):
    list_display = ["product", "units", "revenue_cents"]


@admin.register(DailyRevenue)
class DailyRevenueAdmin(ReadOnlyAdmin):
    list_display = ["day", "orders", "revenue_cents"]
