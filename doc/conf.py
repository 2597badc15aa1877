"""Configuration of Sphinx: ``sphinx-build -W -b html doc doc/_build/html``."""

from sphinx.domains.math import MathDomain

import skngd

project = "skngd"
author = "The skngd developers"
copyright = author
version = release = skngd.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "code"

# No reference leads nowhere; other packages are not looked up, so that no network is needed.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(collections|numpy|sklearn)\..*")]

autosummary_generate = True
# The template of a class lists its methods; numpydoc would list them a second time.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[\\/]plot_",
    "ignore_pattern": r"__init__\.py|\btoy\.py|[\\/]benchmarks[\\/]",
    "abort_on_example_error": True,
    "download_all_examples": False,
    # Scripts that run side by side; each keeps to one thread.
    "parallel": 2,
}

# A copied example has neither prompts nor output.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = f"skngd {version}"
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 2,
    "show_prev_next": True,
}
ALONE = ("changelog", "development", "installation", "measured", "notebooks")
html_sidebars = {page: [] for page in ALONE}
html_static_path = ["_static"]
html_css_files = ["skngd.css"]


class TaggedEquations(MathDomain):
    """Equations carry their label, the tag that the code cites, in place of a number."""

    def note_equation(self, docname, labelid, location=None):
        super().note_equation(docname, labelid, location)
        self.equations[labelid] = docname, labelid


def setup(app):
    app.add_domain(TaggedEquations, override=True)
