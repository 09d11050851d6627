"""Widgets in the pages of the book: MyST-NB asks this module how to write them as HTML.

The libraries that draw a widget come from vl-convert and are written into the book once, when it is
built. Only pages with a widget load them, and no page asks another host.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import altair as alt
import vl_convert
from docutils import nodes
from myst_nb.core.render import MimeData

from .base import MIME

if TYPE_CHECKING:
    from myst_nb.core.render import NbElementRenderer
    from sphinx.application import Sphinx

LIBRARY = "vega.js"
DRAW_ALL = """
document.addEventListener("DOMContentLoaded", () =>
  document.querySelectorAll(".widget > script").forEach((spec) =>
    vegaEmbed(spec.parentElement, JSON.parse(spec.textContent),
      {actions: false, renderer: "svg"})));
"""


class WidgetRenderer:
    """Writes a widget as its chart, and as a picture where no script runs."""

    mime_priority_overrides: ClassVar[Sequence[tuple[str, str, int | None]]] = [("html", MIME, 1)]

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Turn the chart of a cell's output into nodes; None for any other output."""
        if inline or data.mime_type != MIME:
            return None
        spec: Any = data.content
        renderer.add_js_file("vega", LIBRARY, {"loading_method": "defer"})
        _, outputs = renderer.renderer.nb_client.code_cell_outputs(data.cell_index)
        picture = MimeData("image/png", outputs[data.output_index]["data"]["image/png"])
        (image,) = renderer.render_image(picture)
        image["alt"] = spec["description"]
        chart = json.dumps(spec, ensure_ascii=False).replace("<", "\\u003c")
        return [
            raw(f'<div class="widget"><script type="application/json">{chart}</script><noscript>'),
            image,
            raw("</noscript></div>"),
        ]


def raw(html: str) -> nodes.Element:
    """Make a node that is written as it is."""
    return nodes.raw("", html, format="html")


def write_library(app: Sphinx) -> None:
    """Write Vega, Vega-Lite and vega-embed into the book, in one file."""
    if app.builder.format == "html":
        version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
        bundle = vl_convert.javascript_bundle(DRAW_ALL, vl_version=version)
        target = Path(app.outdir) / "_static" / LIBRARY
        target.parent.mkdir(parents=True, exist_ok=True)
        # In a function of its own: its names would collide with those of the theme's scripts.
        target.write_text(f"(() => {{{bundle}}})();", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register as an extension of Sphinx."""
    app.connect("builder-inited", write_library)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
