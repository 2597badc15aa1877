"""A fit in about ten lines."""

import textwrap

import numpy as np
from scipy.stats import norm
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from ..estimators.density import NaturalMomentumDensity
from .diagnosis import diagnose
from .evidence_of_fit import EvidenceOfFit
from .tangent_rows import checked, solves_a_problem

# Columns of the text, and of the names in it.
WIDTH, NAMES = 88, 14
# What the interval of an unknown coefficient is to cover.
LEVEL = 0.95


class Summary:
    """Named facts of a fit, which print as a table.

    Parameters
    ----------
    title : str
        The first line.
    facts : dict of str to str
        What is said, by name, in the order of the table.

    See Also
    --------
    skngd.inspection.summary : A fit in about ten lines.

    Examples
    --------
    >>> from skngd.inspection import Summary
    >>> print(Summary("Fit", {"model": "1-10-1, tanh"}))
    Fit
      model         1-10-1, tanh
    """

    def __init__(self, title, facts):
        self.title, self.facts = title, facts

    def __str__(self):
        lines = [self.title]
        for name, fact in self.facts.items():
            begin = f"  {name:{NAMES}s}"
            look = {"initial_indent": begin, "subsequent_indent": " " * len(begin)}
            lines += textwrap.wrap(fact, WIDTH, break_long_words=False, **look)
        return "\n".join(lines)

    __repr__ = __str__


def summary(estimator, X=None, y=None):
    """Sum up a fit: the model, how it ended, how good it is, and what is wrong with it.

    Parameters
    ----------
    estimator : NaturalMomentumRegressor, NaturalMomentumClassifier, PINNEstimator or \
NaturalMomentumDensity
        Fitted. Of a pipeline its last step, with X as that step sees it.
    X : array-like of shape (n_samples, n_features), default=None
        Rows to judge the fit by: those of the fit, or better others. For a problem without y they
        are points of its domain.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets, for a problem what was measured there.

    Returns
    -------
    summary : Summary
        Prints as about ten lines; ``facts`` has them by name. "model", "iterations", "end" and
        "loss" are there for all fits; "score" with rows; "noise", "effective", "coefficients",
        "residuals" and "error" where they are known. A line for each finding of :func:`diagnose`
        comes last, without X of what can be seen without rows.

    Raises
    ------
    TypeError
        If the estimator is none of these.
    NotFittedError
        If it is not fitted.
    ValueError
        If y comes without X, or they do not fit the estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import summary
    >>> X = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> y = np.sin(3 * X[:, 0]) + 0.1 * np.random.RandomState(0).standard_normal(100)
    >>> model = NaturalMomentumRegressor(n_init=1, random_state=0).fit(X, y)
    >>> told = summary(model, X, y)
    >>> list(told.facts)
    ['model', 'iterations', 'end', 'loss', 'score', 'noise', 'effective']
    >>> told.facts["model"]
    '1-10-1, tanh: 31 parameters'
    """
    is_density = isinstance(estimator, NaturalMomentumDensity)
    if is_density:
        check_is_fitted(estimator)
    else:
        checked(estimator)
    if X is None and y is not None:
        raise ValueError("Expected X with y, got None. Pass both, or neither.")
    facts = {
        "model": _model(estimator),
        "iterations": _iterations(estimator),
        "end": _end(estimator),
        "loss": f"{estimator.loss_:.3g}, {estimator.loss_curve_[0]:.3g} at the start",
        "score": _score(estimator, X, y),
        "noise": _noise(estimator),
        "effective": _effective(estimator),
        "mass": f"known to {estimator.mass_error_:.1g} of itself" if is_density else None,
    }
    if not is_density:
        if solves_a_problem(estimator):
            facts |= _of_problem(estimator)
        facts |= diagnose(estimator, X, y)
    return Summary(
        f"Fit of {type(estimator).__name__}",
        {name: fact for name, fact in facts.items() if fact is not None},
    )


def _model(estimator):
    size = f"{len(estimator.theta_)} parameters"
    weights = getattr(estimator, "coefs_", None)
    if isinstance(estimator, NaturalMomentumDensity):
        hidden = np.atleast_1d(estimator.hidden_layer_sizes)
        layers = "-".join(str(n) for n in (estimator.rank_, *hidden, 1))
        return f"normal distribution times exp of {layers}, {estimator.activation}: {size}"
    if weights is None:
        return f"{type(estimator.model).__name__}: {size}"
    layers = "-".join(str(n) for n in (len(weights[0]), *(W.shape[1] for W in weights)))
    return f"{layers}, {estimator._activation()}: {size}"


def _iterations(estimator):
    told = f"{estimator.n_iter_}"
    if "time" in estimator.history_:
        told += f" in {np.max(estimator.history_['time']):.2g} s"
    n_starts = len(getattr(estimator, "candidates_", {}).get("seed", ()))
    n_starts = n_starts or len(np.unique(estimator.history_.get("start", [0])))
    return told if n_starts == 1 else f"{told}, the best of {n_starts} starts"


def _end(estimator):
    """The first sentence, which is on the stop itself."""
    return estimator.stop_reason_.split(". ")[0].rstrip(".")


def _score(estimator, X, y):
    if X is None:
        return None
    n = f"on {np.shape(X)[0]} rows"
    if isinstance(estimator, NaturalMomentumDensity):
        return f"mean log density {estimator.score(X) / np.shape(X)[0]:.4g} {n}"
    if y is None and not solves_a_problem(estimator):
        return None
    found = estimator.score(X, y)
    if y is None:
        return f"relative residual {-found:.2g} {n}"
    if is_classifier(estimator):
        return f"accuracy {found:.4g} {n}"
    # A share of the variance next to 1 is told by what is missing.
    return f"R² {found:.4f} {n}" if found < 0.999 else f"R² 1 − {1 - found:.1e} {n}"


def _noise(estimator):
    noise = getattr(estimator, "noise_std_", None)
    if noise is None or not is_regressor(estimator):
        return None
    return "standard deviation " + ", ".join(f"{each:.3g}" for each in np.atleast_1d(noise))


def _effective(estimator):
    found = getattr(estimator, "n_effective_parameters_", None)
    if found is None:
        return None
    told = f"{found:.1f} of {len(estimator.theta_)} parameters"
    evidence = getattr(estimator, "log_evidence_", np.nan)
    return told if np.isnan(evidence) else f"{told}, log evidence {evidence:.4g}"


def _of_problem(estimator):
    """Residuals, the estimated errors, and unknown coefficients with their intervals."""
    blocks = EvidenceOfFit(estimator).blocks
    sizes = ", ".join(f"{name} {size:.1e}" for name, size in blocks.items())
    # A topic of the diagnosis is "error", too: what it finds takes the place of this line.
    errors = [f"{name} {e:.1e}" for name, e in estimator.error_estimate_.items() if not np.isnan(e)]
    return {
        "coefficients": _unknowns(estimator),
        "residuals": f"of the network: {sizes}, as parts of their terms" if sizes else None,
        "error": f"{', '.join(errors)} of the solution, as estimated" if errors else None,
    }


def _unknowns(estimator):
    if not estimator.unknowns_:
        return None
    half = {name: norm.ppf(0.5 + LEVEL / 2) * s for name, s in estimator.unknowns_std_.items()}
    told = [
        f"{name} = {value:.5g} ± {half[name]:.2g}" for name, value in estimator.unknowns_.items()
    ]
    return f"{', '.join(told)} ({100 * LEVEL:g} % interval)"
