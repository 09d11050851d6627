"""A Sphinx extension: the built book holds what its pages use, and says it in valid markup."""

import shutil
from pathlib import Path

# The one MathJax component that pages load, and its fonts.
MATHJAX = ["tex-chtml.js", "output/chtml/fonts/woff-v2"]
# Markup that others write, and what it should be.
MENDED = {' role="doc-biblioentry"': ' role="listitem"', ' aria-label="Toggle hidden content"': ""}


def trim(app, error):
    """Delete what no page asks for: MathJax's other components, source maps, translations."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    whole, lean = static / "mathjax", static / "mathjax.lean"
    for part in MATHJAX:
        (lean / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(whole / part, lean / part)
    shutil.rmtree(whole)
    lean.rename(whole)
    for source_map in static.rglob("*.map"):
        source_map.unlink()
    shutil.rmtree(static / "locales", ignore_errors=True)


def mend(app, page, template, context, doctree):
    """Replace a role that has left the standard, and names that are not what the reader sees."""
    body = context.get("body", "")
    for found, instead in MENDED.items():
        body = body.replace(found, instead)
    context["body"] = body


def setup(app):
    """Connect both, `trim` after the extension that copies MathJax."""
    app.connect("html-page-context", mend)
    app.connect("build-finished", trim, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
