"""The mean of the last iterates: with fresh rows each by itself follows its batch."""

import torch

# Weights of the iterates grow like the power of their number: the last ninth counts for most.
POWER = 8


class Average:
    """θ̄_k = (1 − c_k) θ̄_{k−1} + c_k θ_k with c_k = (p + 1) / (k + p), whatever the end is to be.

    Shamir and Zhang (2013). It needs no number of iterations, and goes on where it was.

    Parameters
    ----------
    power : int, default=8
        p.
    """

    def __init__(self, power=POWER):
        self.power, self.count, self.mean = power, 0, None

    def include(self, theta):
        """Take a further iterate in."""
        self.count += 1
        part = (self.power + 1) / (self.count + self.power)
        self.mean = theta if self.mean is None else torch.lerp(self.mean, theta, part)

    def state(self):
        """Where it is."""
        return {} if self.mean is None else {"mean": self.mean, "count": self.count}

    def restore(self, state):
        """Take up an earlier :meth:`state`."""
        self.mean, self.count = state.get("mean"), state.get("count", 0)
