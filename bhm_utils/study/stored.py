"""The whole study by NUTS, 15,000 fits, computed once and stored."""

from __future__ import annotations

import io

import xarray as xr

from ..files import checksum_problem, shipped

SHA256 = "23bde92a7851e01ddfbd0e5ae408123ff31e597d40a9b6a60121ebb79d5455f9"


def load_study() -> xr.Dataset:
    """Read what NUTS found: every design and prior of the study, 300 replicates each.

    ``python tools/make_study.py`` makes the file.

    Returns
    -------
    xarray.Dataset
        As `run_study` returns it, with a first dimension ``design``. Attributes hold designs,
        truth, priors, seed, settings of the sampler, versions, and the seconds of all fits.

    Raises
    ------
    FileNotFoundError
        If the file is in none of the places where it belongs; the message lists them.
    ValueError
        If it is not the file that the course was written with.
    """
    path = shipped("data/study_nuts.nc")
    content = path.read_bytes()
    if problem := checksum_problem(content, SHA256):
        raise ValueError(f"{path} is not the course's file: {problem}")
    return xr.load_dataset(io.BytesIO(content), engine="h5netcdf")
