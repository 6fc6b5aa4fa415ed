from django.contrib import admin
from django.urls import path

from shop.views import Catalogue

urlpatterns = [
    path("", Catalogue.as_view(), name="catalogue"),
    path("admin/", admin.site.urls),
]
