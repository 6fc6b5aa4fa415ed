"""The databases that the tests run on are added to these by `engines.py`."""

from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "not secret"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_jetbase",
    "tests.catalog",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
