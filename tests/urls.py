from django.contrib import admin
from django.urls import path

from django_jetbase.admin import EventAdmin, MigrationAdmin
from django_jetbase.models import AppliedMigration, Event

another_site = admin.AdminSite(name="another")
another_site.register(AppliedMigration, MigrationAdmin)
another_site.register(Event, EventAdmin)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("another/", another_site.urls),
]
