import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from bhm_utils import Design

from .conftest import FORMULA


@pytest.fixture
def tiny():
    return pd.DataFrame(
        {
            "y": [1.0, 2.0, 4.0, 3.0, 5.0, 6.0],
            "x": [0.0, 1.0, 2.0, 0.5, 1.5, 2.5],
            "colour": ["red", "blue", "red", "blue", "red", "blue"],
            "g": ["b", "b", "a", "a", "c", "c"],
            "h": [1, 2, 1, 2, 1, 2],
        }
    )


def test_names_are_bambis(gcse):
    design = Design.from_formula(FORMULA, gcse)
    assert design.parameters == [
        "Intercept",
        "female",
        "1|school_sigma",
        "female|school_sigma",
        "1,female|school_corr",
        "sigma",
    ]
    assert design.varying == ["1|school", "female|school"]
    assert design.counterparts == [0, 1]
    assert design.X.shape == design.Z.shape == (1725, 2)
    assert len(design.labels) == 73


def test_matrices(tiny):
    design = Design.from_formula("y ~ x + (0 + x | g)", tiny)
    assert_array_equal(design.X, np.column_stack([np.ones(6), tiny["x"]]))
    assert_array_equal(design.Z, tiny[["x"]])
    assert_array_equal(design.y, tiny["y"])
    assert design.labels.tolist() == ["a", "b", "c"]
    assert_array_equal(design.codes, [1, 1, 0, 0, 2, 2])
    assert design.effects == ("x",) and design.correlations == []


def test_categories_interactions_and_effects_without_counterpart(tiny):
    design = Design.from_formula("y ~ x + x:h + (1 + colour | g)", tiny)
    assert design.common == ("Intercept", "x", "x:h")
    assert design.effects == ("1", "colour[red]")
    assert design.counterparts == [0, None]
    assert_array_equal(design.Z[:, 1], tiny["colour"] == "red")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ x + (1 | g", "cannot be read"),
        ("x + (1 | g)", "must name an outcome"),
        ("y ~ x", "exactly one grouping factor"),
        ("y ~ x + (1 | g) + (1 | h)", "exactly one grouping factor"),
        ("y ~ x + (1 | g:h)", "exactly one grouping factor"),
        ("y ~ x + (1 | nowhere)", "exactly one grouping factor"),
        ("y ~ nowhere + (1 | g)", "names .'nowhere'., which data does not have"),
        ("y ~ x + I(2 * x) + (1 | g)", "rank-deficient"),
    ],
)
def test_bad_formulas_are_named(tiny, formula, message):
    with pytest.raises(ValueError, match=message):
        Design.from_formula(formula, tiny)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [1.0, np.nan, 4.0, 3.0, 5.0, 6.0]}, "'y' has 1 missing or infinite values.*row 1"),
        ({"x": [1.0, 2.0, np.inf, 3.0, 5.0, 6.0]}, "'x' has 1 missing or infinite values.*row 2"),
        ({"g": ["a", "b", None, "b", "a", "b"]}, "'g' has 1 missing"),
        ({"g": "a"}, "at least two groups"),
        ({"x": 1.0}, "rank-deficient"),
    ],
)
def test_bad_data_are_named(tiny, change, message):
    with pytest.raises(ValueError, match=message):
        Design.from_formula("y ~ x + (1 | g)", tiny.assign(**change))
