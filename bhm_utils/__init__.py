"""Bayesian hierarchical models in Python: the library under the course.

A model is a formula string, one `Priors` object and a data frame; every engine takes the same three
and answers with the same rows under the same names. The names below load on first use, so that
importing the package costs next to nothing.
"""

import os as _os

import lazy_loader as _lazy

# With fastmath the same seed gives different draws on a cold and on a warm numba cache. The flag
# counts only if it is set before PyTensor is imported, hence here.
_flags = _os.environ.get("PYTENSOR_FLAGS", "")
if "numba__fastmath" not in _flags:
    _os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [_flags, "numba__fastmath=False"]))

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
