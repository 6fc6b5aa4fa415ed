import sys
from pathlib import Path

import django
from django.conf import settings
from sphinx.application import Sphinx

from django_jetbase import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
settings.configure(INSTALLED_APPS=["django_jetbase"])
django.setup()

project = "django-jetbase"
author = "The django-jetbase authors"
project_copyright = f"2026, {author}"
release = __version__

extensions = ["command_options", "myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
default_role = "code"  # in docstrings
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 80
autodoc_type_aliases = {
    "Result": "django_jetbase.results.Result",
    "Status": "django_jetbase.results.Status",
}
nitpicky = True
nitpick_ignore = [
    ("py:class", "django_jetbase.sql.lexicon.Lexicon"),
    ("py:class", "collections.abc.Collection"),
    ("py:class", "collections.abc.Iterator"),
    ("py:class", "django_jetbase.migration.Origin"),
    ("py:class", "django_jetbase.problems.Rule"),
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
html_title = f"{project} {release}"


def setup(app: Sphinx) -> None:
    """Errors are caught, not made: leave their signatures out."""
    app.connect(
        "autodoc-process-signature",
        lambda app, what, *facts: ("", "") if what == "exception" else None,
    )
