"""What is wrong with a fit, in sentences, and what to do about it."""

import numpy as np

from ..estimators.several import slabs_of
from .evidence_of_fit import EvidenceOfFit
from .tangent_rows import checked

# Below this part of the possible directions a tangent space is thin; a condition that leaves six
# digits of sixteen.
THIN, ILL = 0.7, 1e10
# Residuals, as parts of their terms, of two blocks that are out of balance, and one that matters.
UNBALANCED, MATTERS = 1e3, 1e-4
# Held-out errors that are so many times those of the fit; residuals between the points.
HELD_OUT, BETWEEN = 2.0, 10.0
# The slope of a saturated neuron, and on what part of the rows.
FLAT, ALMOST_ALL = 1e-2, 0.9
# Neurons that say the same, that say nothing, and which part of a layer is worth a word.
SAME, NOTHING, SOME = 0.9999, 1e-6, 1 / 3
# Trials of a step that are usual.
USUAL_TRIALS = 4.0
# How far outside of the range, in its widths; which part of the rows.
OUTSIDE, FEW_ROWS = 0.1, 0.01
# A standard deviation beside its unknown; a correlation.
LOOSE, TIED = 0.5, 0.99
# An error, and a part of the spread of y, that matter.
LARGE_ERROR, LEFT = 0.01, 1e-3
# An error by the noise of measurements that is worth a word.
BY_NOISE = 0.1
# The part of the gradient that is seen: enough to go on, and too little to do so.
GOES_ON, BLIND = 0.3, 0.01


def diagnose(estimator, X=None, y=None):
    """Look for what is wrong with a fit.

    Parameters
    ----------
    estimator : NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
        Fitted. Of a pipeline its last step, with X as that step sees it.
    X : array-like of shape (n_samples, n_features), default=None
        Rows to look at: those of the fit, or better others. Without them the tangent space of a
        regressor or classifier is not looked at.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets. For a problem X and y are not needed: points come from the domain.

    Returns
    -------
    findings : dict of str to str
        A sentence or two for each topic where something was found, with what to do. Topics are
        "rank", "condition", "gradient", "held-out", "overfitting", "saturated", "redundant",
        "steps", "extrapolation", "finite", "balance", "unknowns", "error" and "end". Empty where
        nothing was found.

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
    >>> from skngd.inspection import diagnose
    >>> X = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor(n_init=1, random_state=0).fit(X, np.sin(3 * X).ravel())
    >>> diagnose(model, X, np.sin(3 * X).ravel())
    {}
    >>> for sentence in diagnose(model, X + 1).values():
    ...     print(sentence)
    40 % of the rows are outside of those of the fit: column 0 is there from -1 to 1, here from 0 \
to 2. A network does not extrapolate: fit rows from there, or changes of y in place of its values.
    """
    checked(estimator)
    if X is None and y is not None:
        raise ValueError("Expected X with y, got None. Pass both, or neither.")
    if slabs_of(estimator):
        return _of_slabs(slabs_of(estimator))
    seen = EvidenceOfFit(estimator, X, y)
    found = {topic: look(estimator, seen) for topic, look in LOOKS.items()}
    return {topic: sentence for topic, sentence in found.items() if sentence}


def _of_slabs(slabs):
    """What is found on slabs of time, of each topic the first; rows do not matter there."""
    found = {}
    for number, one in enumerate(slabs):
        for topic, sentence in diagnose(one).items():
            found.setdefault(topic, f"Of slabs_[{number}]: {sentence}")
    return found


def rank(estimator, seen):
    """Directions of the parameters that change nothing."""
    if seen.tangent is None or seen.left < LEFT or seen.is_held_back:
        return None
    (m, n), found = seen.tangent[0].shape, seen.rank
    if found >= THIN * min(m, n):
        return None
    return (
        f"The tangent space has {found} dimensions for {n} parameters and {m} residuals: the other "
        "directions change nothing there. Take fewer neurons, or drop columns that repeat each "
        "other."
    )


def condition(estimator, seen):
    """Directions that are lost in rounding."""
    # What is known to all digits, or no better than its noise, has no need of them.
    if seen.tangent is None or seen.has_measurements or seen.left < LEFT or seen.condition < ILL:
        return None
    digits = max(0, 16 - int(np.log10(seen.condition)))
    return (
        f"The tangent space has the condition {seen.condition:.0e}: along the weakest directions "
        f"{digits} digits of a step are right. In place of columns that are almost equal take "
        "their difference, take fewer neurons, or set alpha='auto', or an rcond such as 1e-8."
    )


def gradient(estimator, seen):
    """The part of what is left that the network could still change."""
    if seen.tangent is None or seen.left < LEFT:
        return None
    m, n = seen.tangent[0].shape
    # What noise leaves, or what is wrong elsewhere, is no gradient of the fit.
    if m < 2 * n or seen.has_measurements or held_out(estimator, seen):
        return None
    if seen.share > GOES_ON:
        return (
            f"The tangent space still sees {100 * seen.share:.0f} % of the gradient: the "
            "iterations ended before they were done. Increase max_iter, lower tol or alpha, or "
            "take another step_size."
        )
    if seen.has_problem and seen.share < BLIND:
        return (
            f"The tangent space sees {100 * seen.share:.2g} % of the gradient, and residuals are "
            "left: no step of this network makes them smaller. Take more neurons, "
            "activation='auto', or hard conditions."
        )
    return None


def held_out(estimator, seen):
    """Errors on these rows beside those of the fit."""
    if seen.has_problem:
        there = seen.fresh_blocks.get("equation")
        here = seen.blocks.get("equation")
        if not there or not here or not there >= max(BETWEEN * here, MATTERS):
            return None
        return (
            f"The equation holds at the points of the fit to {here:.1e} of its terms, at others to "
            f"{there:.1e}. Increase n_interior, set sampler='adaptive', or take fewer neurons."
        )
    if seen.iterate is None:
        return None
    there, ratio = seen.held_out
    if ratio < HELD_OUT or seen.left < LEFT:
        return None
    times = f"{ratio:.1f}" if ratio < 100 else "more than a hundred"
    return (
        f"On these rows the loss is {there:.2g}, where it is {estimator.loss_:.2g} on those of the "
        f"fit: an error {times} times as large. Take alpha='auto', fewer neurons, more rows, "
        "or early_stopping=True; or the rows come from elsewhere."
    )


def overfitting(estimator, seen):
    """Effective parameters beside values."""
    effective = getattr(estimator, "n_effective_parameters_", None)
    if effective is None or seen.has_problem:
        return None
    told = "may follow the noise" in estimator.stop_reason_
    if not told:
        return None
    return (
        f"{effective:.0f} parameters are effective, more than a third of the values of y that the "
        "fit had: it may follow their noise. Take alpha='auto' where it is named, fewer neurons, "
        "or more rows."
    )


def saturated(estimator, seen):
    """Neurons that are steps."""
    told = []
    if seen.has_problem and seen.left < LEFT:
        return None
    for number, (_, slope) in enumerate(seen.hidden or [], start=1):
        flat = np.count_nonzero(np.mean(slope < FLAT, axis=0) > ALMOST_ALL)
        if flat > SOME * slope.shape[1]:
            told.append(f"{flat} of {slope.shape[1]} in layer {number}")
    if not told:
        return None
    return (
        f"Neurons are saturated on nine of ten rows, {_and(told)}: they are steps there, and learn "
        "nothing any more. Look for jumps in y and outliers in X, set alpha='auto', or take "
        "another random_state."
    )


def redundant(estimator, seen):
    """Neurons that say what others say, or nothing."""
    told = []
    if seen.has_problem and seen.left < LEFT:
        return None
    for number, (values, _) in enumerate(seen.hidden or [], start=1):
        spread = values.std(axis=0)
        out = np.abs(estimator.coefs_[number]).max(axis=1) * spread
        silent = out <= NOTHING * out.max()
        kept = values[:, ~silent & (spread > 0)]
        n_kept = kept.shape[1]
        if n_kept > 1:
            alike = np.abs(np.corrcoef(kept.T)) > SAME
            # Of those that are alike the first one counts.
            n_kept = int(np.count_nonzero(~np.any(np.tril(alike, -1), axis=1)))
        n_more = values.shape[1] - n_kept
        if n_more > SOME * values.shape[1]:
            told.append(f"{n_more} of {values.shape[1]} in layer {number}")
    if not told:
        return None
    return (
        f"Neurons repeat others, or count for nothing: {_and(told)}. So many fewer would do the "
        "same, and a step takes the square of their number."
    )


def steps(estimator, seen):
    """Trials of steps that were refused."""
    trials = estimator.history_["n_trials"]
    made = trials[trials > 0]
    asked = estimator.step_size
    searches = asked in ("auto", "trust-region", "backtracking", "batches")
    if not searches or len(made) == 0 or made.mean() < USUAL_TRIALS:
        return None
    return (
        f"A step took {made.mean():.1f} trials on average, where one or two are usual: the others "
        "were refused. The loss is far from a paraboloid along them, or at its rounding level. "
        "Scale y, bound the first steps by a larger damping, raise tol, or set step_size='auto'."
    )


def extrapolation(estimator, seen):
    """Rows outside of those of the fit."""
    known = getattr(estimator, "_X_range", None)
    if known is None or seen.X is None or seen.has_problem:
        return None
    low, high = known
    width = np.where(high > low, high - low, 1.0)
    beyond = np.maximum(low - seen.X, seen.X - high) / width
    part = np.mean(beyond.max(axis=1) > OUTSIDE)
    if part <= FEW_ROWS:
        return None
    column = int(np.argmax(beyond.max(axis=0)))
    names = getattr(estimator, "feature_names_in_", None)
    name = f"column {column}" if names is None else repr(names[column])
    here = seen.X[:, column]
    return (
        f"{100 * part:.0f} % of the rows are outside of those of the fit: {name} is there from "
        f"{low[column]:.4g} to {high[column]:.4g}, here from {here.min():.4g} to {here.max():.4g}. "
        "A network does not extrapolate: fit rows from there, or changes of y in place of its "
        "values."
    )


def finite(estimator, seen):
    """Residuals, or their derivatives, that are no numbers."""
    if not seen.has_problem or seen.is_finite:
        return None
    return (
        "The residual or a derivative of it is not finite at some points. Look for a root, a "
        "logarithm or a quotient at 0, also on the side of an np.where that is not taken: the "
        "network starts near 0 and of both signs. Keep the solution in range by hard=True or "
        "np.maximum, or solve for another variable."
    )


def balance(estimator, seen):
    """Blocks of a problem whose residuals are far apart."""
    if not seen.has_problem:
        return None
    # Measurements have noise.
    blocks = {k: size for k, size in seen.blocks.items() if not k.startswith("measurements")}
    if len(blocks) < 2:
        return None
    worst, best = (choose(blocks, key=blocks.get) for choose in (max, min))
    large, small = blocks[worst], blocks[best]
    if large < MATTERS or large < UNBALANCED * small:
        return None
    return (
        f"The residual of {worst!r} is {large:.1e} of the size of its terms, that of {best!r} "
        f"{small:.1e}: the first one hardly counts in the loss. Give it a larger weight=, or "
        "hard=True where it is a condition."
    )


def unknowns(estimator, seen):
    """Unknown coefficients that the measurements do not tell."""
    std = getattr(estimator, "unknowns_std_", None)
    if not seen.has_problem or not std:
        return None
    told = []
    for name, value in estimator.unknowns_.items():
        if not np.isfinite(std[name]):
            told.append(f"{name!r} is not determined")
        elif std[name] > LOOSE * abs(value):
            told.append(f"{name!r} is {value:.3g} with a standard deviation of {std[name]:.2g}")
    told += _ties(estimator)
    if not told:
        return None
    return (
        f"Of the unknowns {_and(told)}. Measure where the solution reacts to them, fix one of "
        "them, or state what is known by low= and high=."
    )


def _ties(estimator):
    """Pairs of unknowns of which only a combination is told."""
    covariance, names = np.asarray(estimator.unknowns_cov_), list(estimator.unknowns_)
    deviation = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.outer(deviation, deviation)
    pairs = zip(*np.triu_indices(len(names), 1), strict=True)
    return [
        f"{names[i]!r} and {names[j]!r} have the correlation {correlation[i, j]:.3f}"
        for i, j in pairs
        if abs(correlation[i, j]) > TIED
    ]


def error(estimator, seen):
    """The estimated error of a solution."""
    if not seen.has_problem:
        return None
    found = {name: e for name, e in estimator.error_estimate_.items() if not np.isnan(e)}
    if not found or max(found.values()) < LARGE_ERROR:
        return None
    name = max(found, key=found.get)
    if not np.isfinite(found[name]):
        return (
            f"The problem does not determine {name!r}. Add the condition that is missing, or "
            "measurements by fit(X, y)."
        )
    sentence = f"The error of {name!r} is estimated at {100 * found[name]:.2g} % of its size"
    if seen.error_beside_noise < LARGE_ERROR:
        if found[name] < BY_NOISE:
            return None
        return (
            f"{sentence}, and that is what the noise of the measurements does. Take more of them, "
            "where the solution depends on the unknowns, or better ones."
        )
    untried = [
        f"{setting}='auto'"
        for setting in ("hidden_layer_sizes", "activation")
        if getattr(estimator, setting) != "auto"
    ]
    advice = ", ".join([*untried, "more points by n_interior"])
    return f"{sentence}. Take {advice}, or increase max_iter."


def end(estimator, seen):
    """A fit that did not end by itself."""
    sentence = estimator.stop_reason_.split(". ")[0].rstrip(".")
    if not sentence.startswith(("Not converged", "Diverged", "Stopped", "Interrupted")):
        return None
    if seen.has_problem:
        if max(estimator.error_estimate_.values(), default=1.0) < LEFT:
            return None
        return f"{sentence}. Increase it where it is a budget, or take another network."
    spread = np.mean(np.square(getattr(estimator, "y_scale_", 0.0)))
    if 2 * estimator.loss_ < LEFT**2 * spread:
        return None
    return f"{sentence}. Increase it where it is a budget, raise tol, or scale what is fitted."


def _and(told):
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


# Each looks at one thing.
LOOKS = {
    "rank": rank,
    "condition": condition,
    "gradient": gradient,
    "held-out": held_out,
    "overfitting": overfitting,
    "saturated": saturated,
    "redundant": redundant,
    "steps": steps,
    "extrapolation": extrapolation,
    "finite": finite,
    "balance": balance,
    "unknowns": unknowns,
    "error": error,
    "end": end,
}
