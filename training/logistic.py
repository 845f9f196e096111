"""Logistic regression over sparse features: scikit-learn's, as weights and a bias in one row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def logistic(features: sp.csr_matrix, there: Mask, strength: float, weight: Floats | None) -> Floats:
    """Weights and bias of a logistic regression; a bias alone where all rows agree."""
    from sklearn.linear_model import LogisticRegression

    if there.all() or not there.any():
        column = np.zeros(features.shape[1] + 1)
        column[-1] = 6.0 if there.all() else -6.0
        return column
    fitted = LogisticRegression(C=strength, solver="liblinear", random_state=0).fit(features, there, weight)
    return np.append(fitted.coef_.ravel(), fitted.intercept_)
