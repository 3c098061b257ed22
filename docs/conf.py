"""Sphinx configuration."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from jupyter_agent._version import __version__

project = "jupyter_agent"
author = "the jupyter_agent contributors"
project_copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "module_map", "wire"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"

copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = f"jupyter_agent {version}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
