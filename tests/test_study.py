"""The Monte Carlo study: its criteria, its two engines, and what happens when it is interrupted."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.stats as st
import xarray as xr
from numpy.testing import assert_allclose

from bhm_utils import (
    PRIOR_DESIGNS,
    STUDY_DESIGNS,
    Priors,
    Truth,
    files,
    load_study,
    run_study,
    study_table,
)
from bhm_utils.cli import main
from bhm_utils.simulate import dgp_1, dgp_2
from bhm_utils.study.criteria import criteria
from bhm_utils.study.fits import Coordinates, Sampler, prior_data
from bhm_utils.study.stored import SHA256

GOOD = {"good": PRIOR_DESIGNS["good"]}
SMALL = dgp_2(5, 20)


def same(a, b):
    """Equal to the last bit, but for how long it took."""
    return a.drop_vars("seconds").identical(b.drop_vars("seconds"))


# Criteria


def test_criteria_and_their_errors_by_simulation():
    """A normal mean whose posterior is known: each criterion, and the spread of each."""
    rng = np.random.default_rng(0)
    truth, bias, sd, R, repeats = 1.0, 0.2, 0.5, 300, 400
    rows = []
    for _ in range(repeats):
        means = truth + bias + sd * rng.normal(size=R)
        ends = {p: means + sd * st.norm.ppf(p) for p in [0.025, 0.05, 0.95, 0.975]}
        rows.append(criteria(means, ends, truth))
    table = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    expected = {
        "bias": bias,
        "rmse": np.hypot(bias, sd),
        "means_q05": truth + bias + sd * st.norm.ppf(0.05),
        "means_q95": truth + bias + sd * st.norm.ppf(0.95),
        "q05": truth + bias + sd * st.norm.ppf(0.05),
        "q95": truth + bias + sd * st.norm.ppf(0.95),
        "coverage": st.norm.cdf(1.96 - bias / sd) - st.norm.cdf(-1.96 - bias / sd),
    }
    for name, value in expected.items():
        error = table[name].std() / np.sqrt(repeats)
        assert abs(table[name].mean() - value) < 4 * error + 0.01 * (name.startswith("means")), name
        assert abs(table[f"{name}_mcse"].mean() / table[name].std() - 1) < 0.15, name
    assert_allclose(table["width"], 2 * 1.95996 * sd, rtol=1e-5)


def test_a_study_covers_as_it_should():
    result = run_study(dgp_2(10, 30), priors=GOOD, replicates=200)
    table = study_table(result).loc["good"]
    for name, row in table.iterrows():
        assert abs(row["coverage"] - 0.95) < 4 * row["coverage_mcse"], name
    assert (table.loc[["Intercept", "x", "x:u"], "bias"].abs() < 0.1).all()
    assert result["quantile"].sel(probability=0.5).shape == (1, 200, 5)


def test_all_designs_of_the_slides_are_there():
    assert len(STUDY_DESIGNS) == 10
    assert STUDY_DESIGNS["dgp1-J50-N500"] == dgp_1(50, 500)


# NUTS against the exact answer


@pytest.fixture(scope="module")
def sampled():
    return run_study(dgp_1(5, 20), priors=GOOD, replicates=40, engine="nuts")


def z_scores(nuts, exact):
    return ((nuts["mean"] - exact["mean"]) / nuts["mcse"]).to_numpy().ravel()


def test_nuts_agrees_replicate_by_replicate(sampled):
    exact = run_study(dgp_1(5, 20), priors=GOOD, replicates=40)
    assert not sampled["failed"].any()
    z = z_scores(sampled, exact)
    assert abs(z).max() < 4.5 and 0.8 < z.std() < 1.2
    assert st.kstest(z, "norm").pvalue > 1e-3
    # A largest value would say little: five groups and half-Cauchy tails make sds unsteady.
    assert float(abs(np.log(sampled["sd"] / exact["sd"])).quantile(0.9)) < 0.1
    near = abs(sampled["quantile"] - exact["quantile"]) / exact["sd"]
    assert float(near.quantile(0.95)) < 0.15


def test_a_wrong_prior_would_be_seen(sampled):
    wrong = run_study(dgp_1(5, 20), priors={"good": PRIOR_DESIGNS["bad"]}, replicates=40)
    assert abs(z_scores(sampled, wrong)).max() > 10


def test_the_sampler_sees_the_likelihood_that_the_data_have():
    simulation = dgp_1(6, 15).simulate(Truth(), rng=np.random.default_rng(2))
    data, y = simulation.data, simulation.outcomes[0]
    w = Coordinates.of(data).data(y)
    z = np.random.default_rng(3).normal(size=7)
    coefficients = w["m"] + w["K"] @ z
    rows = data["g"].astype(int).to_numpy()
    mean = coefficients[0] + coefficients[1 + rows] * data["x"].to_numpy()
    assert_allclose(((y - mean) ** 2).sum(), w["residual_squares"] + z @ z)


def test_a_fit_that_does_not_converge_is_kept_and_named():
    result = run_study(
        SMALL, priors=GOOD, replicates=2, engine="nuts", sampler=Sampler(draws=20, tries=2)
    )
    assert result["failed"].all() and (result["tries"] == 2).all()
    assert np.isfinite(result["mean"]).all()


# The stored study


@pytest.fixture(scope="module")
def stored():
    return load_study()


@pytest.mark.parametrize("design", ["dgp1-J10-N200", "dgp2-J50-N500"])
def test_the_stored_fits_are_right(stored, design):
    nuts, exact = stored.sel(design=design), run_study(design)
    z = xr.DataArray((nuts["mean"] - exact["mean"]) / nuts["mcse"])
    assert z.size == 7500 and abs(z).max() < 5.5
    assert abs(z.mean()) < 0.05 and 0.97 < z.std() < 1.06
    coefficients = z.sel(parameter=["Intercept", "x", "x:u"]).to_numpy().ravel()
    assert st.kstest(coefficients, "norm").pvalue > 1e-3
    assert float(abs(np.log(nuts["sd"] / exact["sd"])).quantile(0.99)) < 0.1
    near = abs(nuts["quantile"] - exact["quantile"]) / exact["sd"]
    assert float(near.quantile(0.99)) < 0.25
    wrong = exact["mean"].sel(prior="good") - nuts["mean"].sel(prior="bad")
    assert abs(wrong / nuts["mcse"].sel(prior="bad")).sel(parameter="x").median() > 3


def test_the_stored_study_is_whole_and_says_where_it_comes_from(stored):
    assert stored["mean"].shape == (10, 5, 300, 5)
    assert list(stored["design"].values) == list(STUDY_DESIGNS)
    assert list(stored["prior"].values) == list(PRIOR_DESIGNS)
    assert all(np.isfinite(values).all() for values in stored.values())
    gated = stored["ess"].min("parameter").where(~stored["failed"])
    assert int(stored["failed"].sum()) <= 3 and gated.min() >= 400
    about = json.loads(stored.attrs["study"])
    assert about["seed"] == 500 and about["sampler"]["draws"] == 1000
    assert {"nutpie", "bhm-utils"} <= set(json.loads(stored.attrs["versions"]))
    assert json.loads(stored.attrs["designs"])["dgp1-J10-N200"]["group_size"] == 200


def test_a_part_is_that_of_the_whole():
    whole = run_study(SMALL, priors=GOOD, replicates=12)
    part = run_study(SMALL, priors=GOOD, replicates=12, part=range(4, 9))
    assert list(part["replicate"].values) == [4, 5, 6, 7, 8]
    assert_allclose(part["mean"], whole["mean"].sel(replicate=part["replicate"]), atol=2e-3)


def test_a_changed_file_is_refused(monkeypatch, tmp_path, root):
    (tmp_path / "data").mkdir()
    content = (root / "data" / "study_nuts.nc").read_bytes()
    (tmp_path / "data" / "study_nuts.nc").write_bytes(content[:-1])
    monkeypatch.setattr(files, "ROOTS", [tmp_path])
    with pytest.raises(ValueError, match="is not the course's file: its SHA-256 checksum is"):
        load_study()
    assert SHA256 in (root / "data" / "README.md").read_text()


# On disk


def test_jobs_and_folders_change_nothing(tmp_path):
    one = run_study(SMALL, replicates=150)
    assert same(one, run_study(SMALL, replicates=150, jobs=2, folder=tmp_path / "two"))
    assert same(one, run_study(SMALL, replicates=150, folder=tmp_path / "two"))
    assert list(one["prior"].values) == list(PRIOR_DESIGNS)
    again = run_study(SMALL, replicates=150, folder=tmp_path / "two")
    again.to_netcdf(tmp_path / "saved.nc", engine="h5netcdf")
    assert xr.load_dataset(tmp_path / "saved.nc", engine="h5netcdf").equals(again)


def test_a_killed_run_resumes_to_the_last_bit(tmp_path):
    options = ["study", "--design", "dgp2-J5-N50", "--priors", "good", "--engine", "nuts"]
    options += ["--replicates", "60", "--out", str(tmp_path / "killed")]
    run = subprocess.Popen(
        [sys.executable, "-c", "from bhm_utils.cli import main; main()", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("killed/block-*.nc")):
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    kept = len(list(tmp_path.glob("killed/block-*.nc")))
    assert 1 <= kept < 3
    arguments = {"priors": GOOD, "replicates": 60, "engine": "nuts"}
    resumed = run_study("dgp2-J5-N50", folder=tmp_path / "killed", **arguments)
    assert same(resumed, run_study("dgp2-J5-N50", **arguments))


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    run_study(SMALL, priors=GOOD, replicates=100, folder=tmp_path / "a")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run_study(SMALL, priors=GOOD, replicates=100, folder=tmp_path / "b")
    assert not list((tmp_path / "b").iterdir())


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    run_study(SMALL, priors=GOOD, replicates=10, folder=tmp_path / "a")
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    with pytest.raises(ValueError, match="holds a study with another seed: 500, not 1"):
        run_study(SMALL, priors=GOOD, replicates=10, seed=1, folder=tmp_path / "a")
    assert before == {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds files, but no study"):
        run_study(SMALL, priors=GOOD, replicates=10, folder=tmp_path / "b")
    with pytest.raises(OSError, match="thesis"):
        run_study(SMALL, replicates=10, folder=tmp_path / "b" / "thesis.txt" / "c")


# Bad input and the command line


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run_study("dgp3"), "design must be one of .* got 'dgp3'"),
        (lambda: run_study(SMALL, engine="stan"), "engine must be one of .* got 'stan'"),
        (lambda: run_study(SMALL, priors={}), "priors must name at least one prior"),
        (lambda: run_study(SMALL, part=range(0)), "part must be some of the 300 .* got range"),
        (lambda: run_study(SMALL, part=range(9, 301)), "part must be some of the 300 .* got range"),
        (lambda: run_study(SMALL, replicates=0), "replicates must be at least 1, got 0"),
        (lambda: study_table(xr.Dataset()), "result must come from run_study"),
        (
            lambda: study_table(run_study(SMALL, priors=GOOD, replicates=1)),
            "result must have 2 replicates at least, got 1",
        ),
        (
            lambda: prior_data(Priors(st.halfnorm(scale=1), st.halfcauchy(scale=5))),
            "one halfcauchy",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_command_line(tmp_path, capsys):
    out = str(tmp_path / "out")
    options = ["study", "--design", "dgp2-J5-N50", "--replicates", "5", "--out", out]
    assert main(options) == 0
    printed = capsys.readouterr().out
    assert "coverage_mcse" in printed and "weak slightly bad" in printed
    assert main([*options, "--seed", "1"]) == 1
    assert "another seed" in capsys.readouterr().err
    assert main([*options, "--priors", "worst"]) == 1
    assert "priors must be of" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["study", "--help"])
    assert stop.value.code == 0 and "resumes" in capsys.readouterr().out


def test_a_cluster_that_loses_a_worker_gives_the_same_numbers():
    distributed = pytest.importorskip("distributed")
    from joblib import parallel_config

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two,
        distributed.Client(two) as client,
        parallel_config(backend="dask"),
    ):
        pids = list(client.run(os.getpid).values())
        client.run_on_scheduler(lambda: None)
        os.kill(pids[0], signal.SIGKILL)
        result = run_study(SMALL, replicates=200)
    assert same(result, run_study(SMALL, replicates=200))
