import sys
from pathlib import Path

import django
from django.conf import settings

from django_jetbase import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
settings.configure(INSTALLED_APPS=["django_jetbase"])
django.setup()

project = "django-jetbase"
author = "The django-jetbase authors"
project_copyright = f"2026, {author}"
release = __version__

extensions = ["command_options", "myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"{project} {release}"
