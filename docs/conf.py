import runpy
from pathlib import Path

version_file = Path(__file__).parents[1] / "django_jetbase" / "version.py"
release = runpy.run_path(str(version_file))["__version__"]

project = "django-jetbase"
author = "The django-jetbase authors"
project_copyright = f"2026, {author}"

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"{project} {release}"
