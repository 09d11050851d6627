"""Verdicts are computed: break a claim, and its verdict changes."""

import re

import nbformat
import numpy as np
import pytest

from bhm_utils import plots
from bhm_utils.claims import CORRECTED, FAILS, HOLDS, OPEN, Ledger

from .test_tables_and_plots import labelled


@pytest.fixture
def ledger():
    return Ledger(section="A slide")


@pytest.mark.parametrize(
    ("computed", "claimed", "corrected", "verdict"),
    [
        (3.14159, 3.14, None, HOLDS),
        (3.14159, 3.14, 2.72, HOLDS),
        (3.14159, 3.41, None, FAILS),
        (3.14159, 3.41, 3.14, CORRECTED),
        (3.14159, 3.41, 3.44, FAILS),  # a correction has to pass, too
        (3.14159, None, 3.14, OPEN),
        (None, 3.14, None, OPEN),
        (None, None, None, OPEN),
        ([1, 2], [1, 2], None, HOLDS),
        ([1, 2], [1, 3], [1, 2], CORRECTED),
        ([1, 2], [1, 3], [2, 2], FAILS),
        (True, True, None, HOLDS),
        (False, True, False, CORRECTED),
    ],
)
def test_verdict_follows_from_the_numbers(ledger, computed, claimed, corrected, verdict):
    row = ledger.check("row", computed, claimed, 0.005, corrected=corrected)
    assert row.verdict is verdict
    assert ledger.claims == {"row": row}


@pytest.mark.parametrize("off", [0.9, 1.1])
def test_tolerance_is_the_largest_difference_that_counts_as_equal(ledger, off):
    alone = ledger.check("alone", 1 + off * 0.01, 1, 0.01)
    each = ledger.check("each", [1, 1 + off], [1, 1], [0.0, 1.0])
    assert alone.verdict is each.verdict is (HOLDS if off < 1 else FAILS)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((69.42536, 69.425, 0.0005), "claimed 69.425; found 69.4254; tolerance 0.0005"),
        ((1.22, 1.0, 0.25), "claimed 1; found 1.22; tolerance 0.25"),  # not 0.2: it holds
        ((1725, 1905, 0.0), "claimed 1,905; found 1,725"),
        ((True, False, 0.0), "claimed no; found yes"),
        ((-1e-17, 0, 1e-12), "claimed 0; found 0; tolerance 1e-12"),
        ((None, 1.49, 0.0), "claimed 1.49"),
        ((1.23456, None, 0.2), "found 1.23"),
        ((None, None, 0.0), ""),
        ((12345.678, 100.0, 10.0), "claimed 100; found 12,345.678; tolerance 10"),
    ],
)
def test_numbers_have_no_more_digits_than_the_tolerance_allows(ledger, row, words):
    assert ledger.check("row", *row).numbers == words


def test_sections_are_counted(ledger):
    ledger.check("a", 1, 1)
    ledger.check("b", 1, 2)
    ledger.begin("Another")
    ledger.check("c", 1, 1)
    assert {section: count[HOLDS] for section, count in ledger.counts().items()} == {
        "A slide": 1,
        "Another": 1,
    }
    assert ledger.counts()["A slide"] == {HOLDS: 1, CORRECTED: 0, FAILS: 1, OPEN: 0}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Row 1", (1, 1), "name must be of small letters, digits and hyphens, got 'Row 1'"),
        ("taken", (1, 1), "name must be new, got 'taken' again"),
        ("row", (np.nan, 1), "computed must be finite numbers, got nan"),
        ("row", (1, []), r"claimed must be finite numbers, got \[\]"),
        ("row", ([1, 2], 1), "computed, claimed and corrected must be as many"),
        ("row", (1, 1, -1), "tolerance must be one number or 1, at least 0, got -1"),
        ("row", (1, 1, [0, 0]), r"tolerance must be one number or 1, at least 0, got \[0, 0\]"),
    ],
)
def test_bad_input_is_named(ledger, name, arguments, message):
    ledger.check("taken", 1, 1)
    with pytest.raises(ValueError, match=message):
        ledger.check(name, *arguments)
    assert list(ledger.claims) == ["taken"]


def test_a_row_needs_a_section():
    with pytest.raises(ValueError, match="section must be begun before a check, got 'row'"):
        Ledger().check("row", 1, 1)


def test_the_picture_has_a_marker_for_each_claim(ledger):
    plots.use_style()
    for k, claimed in enumerate([1, 1, 2, None]):
        ledger.check(f"row-{k}", 1, claimed)
    figure = labelled(plots.verdicts(ledger))
    assert sorted(len(line.get_xdata()) for line in figure.axes[0].lines) == [0] * 5 + [1, 1, 2]
    with pytest.raises(ValueError, match="ledger must have rows, got none"):
        plots.verdicts(Ledger())


def test_every_row_of_the_page_is_checked_and_asserted(root):
    cells = nbformat.read(root / "book" / "claims.ipynb", as_version=4).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    labels = re.findall(r"^\* - \(claim-([a-z0-9-]+)\)=$", text, re.MULTILINE)
    glued = {
        key.removesuffix("-numbers")
        for cell in cells
        for output in cell.get("outputs", [])
        if (key := output.get("metadata", {}).get("scrapbook", {}).get("name", "")).endswith(
            "-numbers"
        )
    }
    assert len(labels) >= 35
    assert set(labels) == glued and len(set(labels)) == len(labels)
    for name in labels:
        assert f"{{glue:text}}`{name}`" in text, name
    checking = [
        cell.source
        for cell in cells
        if cell.cell_type == "code" and re.search(r"(?<![.\w])check\(\s*(name|\")", cell.source)
    ]
    assert len(checking) > 20
    assert all("assert" in source and ".verdict is" in source for source in checking)
