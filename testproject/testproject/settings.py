import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "only-for-this-example"
DEBUG = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_jetbase",
    "shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "testproject.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Where the shop lives: URLs with blanks between. The first is the default database of the site,
# each other one an alias with the name of its engine.
URLS = os.environ.get("SHOP_DATABASES", "").split()
URLS = URLS or [f"sqlite:///{quote(str(BASE_DIR / 'db.sqlite3'))}"]
BACKENDS = {"sqlite": "sqlite3", "postgresql": "postgresql", "mysql": "mysql"}

DATABASES = {}
JETBASE = {"DATABASES": {}}
for url in map(urlsplit, URLS):
    alias = url.scheme if DATABASES else "default"
    DATABASES[alias] = {
        "ENGINE": f"django.db.backends.{BACKENDS[url.scheme]}",
        "NAME": unquote(url.path.removeprefix("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
    }
    directories = [BASE_DIR / "jetbase" / "shared", BASE_DIR / "jetbase" / url.scheme]
    JETBASE["DATABASES"][alias] = {"MIGRATIONS_DIR": directories}

USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
