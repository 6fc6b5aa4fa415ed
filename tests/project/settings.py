"""A project that tests/projects/ copies; what differs comes from the environment."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).parent
_given = json.loads(os.environ["JETBASE_PROJECT"])

SECRET_KEY = "not secret"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = [
    "django_jetbase",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "shop",
]
DATABASES = _given["DATABASES"]
JETBASE = {
    "MIGRATIONS_DIR": BASE_DIR / "jetbase" / "migrations",
    "DATABASES": {"analytics": {"MIGRATIONS_DIR": BASE_DIR / "jetbase" / "analytics"}},
    **_given["JETBASE"],
}
