"""Where one more measurement would tell most of the unknown coefficients."""

from dataclasses import dataclass

import numpy as np

from ..estimators.device import plain_tensors
from ..estimators.evaluate import responses_of
from .profile import check_unknown
from .tangent_rows import checked, solves_a_problem


@dataclass(frozen=True)
class NextMeasurement:
    """What :func:`next_measurement` found.

    Attributes
    ----------
    best : int
        The row of the candidates that tells most.
    field : str
        What to measure there.
    volume : ndarray of shape (n,) or (n, n_fields)
        √(det Σ′ / det Σ): the volume of the confidence ellipsoid with a measurement there, as a
        part of what it is.
    std : dict of str to ndarray of the same shape
        Standard deviation of each unknown with a measurement there.

    See Also
    --------
    skngd.inspection.next_measurement : Finds it.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.inspection import NextMeasurement
    >>> found = NextMeasurement(1, "u", np.array([0.9, 0.7]), {"k": np.array([0.18, 0.14])})
    >>> float(found.std["k"][found.best])
    0.14
    """

    best: int
    field: str
    volume: np.ndarray
    std: dict


def next_measurement(estimator, candidates, *, of=None):
    """Where one more measurement would tell most, by Fisher's information, equation (Design).

    Parameters
    ----------
    estimator : fitted PINNEstimator
        To measurements, with unknown coefficients and ``estimate_error``.
    candidates : array-like of shape (n, n_features)
        Where could be measured, with the noise that was seen.
    of : str, default=None
        The unknown whose interval is to be as short as possible (c-optimal); None: the ellipsoid of
        all of them is to be as small as possible (D-optimal).

    Returns
    -------
    found : NextMeasurement
        The best candidate, and what each of them would do.

    Raises
    ------
    NotFittedError, TypeError
        If the estimator is not fitted, or solves no problem.
    ValueError
        If there is no such unknown, if the measurements do not determine all of them, if there is
        no noise, or if not the fields themselves are measured.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import PINNEstimator
    >>> from skngd.inspection import next_measurement
    >>> from skngd.pde import Box, Initial, Problem, Unknown
    >>> class Decay(Problem):
    ...     domain = Box(t=(0, 2))
    ...     conditions = (Initial(1.0),)
    ...
    ...     def __init__(self, k):
    ...         self.k = k
    ...
    ...     def residual(self, u, t):
    ...         return u.t + self.k * u
    >>> t = np.linspace(0.1, 2, 10).reshape(-1, 1)
    >>> y = np.exp(-2 * t[:, 0]) + 0.02 * np.random.default_rng(0).normal(size=10)
    >>> solver = PINNEstimator(Decay(Unknown(1.0, low=0)), (8,), activation="tanh", random_state=0)
    >>> times = np.linspace(0, 2, 41).reshape(-1, 1)
    >>> found = next_measurement(solver.fit(t, y), times)
    >>> float(times[found.best, 0])  # where t exp(−k t) is largest, at 1 / k
    0.5
    """
    if not solves_a_problem(checked(estimator)):
        raise TypeError(
            f"Expected a PINNEstimator with a problem, got {type(estimator).__name__}. Fit one to "
            "measurements, with a coefficient as an Unknown."
        )
    names = list(estimator.unknowns_)
    if of is not None:
        check_unknown(estimator, of)
    if not names or estimator._spread is None or not estimator.noise_std_ > 0:
        raise ValueError(
            "Expected a fit to noisy measurements that determine its unknown coefficients, with "
            f"estimate_error=True, got unknowns_std_={estimator.unknowns_std_} and noise_std_="
            f"{estimator.noise_std_}. Use such a fit."
        )
    fields = tuple(estimator.problem_.fields)
    if estimator.problem_.observed is not None:
        raise ValueError(
            "Expected a problem whose fields are measured, got observed="
            f"{estimator.problem_.observed}. What other measurements tell is not known here."
        )
    with plain_tensors():
        seen = responses_of(estimator, candidates)
    covariance = estimator._spread[1]
    # What a measurement sees of one standard deviation, in units of its noise.
    along = np.einsum("mfi,ij->mfj", seen, covariance)
    gained = np.einsum("mfi,mfi->mf", along, seen)
    variance = _noise_of(estimator, fields) ** 2
    after = np.diag(covariance) - along**2 / (variance + gained)[:, :, None]
    volume = np.sqrt(variance / (variance + gained))
    slopes = [estimator._slopes[name] for name in names]
    std = {
        name: abs(slope) * np.sqrt(after[:, :, number])
        for number, (name, slope) in enumerate(zip(names, slopes, strict=True))
    }
    judged = volume if of is None else std[of]
    row, column = np.unravel_index(int(np.argmin(judged)), judged.shape)
    if len(fields) == 1:
        volume, std = volume[:, 0], {name: one[:, 0] for name, one in std.items()}
    return NextMeasurement(int(row), fields[column], volume, std)


def _noise_of(estimator, fields):
    """Standard deviation of a measurement of each field: alike in units of their sizes."""
    sizes = [
        float(np.ravel(estimator.sizes_.get(f"measurements {f}", [np.nan]))[0]) for f in fields
    ]
    sizes = np.array(sizes)
    sizes[np.isnan(sizes)] = np.nanmean(sizes)
    return estimator.noise_std_ * sizes * np.sqrt(np.mean(1.0 / sizes**2))
