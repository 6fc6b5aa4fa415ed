"""A project whose backend moves the search_path: TENANTS_PACKAGE names the package of that."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).parent
PACKAGE = os.environ["TENANTS_PACKAGE"]
SECRET_KEY = "not secret"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": json.loads(os.environ["TENANTS_DATABASE"])
    | {"ENGINE": f"{PACKAGE}.postgresql_backend"}
}
DATABASE_ROUTERS = [f"{PACKAGE}.routers.TenantSyncRouter"]
SHARED_APPS = [PACKAGE, "customers", "django.contrib.contenttypes", "django_jetbase"]
TENANT_APPS = ["django.contrib.contenttypes"]
INSTALLED_APPS = SHARED_APPS
TENANT_MODEL = "customers.Client"
TENANT_DOMAIN_MODEL = "customers.Domain"
