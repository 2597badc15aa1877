"""Several fits, of which an estimator takes the best: over decays, networks or sizes."""

import warnings

import numpy as np

from .callers import warn
from .run import run


def run_aside(one, task, began, with_callbacks=True):
    """Run one of several fits: the warnings that it gave, as a list.

    Parameters
    ----------
    one : estimator
        Becomes that of the task.
    task : RowsTask
    began : float
        When the time of ``max_time`` began, in seconds of ``time.perf_counter``.
    with_callbacks : bool, default=True
        Whether the callbacks of the estimator see this fit.

    Returns
    -------
    list of warnings.WarningMessage
    """
    if not with_callbacks:
        vars(one).pop("_skl_callbacks", None)
    task.estimator = one
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        run(one, task, began)
    return warned


def is_ended(one):
    """Whether a fit was ended from outside, so that no further one is to follow."""
    return one.stop_reason_.startswith(("Interrupted", "Stopped"))


def take_state(estimator, best, more, told, warned):
    """Give the estimator the state of the best fit, all at once, and its warnings.

    Parameters
    ----------
    estimator, best : estimator
    more : dict
        Further attributes.
    told : str
        What ``stop_reason_`` says of the choice.
    warned : list of warnings.WarningMessage
    """
    names = estimator.get_params(deep=False)
    kept = {name: value for name, value in vars(best).items() if name not in names}
    kept = {**kept, **more, "stop_reason_": best.stop_reason_ + told}
    for name in [name for name in vars(estimator) if name.endswith("_") and name not in kept]:
        del vars(estimator)[name]
    vars(estimator).update(kept)
    for one in warned:
        warn(str(one.message), one.category)


def table_of(rows, judge):
    """``candidates_``, from (sizes, worth, effective parameters, iterations, seconds) of each."""
    sizes, worth, effective, n_iter, seconds = zip(*rows, strict=True)
    tried = np.empty(len(sizes), dtype=object)
    tried[:] = sizes
    return {
        "hidden_layer_sizes": tried,
        judge: np.array(worth),
        "n_effective_parameters": np.array(effective),
        "n_iter": np.array(n_iter),
        "time": np.array(seconds),
    }
