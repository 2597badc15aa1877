"""When to stop, and the sentence that says why."""

import math
from dataclasses import dataclass, replace

BEST, START = (
    "the best model so far was kept",
    "no iterate was better than the start, which was kept",
)


@dataclass(frozen=True)
class Stop:
    """The outcome of a fit.

    Attributes
    ----------
    reason : str
        Why the iterations ended, without a full stop.
    kind : {"converged", "budget", "diverged", "interrupted", "stopped"}
    kept : str, default=""
        Which model was kept, where that is not the last one.
    advice : str, default=""
        What to try, as a sentence.

    Examples
    --------
    >>> from skngd.optim import Stop
    >>> Stop("max_iter is reached", "budget", advice="Raise it.").sentence
    'max_iter is reached. Raise it.'
    """

    reason: str
    kind: str
    kept: str = ""
    advice: str = ""

    @property
    def sentence(self):
        """All of it as a sentence or two."""
        told = "; ".join(filter(None, (self.reason, self.kept)))
        return " ".join(filter(None, (f"{told}.", self.advice)))

    def at_start(self):
        """The same stop, of a run whose best iterate is its start."""
        return replace(self, kept=START if self.kept else "")


class Stopping:
    """The rules of one fit, asked once after each iteration.

    Parameters
    ----------
    tol : float, "auto" or None, default="auto"
        Stop when the monitored loss has not fallen by more than ``tol`` (an absolute number)
        in ``n_iter_no_change`` iterations. ``"auto"``: by more than ``relative_tol`` of itself.
        None: as "auto", where a ``tol`` of other things was named.
    n_iter_no_change : int, default=10
        Iterations without progress that a fit waits for.
    floor : float, default=0.0
        A loss not above this is zero to working precision.
    expects_descent : bool, default=True
        Whether a loss that has risen is a failure. It is none on held-out rows or on batches.
    relative_tol : float, default=1e-3
        The part that ``tol="auto"`` stands for.
    small : float, default=0.0
        A loss up to which it has to fall by :attr:`small_tol` of itself, where ``tol`` is "auto":
        the digits to come are worth less than their time.
    settles : bool, default=False
        Whether a loss that rises has to settle, too: that of the evidence, equation (EV), which is
        spurious as long as the parameters are far from their optimum.
    noisy, noisy_tol : float, default=(inf, 0.0)
        A loss from which on a change by a larger part, ``noisy_tol``, counts, where ``tol`` is
        "auto": what is left is noise, and there are few rows to tell it by.

    Examples
    --------
    >>> from skngd.optim import Stopping
    >>> rules = Stopping(tol=0.1, n_iter_no_change=2)
    >>> rules.begin(5.0)
    >>> [rules.after(loss) is None for loss in (1.0, 0.98, 0.97)]
    [True, True, False]
    """

    # A loss this many times the best one is no convergence.
    risen = 1.1
    small_tol = 0.3
    # Rises that settle, for each iteration without change: it may go up and down.
    most_rises = 5

    def __init__(
        self,
        tol="auto",
        n_iter_no_change=10,
        floor=0.0,
        expects_descent=True,
        relative_tol=1e-3,
        small=0.0,
        settles=False,
        noisy=math.inf,
        noisy_tol=0.0,
    ):
        self.small, self.settles, self.noisy, self.noisy_tol = small, settles, noisy, noisy_tol
        self.expects_descent, self.relative_tol = expects_descent, relative_tol
        self.tol, self.n_iter_no_change, self.floor = tol, n_iter_no_change, floor
        self.begin(math.inf)

    def begin(self, loss):
        """The monitored loss of the start, which counts as a best value."""
        self.reference, self.waited = loss if math.isfinite(loss) else math.inf, 0
        self.n_rises = 0

    def _part(self):
        """The part of the loss that ``tol="auto"`` stands for."""
        if self.reference <= self.small:
            return self.small_tol
        if self.reference > self.noisy:
            return max(self.relative_tol, self.noisy_tol)
        return self.relative_tol

    def after(self, loss):
        """Stop or None, for the monitored loss after an iteration."""
        if loss <= self.floor:
            return Stop("Converged: the loss is zero to working precision", "converged")
        part = self._part()
        is_open = self.tol in ("auto", None)
        tol = part * self.reference if is_open else self.tol
        if loss < self.reference - tol or not math.isfinite(self.reference):
            self.reference, self.waited = loss, 0
            return None
        may_rise = self.settles and self.n_rises < self.most_rises * self.n_iter_no_change
        if may_rise and loss > self.reference + tol:
            self.reference, self.waited, self.n_rises = loss, 0, self.n_rises + 1
            return None
        self.waited += 1
        if self.waited < self.n_iter_no_change:
            return None
        if self.expects_descent and loss > self.risen * self.reference:
            return Stop(
                f"Stopped: in n_iter_no_change={self.n_iter_no_change} iterations the loss did not "
                f"fall below its best value, {self.reference:g}, and is now {loss:g}",
                "diverged",
                BEST,
                "Try step_size='auto' or a smaller step_size, and restart='loss' in the place of "
                "restart=None.",
            )
        if is_open:
            named = " (tol='auto')" if self.tol == "auto" else ""
            limit = f"a fraction {part:g} of itself{named}"
        else:
            limit = f"tol={self.tol:g}"
        what, moved = ("evidence", "change") if self.settles else ("loss", "fall")
        return Stop(
            f"Converged: the {what} did not {moved} by more than {limit} in "
            f"n_iter_no_change={self.n_iter_no_change} iterations",
            "converged",
        )


STALLED = Stop(
    "Converged: no step along the proposed direction lowers the loss any more", "converged"
)
STALLED_AT_ONCE = Stop(
    "Converged: no step along the proposed direction lowers the loss of the start",
    "converged",
    advice="It is a stationary point, or the gradient of a loss or model of your own is not the "
    "derivative of its value: compare it with torch.func.grad.",
)
NOTHING_LEFT = Stop("Converged: the loss of the start is zero", "converged")
INTERRUPTED = Stop("Interrupted from the keyboard", "interrupted", BEST)
SECOND_STAGE = Stop(
    "Converged: with fresh neurons for what was left, whose last layer alone was fitted",
    "converged",
)
CALLBACK = Stop("Stopped by a callback", "stopped", BEST)
NO_TANGENT_SPACE = Stop(
    "Diverged: the Jacobian is not finite or could not be factorised",
    "diverged",
    BEST,
    "Try a smaller step_size, or a larger damping or rcond.",
)
NO_DESCENT = Stop(
    "Stopped: the direction does not point downhill, because its matrix is indefinite or singular",
    "diverged",
    BEST,
    "Set step_size='trust-region', or a larger damping.",
)


def stalled(loss, at_once):
    """No step lowers the loss."""
    if not at_once:
        return STALLED
    return STALLED_AT_ONCE if loss else NOTHING_LEFT


def diverged(loss):
    """A trial overflowed under a rule that takes every step."""
    advice = "Try a smaller step_size, a larger damping or rcond, or step_size='auto'."
    return Stop(f"Diverged: the loss became {loss:g}", "diverged", BEST, advice)


def out_of_iterations(max_iter):
    """The budget of iterations is spent."""
    return Stop(
        f"Not converged: the maximum of max_iter={max_iter} iterations was reached", "budget"
    )


def out_of_time(max_time):
    """The budget of seconds is spent."""
    return Stop(f"Not converged: the time limit max_time={max_time:g} s was reached", "budget")
