"""Prints every page of the admin under a skin: `python -m tests.skins.pages FOLDER APP…`."""

import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

folder, apps = Path(sys.argv[1]), sys.argv[2:]
settings.configure(
    SECRET_KEY="not secret",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="tests.skins.urls",
    STATIC_URL="static/",
    INSTALLED_APPS=[
        *apps,
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "django_jetbase",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}},
    JETBASE={"MIGRATIONS_DIR": folder / "migrations"},
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402

call_command("migrate", verbosity=0)
call_command("jetbase_upgrade", verbosity=0)
client = Client()
client.force_login(User.objects.create_superuser("root"))
LIST = "/admin/django_jetbase/appliedmigration/"
PAGES = [
    "/admin/",
    LIST,
    f"{LIST}?state=applied&q=a",
    f"{LIST}default_2F1/change/",
    f"{LIST}default_2F2/change/?view=formatted",
    "/admin/django_jetbase/event/",
    "/admin/django_jetbase/event/?event=applied",
]
for page in PAGES:
    response = client.get(page)
    print(f"--- {page} {response.status_code}")
    print(response.content.decode())
