from __future__ import annotations

import hashlib

import polars as pl
from sklearn.datasets import load_breast_cancer

from training.source import Source
from training.table import Table


class BreastBiopsies(Source):
    """569 fine needle aspirates of breast masses, thirty measurements of their cell nuclei each.

    Carried by scikit-learn, so always at hand. Source: Wolberg, Street & Mangasarian, Wisconsin 1995.
    """

    def read(self) -> Table:
        data = load_breast_cancer()
        names = [str(name).replace(" ", "_") for name in data.feature_names]
        rows = pl.DataFrame(data.data, schema=names).with_columns(
            # scikit-learn counts malignant as 0.
            pl.Series("diagnosis", ["benign" if kind else "malignant" for kind in data.target])
        )
        return Table(rows, {"scikit-learn breast_cancer": hashlib.sha256(data.data.tobytes()).hexdigest()})
