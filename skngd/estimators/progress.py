"""Lines that tell how a fit goes on, with ``verbose=2``."""

import time

# Iterations that get a line at first, and from then on each so many.
FIRST, EVERY = (1, 2, 5), 10


class Lines:
    """A watch of the loop that prints, and passes on to the watch of callbacks.

    Parameters
    ----------
    estimator : estimator
    task : Task
    watch : Watch or None
    """

    def __init__(self, estimator, task, watch):
        self.name, self.task, self.watch = type(estimator).__name__, task, watch
        self.n_iter, self.began = 0, time.perf_counter()

    def begin(self):
        """Before an iteration."""
        if self.watch is not None:
            self.watch.begin()

    def end(self, iterate):
        """After an iteration: whether a callback wants to stop."""
        self.n_iter += 1
        if self.n_iter in FIRST or self.n_iter % EVERY == 0:
            score = self.task.last_score
            held_out = "" if score is None else f", held-out score {score:.6g}"
            print(
                f"[{self.name}] iteration {self.n_iter}: loss {self.task.units.loss(iterate):.6g}"
                f"{held_out}, {time.perf_counter() - self.began:.3g} s"
            )
        return self.watch is not None and self.watch.end(iterate)
