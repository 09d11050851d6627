"""A figure with sliders that needs no kernel and no network.

A widget is a Vega-Lite chart that carries its data and its formulas: the browser does the rest. Its
numbers can be read off without a browser too, which is how they are tested.
"""

from __future__ import annotations

import base64
import copy
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

# The name under which JupyterLab draws a Vega-Lite chart.
MIME = "application/vnd.vegalite.v5+json"
PRECISION = 6  # decimals of what comes from an integral or from draws: the same on every machine
WIDTH = 340  # of a panel, in pixels; with its axis it fits a phone


@dataclass(frozen=True, eq=False)
class Widget:
    """A chart with sliders, shown by a notebook and by the book.

    Attributes
    ----------
    spec : dict
        The chart in Vega-Lite's own words. Its ``description`` is the text alternative.
    """

    spec: dict[str, Any]

    @classmethod
    def of(cls, chart: alt.TopLevelMixin, description: str) -> Widget:
        """Finish a chart: one style for all widgets, and its text alternative."""
        styled = chart.properties(description=description).configure(
            axis=alt.AxisConfig(labelFontSize=12, titleFontSize=12, titleFontWeight="normal"),
            background="white",
            legend=alt.LegendConfig(
                labelFontSize=12, title=None, orient="top", columns=2, symbolStrokeWidth=2.5
            ),
            text=alt.MarkConfig(fontSize=12, align="left", baseline="middle"),
            title=alt.TitleConfig(fontSize=13, anchor="start", fontWeight="normal"),
            view=alt.ViewConfig(stroke=None),
        )
        return cls(styled.to_dict())

    @property
    def description(self) -> str:
        """What the chart shows, in words."""
        return str(self.spec["description"])

    @property
    def controls(self) -> dict[str, Any]:
        """Every slider or menu, and where it stands."""
        return {p["name"]: p["value"] for p in self._bound(self.spec)}

    def at(self, **values: float | str) -> Widget:
        """Return the widget with its sliders moved.

        Parameters
        ----------
        **values
            Names of controls, and where to put them.

        Raises
        ------
        ValueError
            If there is no such control, or it has no such value.
        """
        spec = copy.deepcopy(self.spec)
        bound = {p["name"]: p for p in self._bound(spec)}
        for name, value in values.items():
            if name not in bound:
                raise ValueError(f"{name} is no control; the widget has {list(bound)}")
            bind = bound[name]["bind"]
            if "options" in bind:
                if value not in bind["options"]:
                    raise ValueError(f"{name} must be one of {bind['options']}, got {value!r}")
            elif isinstance(value, str) or not bind["min"] <= value <= bind["max"]:
                raise ValueError(
                    f"{name} must be between {bind['min']} and {bind['max']}, got {value!r}"
                )
            bound[name]["value"] = value
        return Widget(spec)

    @staticmethod
    def _bound(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [p for p in spec["params"] if "bind" in p]

    def svg(self) -> str:
        """Draw the chart as it stands; its marks are labelled with their numbers."""
        return vl_convert.vegalite_to_svg(self.spec)

    def png(self) -> bytes:
        """Draw the chart as it stands, in 256 colours: an eighth of the bytes."""
        drawn = Image.open(io.BytesIO(vl_convert.vegalite_to_png(self.spec, scale=2)))
        small = io.BytesIO()
        drawn.convert("RGB").quantize(256).save(small, "png", optimize=True)
        return small.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Offer a notebook the live chart, a picture where no script runs, and words."""
        return {
            MIME: self.spec,
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": self.description,
        }


def slider(
    name: str, label: str, low: float, high: float, step: float, value: float
) -> alt.Parameter:
    """Bind a variable to a native range input, which arrow keys move."""
    bind = alt.binding_range(min=low, max=high, step=step, name=f"{label} ")
    return alt.param(name=name, value=value, bind=bind)


def menu(
    name: str, label: str, options: list[Any], value: Any, labels: list[str] | None = None
) -> alt.Parameter:
    """Bind a variable to a native menu, whose entries may have labels of their own."""
    shown = alt.Undefined if labels is None else labels
    bind = alt.binding_select(options=options, labels=shown, name=f"{label} ")
    return alt.param(name=name, value=value, bind=bind)


def table(frame: pd.DataFrame) -> alt.InlineData:
    """Write rows as CSV inside the chart: a third of what a list of records takes."""
    kinds = {str(c): "number" if frame[c].dtype.kind in "iufb" else "string" for c in frame}
    return alt.InlineData(
        values=frame.to_csv(index=False, lineterminator="\n").rstrip(),
        format=alt.CsvDataFormat(type="csv", parse=kinds),
    )
