import numpy as np
from scipy.stats import chi2

from hinted_posenet.core.chi_square import chi_square_quantile


def test_quantiles_are_those_of_scipy():
    levels = np.array([0.5, 0.9, 0.95, 0.999])
    for parts in (1, 2, 3, 6):
        assert np.array_equal(chi_square_quantile(levels, parts), chi2.ppf(levels, parts))
