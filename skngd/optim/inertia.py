"""Whether the past enters a step, equation (restart), and when momentum that loses rests."""

# Iterations without momentum after comparisons that it lost.
LONGEST_REST = 7


class Inertia:
    """The rule for β.

    Parameters
    ----------
    beta : float, default=0.0
    restart : {"loss", "gradient"}, default=None
        ``"loss"``: the step is made again with β = 0 where the loss would rise; a trust region
        tries both and makes the better one. ``"gradient"``: β = 0 where the momentum points uphill.
        None: inertia is left alone. Where a search finds no step at all, it tries again with
        β = 0 in every case.
    """

    def __init__(self, beta=0.0, restart=None):
        self.beta, self.restart = beta, restart
        # Iterations for which momentum still rests, and how long its last rest was.
        self.rest = self.last_rest = 0

    def enters(self, momentum, here, past):
        """β of an iteration, which counts as rest where the momentum rests."""
        if past is None or not self.beta:
            return 0.0
        if self.rest and not momentum.extrapolates:
            self.rest -= 1
            return 0.0
        if self.restart == "gradient" and momentum.uphill(here, past, self.beta):
            return 0.0
        return self.beta

    def rivals(self, beta):
        """The β that a trust region compares in one step."""
        return (beta, 0.0) if beta and self.restart == "loss" else (beta,)

    def compared(self, won):
        """Momentum that lost rests for one iteration, then for three, then seven."""
        self.last_rest = 0 if won else min(2 * self.last_rest + 1, LONGEST_REST)
        self.rest = self.last_rest

    def is_dropped(self, step, here):
        """Whether the step is to be made again without momentum."""
        return step is None or (self.restart == "loss" and not step.end.loss <= here.loss)

    def state(self):
        """The numbers that the next step starts from."""
        return {"rest": self.rest, "last_rest": self.last_rest}

    def restore(self, state):
        """Take up an earlier :meth:`state`."""
        self.rest, self.last_rest = state.get("rest", 0), state.get("last_rest", 0)
