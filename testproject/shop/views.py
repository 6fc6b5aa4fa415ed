from django.views.generic import ListView

from shop.models import Product


class Catalogue(ListView):
    queryset = Product.objects.select_related("sales").order_by("name")
