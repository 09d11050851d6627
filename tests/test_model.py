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


def test_rows_are_taken_and_names_stay(tiny):
    design = Design.from_formula("y ~ x + (0 + x | g)", tiny)
    some = design.take([4, 0])
    assert_array_equal(some.y, [5, 1])
    assert_array_equal(some.X, design.X[[4, 0]])
    assert_array_equal(some.Z, design.Z[[4, 0]])
    assert some.labels[some.codes].tolist() == ["c", "b"]
    assert some.labels.equals(design.labels) and some.parameters == design.parameters
    assert design.take([]).codes.shape == (0,) and design.take([]).X.shape == (0, 2)
    for bad in (6, -1):
        with pytest.raises(ValueError, match=f"rows must be between 0 and 5, got {bad}"):
            design.take([0, bad])


def test_a_formula_without_groups_is_the_pooled_model(tiny):
    design = Design.from_formula("y ~ x", tiny)
    assert design.parameters == ["Intercept", "x", "sigma"]
    assert design.effects == () and design.labels.tolist() == ["all"]
    assert_array_equal(design.codes, np.zeros(6))
    with pytest.raises(ValueError, match="has no varying effects"):
        design.effects_frame(mean=[])


def test_group_labels_are_sorted_as_text(tiny):
    design = Design.from_formula("y ~ x + (1 | g)", tiny.assign(g=[10, 10, 9, 9, 1, 1]))
    assert design.labels.tolist() == ["1", "10", "9"]
    assert_array_equal(design.codes, [1, 1, 2, 2, 0, 0])


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
        ("y ~ x + (1 | g) + (1 | h)", "varying effects in one bracket"),
        ("y ~ x + (1 | g) + (0 + x | g)", "varying effects in one bracket"),
        ("y ~ x + g + (1 | g)", "must not use the grouping factor as a predictor"),
        ("colour ~ x + (1 | g)", "numeric outcome, got a categoric one"),
        ("y ~ lag(x) + (1 | g)", "cannot be evaluated on data"),
        (
            "np.log(x - 1) ~ 1 + (1 | g)",
            r"term 'np.log\(x - 1\)' of the formula is nan at position 0",
        ),
        ("y ~ x + (1 + np.log(x) | g)", r"term 'np.log\(x\)' of the formula is -inf at position 0"),
        ("y ~ x + (1 + x + I(2 * x) | g)", "rank-deficient"),
        ("y ~ x + (1 | g:h)", "at most one grouping factor"),
        ("y ~ x + (1 | nowhere)", "at most one grouping factor"),
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
        ({"g": [1, "1", 2, 2, 3, 3]}, "different labels of g that read the same"),
    ],
)
def test_bad_data_are_named(tiny, change, message):
    with pytest.raises(ValueError, match=message):
        Design.from_formula("y ~ x + (1 | g)", tiny.assign(**change))


def test_names_that_mean_something_else_are_refused(tiny):
    for name in ["Intercept", "sigma", "chain", "draw"]:
        with pytest.raises(ValueError, match=f"uses .'{name}'., the name of a parameter"):
            Design.from_formula(f"y ~ {name} + (1 | g)", tiny.rename(columns={"x": name}))
    with pytest.raises(ValueError, match="several columns named 'x'"):
        Design.from_formula("y ~ x + (1 | g)", pd.concat([tiny, tiny[["x"]]], axis=1))


def test_an_intercept_alone_and_transformed_terms(tiny):
    design = Design.from_formula("np.log(y) ~ np.sqrt(x) + (1 | g)", tiny)
    assert design.common == ("Intercept", "np.sqrt(x)")
    assert_array_equal(design.y, np.log(tiny["y"]))
