"""The portfolio: local models series by series, and one global model over all of them."""

import sys

# Where Dask is installed, utilsforecast loads Dask's tables: a third of a second and 50 MB that nothing here needs.
if "dask" not in sys.modules:
    sys.modules["dask"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    try:
        import utilsforecast.compat  # noqa: F401
    finally:
        del sys.modules["dask"]
