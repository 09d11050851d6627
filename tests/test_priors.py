import copy
import math

import numpy as np
import pytest
import scipy.stats as st
from numpy.testing import assert_allclose

from bhm_utils import Design, Normal, Priors
from bhm_utils.priors import translate

from .conftest import FORMULA

POSITIVE = [
    st.halfnorm(scale=3),
    st.halfcauchy(scale=5),
    st.expon(scale=4),
    st.gamma(2.5, scale=2),
    st.invgamma(3, scale=2),
    st.lognorm(0.7, scale=3),
    st.uniform(1, 6),
]


@pytest.mark.parametrize("prior", POSITIVE, ids=lambda prior: prior.dist.name)
def test_pymc_means_the_same_density(prior):
    import pymc as pm

    name, parameters = translate(prior)
    x = prior.ppf([0.1, 0.5, 0.9])
    ours = pm.logp(getattr(pm, name).dist(**parameters), x).eval()
    assert_allclose(ours, prior.logpdf(x), rtol=1e-6)


def test_normal_and_flat_translate():
    assert translate(Normal(1, 2)) == ("Normal", {"mu": 1, "sigma": 2})
    assert translate(Normal(0, math.inf)) == ("Flat", {})


def test_defaults_are_flat_and_one_sd_prior_serves_all():
    priors = Priors(group_sd=st.halfnorm(scale=2), residual_sd=st.halfnorm(), common={"x": None})
    assert priors.common_prior("x").sd == priors.common_prior("anything").sd == math.inf
    assert priors.group_sd_prior("1|g") is priors.group_sd_prior("x|g")
    assert priors.correlation_eta == 1.0


def test_priors_must_name_what_the_model_has(gcse):
    design = Design.from_formula(FORMULA, gcse)
    half = st.halfnorm()
    with pytest.raises(ValueError, match=r"priors.common names \['male'\]"):
        Priors(group_sd=half, residual_sd=half, common={"male": Normal(0, 1)}).require_names_of(
            design
        )
    with pytest.raises(ValueError, match=r"priors.group_sd names \['1|school'\]"):
        Priors(group_sd={"1|school": half}, residual_sd=half).require_names_of(design)
    Priors(group_sd={"1|school": half, "female|school": half}, residual_sd=half).require_names_of(
        design
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_sd": st.norm(5, 1)}, r"group_sd must live on the positive line, got support"),
        ({"residual_sd": st.uniform(-1, 2)}, "residual_sd must live on the positive line"),
        ({"group_sd": st.halfnorm}, "group_sd must be a frozen scipy.stats distribution"),
        ({"group_sd": 3.0}, "group_sd must be a frozen scipy.stats distribution.*got 3.0"),
        ({"group_sd": {"1|g": 3.0}}, r"group_sd\['1\|g'\] must be a frozen"),
        ({"common": {"x": st.norm()}}, r"common\['x'\] must be a Normal or None"),
        ({"correlation_eta": 0}, "correlation_eta must be positive or None, got 0"),
        ({"correlation_eta": np.nan}, "correlation_eta must be positive or None, got nan"),
    ],
)
def test_bad_priors_are_named(arguments, message):
    half = st.halfnorm()
    with pytest.raises(ValueError, match=message):
        Priors(**({"group_sd": half, "residual_sd": half} | arguments))


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (st.rayleigh(), "'rayleigh' has no PyMC translation; known"),
        (st.halfnorm(loc=1), "'halfnorm' must start at 0 for PyMC, got loc=1"),
    ],
)
def test_what_pymc_cannot_say_is_named(prior, message):
    with pytest.raises(ValueError, match=message):
        translate(prior)


def test_priors_are_copied_and_can_be_copied():
    sds = {"1|g": st.halfnorm()}
    priors = Priors(group_sd=sds, residual_sd=st.halfnorm())
    sds["1|g"] = 3
    assert copy.deepcopy(priors).group_sd_prior("1|g").dist.name == "halfnorm"
