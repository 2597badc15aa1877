"""What is said and kept of solutions on slabs of time, one after the other, (Slab)."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ...optim import Stop
from ..accuracy.verdict import LARGE_ERROR
from ..callers import warn
from ..evaluate import change_on_slab, fields_at, fitted_physics

# Points of each slab at which the error is looked at, and their seed.
LOOKED_AT, SEED = 512, 20241130


class Composition:
    """Solutions on slabs.

    Parameters
    ----------
    fitted : list of PINNEstimator
        One after the other; their ``error_estimate_`` becomes that with what came from before.
    time : str
        What time is called.
    reached : float
        Up to where they are solutions.
    stop : str
        Why not further.
    seconds : float
        What they took.

    Attributes
    ----------
    relative : dict of str to float
        By field, the error on the whole interval, beside the size of the solution.
    """

    def __init__(self, fitted, time, reached, stop, seconds):
        self.fitted, self.time, self.reached, self.stop = fitted, time, reached, stop
        self.seconds = seconds
        self.lengths = [one.problem_.high - one.problem_.low for one in fitted]
        self.high = fitted[-1].problem_.high
        self.relative = self._measured()

    @property
    def is_complete(self):
        """Whether they come to the end of the interval."""
        return self.reached == self.high

    @property
    def largest(self):
        """The largest relative error of a field; NaN where it is not known."""
        return max(self.relative.values())

    def _measured(self):
        """The relative error of each field on the whole interval; each slab learns its own."""
        fields, of_error, of_solution = self.fitted[0].problem_.fields, 0.0, 0.0
        for one in self.fitted:
            source, measure = fitted_physics(one).discretization.source, one.problem_.domain.measure
            X = source.sample(LOOKED_AT, "sobol", SEED)
            error = np.full((len(X), len(fields)), np.nan)
            if one._error is not None:
                error = change_on_slab(one, X)
            error, size = (error**2).mean(axis=0), (fields_at(one, X) ** 2).mean(axis=0)
            one.error_estimate_ = dict(zip(fields, _relative(error, size), strict=True))
            of_error = of_error + measure * error
            of_solution = of_solution + measure * size
        relative = _relative(of_error, of_solution)
        if not self.is_complete:
            # Of the rest nothing is known but that it is not solved.
            relative = np.fmax(relative, 1.0).tolist()
        return dict(zip(fields, relative, strict=True))

    @property
    def outcome(self):
        """Why the fit ends."""
        n = len(self.fitted) - (not self.is_complete)
        slabs = f"{n} slab{'s' if n > 1 else ''} in {self.time}"
        if self.is_complete:
            long = f"{min(self.lengths):.3g} to {max(self.lengths):.3g} long"
            return Stop(f"Converged: solved on {slabs}, {long}, with a network each", "converged")
        came = f"{slabs} came to {self.time} = {self.reached:.6g} of {self.high:.6g}"
        return Stop(f"Not converged: {came}; {self.stop}", "budget")

    @property
    def verdict(self):
        """A sentence on the error."""
        is_known = np.isfinite(self.largest)
        return f" Estimated relative error: {self.largest:.1e}." if is_known else ""

    def warn(self, problem):
        """Say what is not solved of a problem of this name."""
        if not self.is_complete:
            warn(
                f"{problem} is solved slab by slab up to {self.time} = {self.reached:.6g} of "
                f"{self.high:.6g}: {self.stop}. What is answered behind it is no solution. Take a "
                "domain that ends there, or a larger max_time, if there is one.",
                ConvergenceWarning,
            )
        elif self.largest > LARGE_ERROR:
            good = [max(one.error_estimate_.values()) <= LARGE_ERROR for one in self.fitted]
            first = self.fitted[good.index(False)] if False in good else self.fitted[-1]
            warn(
                f"The error of the solution is estimated at {100 * self.largest:.3g} % of its "
                f"size. It grows from slab to slab: up to {self.time} = {first.problem_.low:.6g} "
                f"it is at most {100 * LARGE_ERROR:g} %. A chaotic evolution forgets its start: "
                "take a shorter interval.",
                ConvergenceWarning,
            )

    def attributes(self):
        """What an estimator keeps."""
        last, histories, before = self.fitted[-1], [], 0.0
        for number, one in enumerate(self.fitted):
            history = {**one.history_, "start": np.full(len(one.history_["loss"]), number)}
            history["time"] = history["time"] + before
            before = history["time"][-1]
            histories.append(history)
        common = [key for key in histories[0] if all(key in history for history in histories)]
        losses = [one.loss_ for one in self.fitted]
        return {
            "slabs_": tuple(self.fitted),
            "theta_": np.concatenate([one.theta_ for one in self.fitted]),
            "loss_": float(np.average(losses, weights=self.lengths)),
            "loss_curve_": np.concatenate([one.loss_curve_ for one in self.fitted]),
            "history_": {key: np.concatenate([one[key] for one in histories]) for key in common},
            "n_iter_": sum(one.n_iter_ for one in self.fitted),
            "stop_reason_": self.outcome.sentence,
            "error_estimate_": self.relative,
            "activation_": last.activation_,
            "hidden_layer_sizes_": last.hidden_layer_sizes_,
        }

    def beside(self, candidates):
        """A table of candidates, with a last row for the slabs."""
        n, last = len(candidates["seed"]), self.fitted[-1]
        row = {
            "activation": last.activation_,
            "hidden_layer_sizes": last.hidden_layer_sizes_,
            "bandwidth": np.nan,
            "seed": 0,
            "round": 0,
            "n_iter": sum(one.n_iter_ for one in self.fitted),
            "held_out_loss": np.mean([one.score() ** 2 for one in self.fitted]),
            "seconds": self.seconds,
        }
        table = {}
        for name, column in candidates.items():
            table[name] = np.empty((n + 1, *column.shape[1:]), column.dtype)
            table[name][:n], table[name][n] = column, row[name]
        return {**table, "n_slabs": np.append(np.ones(n, dtype=int), len(self.fitted))}


def _relative(square_of_error, square_of_solution):
    sizes = np.where(square_of_solution > 0, square_of_solution, 1.0)
    return np.sqrt(square_of_error / sizes).tolist()
