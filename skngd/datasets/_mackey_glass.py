"""The Mackey-Glass series: the map of the slides, the delay equation and the standard split."""

from importlib.resources import files
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ._lagged import make_lagged

LAGS = (0, 6, 12, 18)
HORIZON = 6
SPLIT = {"train": range(200, 700), "val": range(800, 1800), "test": range(5000, 5500)}

DESCR = """\
Mackey-Glass series, standard split
-----------------------------------
The map x(t+1) = (1-b) x(t) + a x(t-tau) / (1 + x(t-tau)^10) with a = 0.2, b = 0.1, tau = 17,
x(0) = 1.2 and x(t) = 0 for t < 0, at t = 0, ..., 5999.

Inputs x(t), x(t-6), x(t-12), x(t-18); target x(t+6).

train: 500 rows, t = 200, ..., 699
val:   1000 rows, t = 800, ..., 1799, to choose hyperparameters with
test:  500 rows, t = 5000, ..., 5499

No value of the series is in the rows of two sets. There is no noise.
"""


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "system": [StrOptions({"map", "dde"})],
        "a": [Interval(Real, 0, None, closed="left")],
        "b": [Interval(Real, 0, 1, closed="both")],
        "tau": [Interval(Real, 0, None, closed="neither")],
        "exponent": [Interval(Real, 0, None, closed="neither")],
        "x0": [Interval(Real, 0, None, closed="left")],
        "step": [Interval(Real, 1e-4, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def make_mackey_glass(
    n_samples=6000, *, system="map", a=0.2, b=0.1, tau=17, exponent=10, x0=1.2, step=0.1
):
    """Generate a Mackey-Glass series, without noise.

    With F(x) = a x / (1 + x^exponent), ``system`` is one of

    * ``"map"``: x(t+1) = (1 − b) x(t) + F(x(t − tau)), for whole t;
    * ``"dde"``: dx/dt = F(x(t − tau)) − b x(t), a delay differential equation.

    Both start from x(0) = x0 with x(t) = 0 for t < 0, and both are returned at
    t = 0, 1, …, n_samples − 1. They are two systems: the map is the Euler method for the delay
    equation with a step of 1, and their series soon differ.

    Parameters
    ----------
    n_samples : int, default=6000
        Length of the series, x(0) included.
    system : {"map", "dde"}, default="map"
        Which of the two.
    a : float, default=0.2
        Rate of production, at least 0.
    b : float in [0, 1], default=0.1
        Rate of decay.
    tau : float, default=17
        Delay, positive: a whole number for the map, a multiple of ``step`` for the delay
        equation. With the other defaults the delay equation is chaotic from about 16.8 on.
    exponent : float, default=10
        Positive; how sharply production falls where x > 1.
    x0 : float, default=1.2
        Value at t = 0, at least 0.
    step : float in [0.0001, 1], default=0.1
        Step of the delay equation, 1 divided by a whole number. The map does not use it.

    Returns
    -------
    series : ndarray of shape (n_samples,)
        x(0), x(1), ….

    Raises
    ------
    ValueError
        If a parameter is outside its range, if ``tau`` is no multiple of the step, or if x
        overflows.

    See Also
    --------
    load_mackey_glass : The map's series as stored, with its standard split.
    make_lagged : Turn the series into inputs and targets.

    Notes
    -----
    The delay equation is integrated by the classical Runge-Kutta method of order 4 with a fixed
    step. The delayed value moves along during a step: at the two ends it is the stored solution,
    in the middle the cubic Hermite interpolant of the stored solution and its derivative. The jump
    of x at 0, and those of its derivatives at tau, 2 tau, … that follow from it, lie between two
    steps, each of which uses the limit from its own side. So the series is accurate to order 4:
    with the defaults the error is about 1e-9 up to t = 100, and grows to 3e-5 up to t = 1500,
    since the solution is chaotic.

    Many programs for this series, MATLAB ones among them, keep the delayed value constant during a
    step. They are accurate to order 1: an error of 0.016 up to t = 100 with a step of 0.1.

    The map is evaluated in double precision as it is printed above, from left to right. As it is
    chaotic, a power function that rounds differently changes the series after some thousand steps.

    Examples
    --------
    >>> from skngd.datasets import make_mackey_glass
    >>> make_mackey_glass(4).round(4)
    array([1.2   , 1.08  , 0.972 , 0.8748])
    >>> make_mackey_glass(4, system="dde").round(4)
    array([1.2   , 1.0858, 0.9825, 0.889 ])
    """
    a, b, exponent, x0 = float(a), float(b), float(exponent), float(x0)

    def production(x):
        return a * x / (1 + x**exponent)

    try:
        if system == "map":
            delay = _whole(tau, "tau", "a whole number for system='map'", "system='dde'")
            series = _iterate(n_samples, production, b, delay, x0)
        else:
            per_unit = _whole(1 / step, "1 / step", "a whole number", "step=0.1")
            advice = f"a tau that is a multiple of step={step:g}, or another step"
            delay = _whole(tau * per_unit, "tau / step", "a whole number", advice)
            series = _integrate(n_samples, production, b, delay, x0, per_unit)
    except OverflowError:  # the power; a product becomes infinite instead
        series = [np.inf]
    series = np.array(series)
    if not np.isfinite(series).all():
        raise ValueError(
            "Expected parameters whose series stays below the largest float, but it overflows for "
            f"a={a:g}, exponent={exponent:g}, x0={x0:g}. Try smaller ones, such as x0=1.2."
        )
    return series


def _whole(value, name, expected, advice):
    """The whole number that a value is, up to rounding: 17 / 0.1 may miss 170 by a digit."""
    number = round(min(value, 2.0**53))
    if number < 1 or abs(value - number) > 1e-9 * number:
        raise ValueError(f"Expected {name} to be {expected}, got {value:g}. Try {advice}.")
    return number


def _iterate(n_samples, production, b, delay, x0):
    """The map."""
    x = [x0]
    for t in range(n_samples - 1):
        delayed = x[t - delay] if t >= delay else 0.0
        x.append((1 - b) * x[t] + production(delayed))
    return x


def _integrate(n_samples, production, b, delay, x0, per_unit):
    """The delay equation by the classical Runge-Kutta method, at whole times."""
    h = 1 / per_unit
    x = [x0]
    # F at the start, middle and end of each step made: what the step one delay later is driven by
    driven = []
    for k in range((n_samples - 1) * per_unit):
        start, middle, end = driven[k - delay] if k >= delay else (0.0, 0.0, 0.0)
        k1 = start - b * x[k]
        k2 = middle - b * (x[k] + h / 2 * k1)
        k3 = middle - b * (x[k] + h / 2 * k2)
        k4 = end - b * (x[k] + h * k3)
        x.append(x[k] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        slope = end - b * x[k + 1]
        centre = (x[k] + x[k + 1]) / 2 + h / 8 * (k1 - slope)
        # x is never negative, but a cubic through a steep end can be
        driven.append(tuple(production(max(v, 0.0)) for v in (x[k], centre, x[k + 1])))
    return x[::per_unit]


def load_mackey_glass():
    """Load the map's series with the split that the benchmarks use.

    Inputs are x(t), x(t−6), x(t−12), x(t−18), the target is x(t+6). The series is stored, since it
    is chaotic: computed on another machine, it can differ after some thousand steps.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        X_train : ndarray of shape (500, 4)
            Inputs at t = 200, …, 699.
        y_train : ndarray of shape (500,)
            Targets of the same rows.
        X_val, y_val : ndarray of shape (1000, 4) and (1000,)
            t = 800, …, 1799, to choose hyperparameters without a look at the test rows.
        X_test, y_test : ndarray of shape (500, 4) and (500,)
            t = 5000, …, 5499.
        series : ndarray of shape (6000,)
            x(0), …, x(5999).
        feature_names : list of str
            Names of the columns.
        DESCR : str
            Description of the data set.

    See Also
    --------
    make_mackey_glass : Other parameters, and the delay differential equation.

    Examples
    --------
    >>> from skngd.datasets import load_mackey_glass
    >>> data = load_mackey_glass()
    >>> data.X_train.shape, data.X_val.shape, data.X_test.shape
    ((500, 4), (1000, 4), (500, 4))
    >>> data.feature_names
    ['x(t)', 'x(t-6)', 'x(t-12)', 'x(t-18)']
    """
    path = files(__package__) / "data" / "mackey_glass.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        series = stored["series"]
    X, y, times = make_lagged(series, LAGS, HORIZON, return_times=True)
    data = Bunch()
    for name, rows_at in SPLIT.items():
        rows = np.isin(times, rows_at)
        data[f"X_{name}"], data[f"y_{name}"] = X[rows], y[rows]
    data.series = series
    data.feature_names = [f"x(t-{lag})" if lag else "x(t)" for lag in LAGS]
    data.DESCR = DESCR
    return data
