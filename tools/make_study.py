"""Run the study of priors by NUTS, whole, and write data/study_nuts.nc from it.

    python tools/make_study.py FOLDER [FILE]

FOLDER keeps the finished blocks: stop it at any moment, and the same command resumes. Two processes
work at a time; on two cores the 15,000 fits take about forty minutes.
"""

import json
import sys
from pathlib import Path

import xarray as xr

from bhm_utils import STUDY_DESIGNS, run_study
from bhm_utils.files import write_whole


def main(folder: Path, path: Path) -> None:
    """Run or read every design, join them, and write single precision, compressed."""
    runs = {
        design: run_study(design, engine="nuts", jobs=2, folder=folder / design)
        for design in STUDY_DESIGNS
    }
    about = {design: json.loads(run.attrs["study"]) for design, run in runs.items()}
    designs = {design: study.pop("design") for design, study in about.items()}
    (study,) = {json.dumps(each) for each in about.values()}
    (versions,) = {run.attrs["versions"] for run in runs.values()}
    whole = xr.concat(
        [run.drop_attrs() for run in runs.values()], xr.Variable("design", list(runs))
    )
    whole.attrs = {
        "study": study,
        "designs": json.dumps(designs),
        "versions": versions,
        "seconds": float(whole["seconds"].sum()),
    }
    small = {"zlib": True, "complevel": 9, "shuffle": True}
    encoding = {
        name: small | ({"dtype": "float32"} if values.dtype == float else {})
        for name, values in whole.items()
    }
    write_whole(path, bytes(whole.to_netcdf(engine="h5netcdf", encoding=encoding)))


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "data" / "study_nuts.nc"
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default)
