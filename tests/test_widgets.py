"""What the marks of the interactive figures say is what bhm_utils computes."""

import json
import re

import numpy as np
import pytest
import vl_convert
from scipy.stats import chi2, halfnorm, multivariate_normal

from bhm_utils import (
    PRIOR_DESIGNS,
    STUDY_DESIGNS,
    Design,
    GaussianWalk,
    Normal,
    Priors,
    Truth,
    exact_posterior,
    gelman_rubin,
    metropolis_hastings,
    run_study,
    study_table,
)
from bhm_utils.gaussian import condition
from bhm_utils.simulate import SLOPE_FORMULA
from bhm_utils.widgets import (
    Widget,
    chains,
    pooling_story,
    prior_study,
    prior_to_posterior,
    shrinkage,
    two_schools,
)
from bhm_utils.widgets.base import MIME
from bhm_utils.widgets.metropolis import COVARIANCE, MEAN, STARTS, contours, log_target
from bhm_utils.widgets.story import prior_lines

EXACT = {"rtol": 1e-9, "atol": 1e-9}


def marks(widget, *fields):
    """The numbers of all marks that have these fields: one row a mark, text stays text."""
    spec = json.loads(json.dumps(widget.spec))
    show_every_row(spec)
    found = []
    for label in re.findall(r'aria-label="([^"]*)"', vl_convert.vegalite_to_svg(spec)):
        pairs = dict(part.split(": ", 1) for part in label.split("; ") if ": " in part)
        if set(fields) <= set(pairs):
            found.append([number(pairs[field]) for field in fields])
    assert found, f"no mark with {fields}"
    return found


def show_every_row(spec):
    """A line or an area is one mark: draw its points instead, under the names of their fields."""
    if isinstance(spec, list):
        for entry in spec:
            show_every_row(entry)
    elif isinstance(spec, dict):
        mark = spec.get("mark")
        if isinstance(mark, dict) and mark["type"] in {"line", "area"}:
            mark["type"] = "rule" if "y2" in spec["encoding"] else "point"
        for channel, encoding in spec.get("encoding", {}).items():
            if "field" in encoding and channel in {"x", "y", "x2", "y2"}:
                encoding["title"] = encoding["field"]
        for entry in spec.values():
            show_every_row(entry)


def number(text):
    try:
        return float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return text


def columns(widget, *fields):
    return map(np.array, zip(*marks(widget, *fields), strict=True))


# The widget of chapter 1


@pytest.fixture
def conjugate():
    return prior_to_posterior(Normal(74, 9), 20, 67.15, 14)


@pytest.mark.parametrize(
    "at",
    [(74, 9, 20, 14), (40, 1, 100, 30), (100, 30, 1, 1), (71, 12.5, 57, 3.5)],
    ids=str,
)
def test_prior_likelihood_and_posterior(conjugate, at):
    mean, sd, n, noise = at
    moved = conjugate.at(mu_0=mean, sigma_0=sd, n=n, sigma=noise)
    prior = Normal(mean, sd)
    curves = {
        "prior": prior,
        "likelihood": Normal(67.15, noise / np.sqrt(n)),
        "posterior": prior.update(np.full(n, 67.15), noise),
    }
    mu, density, curve = columns(moved, "mu", "density", "curve")
    assert len(mu) == 3 * 241
    for name, normal in curves.items():
        own = curve == name
        np.testing.assert_allclose(density[own], normal.density(mu[own]), **EXACT)
    low, high, curve = columns(moved, "low", "high", "curve")
    for name, normal in curves.items():
        ends = [low[curve == name][0], high[curve == name][0]]
        np.testing.assert_allclose(
            ends, [normal.mean - normal.sd, normal.mean + normal.sd], **EXACT
        )
    ends = dict(marks(moved, "curve", "end"))
    np.testing.assert_allclose(ends["likelihood"], prior.data_weight(n, noise), **EXACT)


def test_without_scores_the_posterior_is_the_prior(conjugate):
    low, high, curve = columns(conjugate.at(n=0), "low", "high", "curve")
    assert curve.tolist() == ["prior", "posterior"]
    np.testing.assert_allclose(low, 65, **EXACT)
    np.testing.assert_allclose(high, 83, **EXACT)
    assert dict(marks(conjugate.at(n=0), "curve", "end")) == {"likelihood": 0, "prior": 1}


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("pow(sigma / sigma_0, 2))", "sigma / sigma_0)"),
        ("alpha * ybar + (1 - alpha) * mu_0", "alpha * mu_0 + (1 - alpha) * ybar"),
        ("1 / sqrt(n / pow(sigma, 2) + ", "1 / sqrt(n / sigma + "),
    ],
)
def test_a_wrong_formula_is_seen(conjugate, right, wrong):
    text = json.dumps(conjugate.spec)
    assert right in text
    broken = Widget(json.loads(text.replace(right, wrong)))
    with pytest.raises(AssertionError):
        test_prior_likelihood_and_posterior(broken, (74, 9, 20, 14))


# Shrinkage, chapter 10


@pytest.fixture(scope="module")
def intercepts(gcse):
    scale = halfnorm(scale=30)
    priors = Priors(group_sd=scale, residual_sd=scale)
    return exact_posterior("course ~ 1 + (1 | school)", gcse, priors=priors)


@pytest.fixture(scope="module")
def pooling(gcse, intercepts):
    return shrinkage(gcse, intercepts, "course")


@pytest.mark.parametrize("sd", [0, 0.1, 4.2, 8.9, 40])
def test_estimates_between_complete_and_no_pooling(pooling, gcse, intercepts, sd):
    moved = pooling.at(sd=sd)
    design = Design.from_formula("course ~ 1 + (1 | school)", gcse)
    sigma = round(float(intercepts.summary().loc["sigma", "mean"]), 6)
    truth = condition(design, sigma, np.array([[float(sd) ** 2]]))
    rows = marks(moved, "mean", "estimate", "school", "n")
    assert [str(int(row[2])) for row in rows] == design.labels.to_list()
    mean, estimate, _, n = np.array(rows, dtype=float).T
    np.testing.assert_allclose(estimate, truth.b[0] + truth.u[:, 0], **EXACT)
    by_school = gcse.groupby("school", observed=True)["course"]
    np.testing.assert_allclose(mean, by_school.mean(), **EXACT)
    np.testing.assert_array_equal(n, by_school.size())
    (mu,) = {row[0] for row in marks(moved, "mu")}
    np.testing.assert_allclose(mu, truth.b[0], **EXACT)
    if sd == 0:
        np.testing.assert_allclose(estimate, gcse["course"].mean(), **EXACT)


def test_the_exact_answer_is_marked(pooling, intercepts):
    _, answer = columns(pooling, "mean", "answer")
    np.testing.assert_allclose(answer, intercepts.group_effects()["total_mean"].round(6), **EXACT)
    value, density = columns(pooling.at(sd=20), "value", "density")
    truth = intercepts.density("1|school_sigma", value).round(6)
    np.testing.assert_allclose(density, truth, **EXACT)
    lines = [value for (value,) in marks(pooling.at(sd=20), "value")]
    answer = round(float(intercepts.summary().loc["1|school_sigma", "mean"]), 6)
    assert lines[-2:] == [answer, 20]


@pytest.mark.parametrize(
    "right, wrong",
    [("datum.n * sd * sd", "datum.n * sd"), ("(datum.mean - datum.mu)", "datum.mean")],
)
def test_a_wrong_shrinkage_is_seen(pooling, gcse, intercepts, right, wrong):
    broken = Widget(json.loads(json.dumps(pooling.spec).replace(right, wrong)))
    assert broken.spec != pooling.spec
    with pytest.raises(AssertionError):
        test_estimates_between_complete_and_no_pooling(broken, gcse, intercepts, 4.2)


def test_shrinkage_is_of_intercepts(gcse, priors):
    posterior = exact_posterior("course ~ female + (1 | school)", gcse, priors=priors)
    with pytest.raises(ValueError, match=r"varying intercept alone.*female"):
        shrinkage(gcse, posterior, "course")


# Metropolis-Hastings, chapter 3


@pytest.fixture(scope="module")
def scrubber():
    return chains(widths=(0.1, 1.2, 4.0), draws=60, seed=3)


@pytest.mark.parametrize("stride", [0.1, 1.2, 4.0])
@pytest.mark.parametrize("now", [2, 17, 60])
def test_chains_up_to_a_step(scrubber, stride, now):
    moved = scrubber.at(stride=stride, now=now)
    tree = metropolis_hastings(
        log_target, GaussianWalk(stride), STARTS, 60, rng=np.random.default_rng(3)
    )
    x = np.concatenate([STARTS[:, None], tree["posterior"]["x"].to_numpy()], axis=1)
    chain, step, first, second = columns(moved, "chain", "step", "x", "y")
    assert len(step) == 4 * (now + 1)
    path = x[chain.astype(int) - 1, step.astype(int)].round(3)
    np.testing.assert_allclose(np.column_stack([first, second]), path, **EXACT)
    (rate,) = {row[0] for row in marks(moved, "rate")}
    accepted = tree["sample_stats"]["accepted"].to_numpy()[:, :now]
    np.testing.assert_allclose(rate, accepted.mean(), **EXACT)
    truth = gelman_rubin(x[:, 1 : now + 1, 0]).rhat
    words, rhat = marks(moved, "words", "rhat")[0]
    np.testing.assert_allclose(rhat, truth, atol=5e-7, err_msg="rounded to six decimals")
    assert words == f"R-hat: {truth:.2f}"


def test_the_contours_hold_what_they_say():
    rings = contours()
    away = rings[["x", "y"]] - MEAN
    squares = np.einsum("ri,ij,rj->r", away, np.linalg.inv(COVARIANCE), away)
    np.testing.assert_allclose(chi2(2).cdf(squares), rings["level"], atol=2e-3)


def test_the_target_is_that_of_the_slides():
    points = np.array([[2.0, 2.0], [0.3, 1.9], [4.0, -1.0]])
    truth = multivariate_normal(MEAN, COVARIANCE).logpdf(points)
    np.testing.assert_allclose(np.diff(log_target(points)), np.diff(truth))


# From one line to many, chapter 9


@pytest.fixture(scope="module")
def story(gcse, priors):
    return pooling_story(gcse, priors, "68207")


@pytest.fixture(scope="module")
def truths(gcse, priors):
    """The means of boys and girls of each school, step by step: (J, 2)."""
    fits = {
        step: exact_posterior(formula, gcse, priors=priors)
        for step, formula in [
            (2, "course ~ female"),
            (4, "course ~ female + (1 | school)"),
            (5, "course ~ female + (1 + female | school)"),
        ]
    }
    mean = {step: fit.summary()["mean"] for step, fit in fits.items()}
    effects = {s: fits[s].group_effects()["mean"].unstack("effect") for s in (4, 5)}
    boys = {s: mean[s]["Intercept"] + effects[s]["1|school"] for s in (4, 5)}
    tree = fits[5].sample(4000, chains=1, rng=np.random.default_rng(9))
    draws = {name: v.to_numpy()[0] for name, v in tree["posterior"].data_vars.items()}
    at = [
        (draws["Intercept"] + g * draws["female"])[:, None]
        + draws["1|school"]
        + g * draws["female|school"]
        for g in (0, 1)
    ]
    one = mean[2]["Intercept"] + np.array([0, mean[2]["female"]])
    partial = {
        4: np.column_stack([boys[4], boys[4] + mean[4]["female"]]),
        5: np.column_stack([boys[5], boys[5] + mean[5]["female"] + effects[5]["female|school"]]),
    }
    return {
        2: np.tile(one, (73, 1)),
        3: gcse.pivot_table("course", "school", "female", observed=True).dropna().to_numpy(),
        **partial,
        6: partial[5],
        "intervals": np.stack([np.quantile(d, [0.025, 0.975], axis=0).T for d in at]),
    }


@pytest.mark.parametrize("step", [2, 3, 4, 5, 6])
def test_every_line_of_the_story(story, gcse, truths, step):
    rows = marks(story.at(step=step, school="84707"), "school", "female", "score")
    lines = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 2, 2)
    assert (lines[..., 0] == [0, 1]).all()
    np.testing.assert_allclose(lines[..., 1], truths[step].round(6), **EXACT)
    labels = [str(int(row[0])) for row in rows[::2]]
    alone = {"84707"} if step == 3 else set()  # a school of one student has no line of its own
    assert labels == sorted(set(gcse["school"]) - alone)


@pytest.mark.parametrize("school", ["68207", "84707", "20920"])
def test_the_chosen_school_and_its_interval(story, gcse, truths, school):
    at = list(gcse["school"].cat.categories).index(school)
    rows = np.array(marks(story.at(step=6, school=school), "female", "low", "high"))
    np.testing.assert_allclose(rows[:, 1:], truths["intervals"][:, at].round(6), **EXACT)
    side, score = columns(story.at(step=5, school=school), "at", "score")
    own = gcse[gcse["school"] == school]
    assert sorted(score) == sorted(own["course"])
    assert sorted(np.round(side)) == sorted(own["female"])


def test_prior_lines_have_the_moments_of_the_prior(priors):
    lines = prior_lines(priors, 100_000, np.random.default_rng(0))
    sd = np.sqrt(50**2 + 30**2)  # of the mean school, and of a school around it
    assert np.abs(lines.mean(axis=0) - [70, 0]).max() < 4 * sd / np.sqrt(1e5)
    np.testing.assert_allclose(lines.std(axis=0), sd, rtol=0.02)
    assert abs(np.corrcoef(lines.T)[0, 1]) < 0.02


def test_prior_lines_of_a_tight_prior_are_parallel():
    sure = Priors(
        common={"Intercept": Normal(60, 1e-6), "female": Normal(5, 1e-6)},
        group_sd={"1|school": halfnorm(scale=10), "female|school": halfnorm(scale=1e-6)},
        residual_sd=halfnorm(scale=1),
    )
    lines = prior_lines(sure, 50, np.random.default_rng(0))
    np.testing.assert_allclose(lines[:, 1], 5, atol=1e-3)
    assert lines[:, 0].std() > 5


def test_the_story_points_out_a_school_of_the_data(gcse, priors):
    with pytest.raises(ValueError, match="school must be one of the 73 in data, got '1'"):
        pooling_story(gcse, priors, "1")


# The prior study, chapter 8

DESIGNS = ["dgp1-J5-N50", "dgp2-J5-N50", "dgp1-J10-N200"]


@pytest.fixture(scope="module")
def studies():
    return {name: run_study(name, replicates=10) for name in DESIGNS}


@pytest.fixture(scope="module")
def study(studies):
    return prior_study(studies)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("prior", ["good", "flat"])
def test_bias_and_coverage_of_a_design(study, studies, design, prior):
    process, size = design.split("-", 1)
    moved = study.at(process=process, size=size, prior=prior)
    table = study_table(studies[design]).xs("x:u", level="parameter").round(6)
    for name in ["bias", "coverage"]:
        at, of = columns(moved, name, "prior")
        np.testing.assert_allclose(at, table.loc[of, name], **EXACT)
        assert sorted(of) == sorted(PRIOR_DESIGNS)
    low, high, of = columns(moved, "low", "high", "prior")
    centre = np.concatenate([table.loc[of[:5], "bias"], table.loc[of[5:], "coverage"]])
    error = np.concatenate([table.loc[of[:5], "bias_mcse"], table.loc[of[5:], "coverage_mcse"]])
    np.testing.assert_allclose(low, centre - 2 * error, **EXACT)
    np.testing.assert_allclose(high, centre + 2 * error, **EXACT)


@pytest.mark.parametrize("prior", ["bad", "flat"])
def test_densities_of_the_first_replicates(study, prior):
    moved = study.at(process="dgp2", size="J5-N50", prior=prior)
    simulation = STUDY_DESIGNS["dgp2-J5-N50"].simulate(
        Truth(), replicates=10, rng=np.random.default_rng(500)
    )
    posterior = exact_posterior(
        SLOPE_FORMULA, simulation.data, priors=PRIOR_DESIGNS[prior], outcomes=simulation.outcomes
    )
    value, density, replicate = columns(moved, "value", "density", "replicate")
    assert len(value) == 8 * 41
    for k in range(8):
        own = replicate == f"r{k + 1}"
        truth = posterior.density("x:u", value[own])[k]
        # Alone or among ten outcomes, a posterior gets other nodes: hence no closer.
        np.testing.assert_allclose(density[own], truth, atol=1e-3 * truth.max())


def test_studies_must_have_the_priors(studies):
    some = {"good": PRIOR_DESIGNS["good"]}
    with pytest.raises(
        ValueError, match=r"studies\['dgp1-J5-N50'\] must have the priors \['good'\]"
    ):
        prior_study(studies, priors=some)


# Two schools, chapter 11


@pytest.fixture(scope="module")
def posterior(gcse, priors):
    return exact_posterior("course ~ female + (1 + female | school)", gcse, priors=priors)


@pytest.fixture(scope="module")
def pair(posterior):
    return two_schools(posterior, "60501", "68271")


@pytest.mark.parametrize("first, second", [("60501", "68271"), ("84707", "22520")])
def test_two_schools_draw_by_draw(pair, posterior, first, second):
    moved = pair.at(first=first, second=second)
    tree = posterior.sample(500, chains=1, rng=np.random.default_rng(11))["posterior"]
    draws = (tree["Intercept"] + tree["1|school"]).isel(chain=0).to_pandas().round(2)
    apart = draws[first] - draws[second]
    ((mean, sd, probability, error),) = marks(moved, "mean", "sd", "probability", "error")
    np.testing.assert_allclose([mean, sd], [apart.mean(), apart.std()], **EXACT)
    np.testing.assert_allclose(probability, (apart > 0).mean(), **EXACT)
    np.testing.assert_allclose(error, (apart > 0).std(ddof=0) / np.sqrt(500), **EXACT)
    low, share, ahead = columns(moved, "low", "share", "ahead")
    low = np.array([number(interval.split(" – ")[0]) for interval in low])
    np.testing.assert_allclose(share.sum(), 1, **EXACT)
    counts = np.floor(apart).value_counts()
    np.testing.assert_allclose(share, counts[low] / 500, **EXACT)
    assert (ahead == np.where(low >= 0, "first", "second")).all()
    ranks = draws.rank(axis=1, ascending=False, method="min")
    rank, share, school = columns(moved, "rank", "share", "school")
    for label in (first, second):
        own = school == float(label)
        truth = ranks[label].value_counts(normalize=True)
        assert set(rank[own]) == set(truth.index)
        np.testing.assert_allclose(share[own], truth[rank[own]], **EXACT)


def test_the_draws_are_of_the_posterior(pair, posterior):
    ((mean, sd),) = marks(pair, "mean", "sd")
    total = posterior.group_effects()["total_mean"].xs("1|school", level="effect")
    truth = total["60501"] - total["68271"]
    assert abs(mean - truth) < 4 * sd / np.sqrt(500)


def test_the_schools_must_be_there(posterior):
    with pytest.raises(ValueError, match="second must be one of 73 schools, got 'Eton'"):
        two_schools(posterior, "60501", "Eton")


# What all widgets share


@pytest.fixture(params=["conjugate", "pooling", "scrubber", "story", "study", "pair"])
def widget(request):
    return request.getfixturevalue(request.param)


def test_a_notebook_gets_a_chart_a_picture_and_words(widget):
    bundle = widget._repr_mimebundle_()
    assert list(bundle) == [MIME, "image/png", "text/plain"]
    assert widget.png().startswith(b"\x89PNG")
    assert len(widget.description) >= 60 and bundle["text/plain"] == widget.description
    assert json.loads(json.dumps(bundle[MIME])) == widget.spec


def test_it_fits_a_page(widget):
    assert len(json.dumps(widget.spec)) < 400_000
    width = int(re.search(r'width="(\d+)"', widget.svg())[1])
    assert width <= 440


def test_the_vega_lite_of_jupyterlab_draws_the_same(widget):
    """JupyterLab 4 ships Vega-Lite 5.6; the oldest one at hand here is 5.8."""
    old = vl_convert.vegalite_to_svg(widget.spec, vl_version="5.8")
    label = re.compile(r'aria-label="([^"]*)"')
    assert label.findall(old) == label.findall(widget.svg())


def test_controls_are_labelled(widget):
    for name in widget.controls:
        (bind,) = [p["bind"] for p in widget.spec["params"] if p["name"] == name]
        assert len(bind["name"]) > 3


def test_controls_go_only_where_they_can(conjugate):
    with pytest.raises(ValueError, match=r"nu is no control; the widget has \['mu_0'"):
        conjugate.at(nu=1)
    with pytest.raises(ValueError, match="n must be between 0 and 100, got 101"):
        conjugate.at(n=101)
    with pytest.raises(ValueError, match="sigma must be between 1 and 30, got 'much'"):
        conjugate.at(sigma="much")
    assert conjugate.controls["n"] == 20, "the first widget stays as it was"
