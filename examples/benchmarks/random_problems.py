"""Random problems with a known solution, for what a fit says of its own error.

Order, dimension, nonlinearity, coefficients over orders of magnitude, and conditions of several
kinds, some of them forgotten.
"""

import numpy as np

from skngd.pde import Box, Dirichlet, Initial, Neumann, Problem


def factor(random):
    """A random function of one coordinate in [0, 1], with two derivatives."""
    a, b = random.uniform(1, 6), random.uniform(0, 3)
    width = random.uniform(0.1, 0.4)
    return [
        (
            lambda x: np.sin(a * x + b),
            lambda x: a * np.cos(a * x + b),
            lambda x: -(a**2) * np.sin(a * x + b),
        ),
        (
            lambda x: np.exp(-b * x),
            lambda x: -b * np.exp(-b * x),
            lambda x: b**2 * np.exp(-b * x),
        ),
        (
            lambda x: 1 / (1 + (a * (x - 0.5)) ** 2),
            lambda x: -2 * a**2 * (x - 0.5) / (1 + (a * (x - 0.5)) ** 2) ** 2,
            lambda x: (6 * a**4 * (x - 0.5) ** 2 - 2 * a**2) / (1 + (a * (x - 0.5)) ** 2) ** 3,
        ),
        (
            lambda x: np.exp(-(((x - 0.4) / width) ** 2)),
            lambda x: -2 * (x - 0.4) / width**2 * np.exp(-(((x - 0.4) / width) ** 2)),
            lambda x: (
                (4 * (x - 0.4) ** 2 / width**4 - 2 / width**2) * np.exp(-(((x - 0.4) / width) ** 2))
            ),
        ),
    ][random.randint(4)]


class RandomProblem(Problem):
    """a u_yy (or u_t) + b u_x + c u_xx + r N(u) = f with a product of random functions for u.

    Conditions of four kinds: "dirichlet", "neumann" (on one side), "evolution", and, what
    does not determine the solution, "free" (a side without condition).
    """

    def __init__(self, seed=0):
        self.seed = seed

    @property
    def is_determined(self):
        """Whether no condition is forgotten."""
        return self._draw()["kind"] != "free"

    def _draw(self):
        random = np.random.RandomState(self.seed)
        size = 10.0 ** random.uniform(-2, 2, 4)
        draw = {
            "plane": random.rand() < 0.6,
            "kind": ["dirichlet", "neumann", "evolution", "free"][
                random.choice(4, p=[0.35, 0.25, 0.25, 0.15])
            ],
            "b": random.choice([0.0, 0.3, 3.0]),
            "c": -size[0] if random.rand() < 0.7 else -1.0,
            "r": random.choice([0.0, 0.3 * abs(size[0]), 1.0]),
            "power": random.choice([1, 2, 3]),
            "amplitude": size[1],
            "factors": (factor(random), factor(random)),
        }
        if draw["kind"] == "evolution":
            draw["plane"] = True
        return draw

    @property
    def domain(self):
        draw = self._draw()
        if not draw["plane"]:
            return Box(x=(0, 1))
        return Box(t=(0, 1), x=(0, 1)) if draw["kind"] == "evolution" else Box(y=(0, 1), x=(0, 1))

    def exact(self, *point, order=(0, 0)):
        draw = self._draw()
        first, second = draw["factors"]
        found = draw["amplitude"] * second[order[1]](point[-1])
        return found * first[order[0]](point[0]) if draw["plane"] else found

    def solution(self, X):
        return self.exact(*X.T)

    @property
    def conditions(self):
        draw = self._draw()
        if draw["kind"] == "evolution":
            return Initial(lambda x: self.exact(0.0, x)), Dirichlet(self.exact, on="x")
        if draw["kind"] == "neumann":

            def slope(*point):
                return -self.exact(*point, order=(0, 1))

            sides = [Neumann(slope, on="x.min"), Dirichlet(self.exact, on="x.max")]
        else:
            ends = ("x.min",) if draw["kind"] == "free" else ("x.min", "x.max")
            sides = [Dirichlet(self.exact, on=end) for end in ends]
        return (*sides, Dirichlet(self.exact, on="y")) if draw["plane"] else tuple(sides)

    def residual(self, u, *point):
        draw = self._draw()

        def operator(value, slope, bend, across):
            found = draw["c"] * bend + draw["b"] * slope + draw["r"] * value ** draw["power"]
            return found + across

        def of(*order):
            return self.exact(*point, order=order)

        across = across_exact = 0.0
        if draw["kind"] == "evolution":
            across, across_exact = u.t, of(1, 0)
        elif draw["plane"]:
            across, across_exact = draw["c"] * u.yy, draw["c"] * of(2, 0)
        exact = operator(of(0, 0), of(0, 1), of(0, 2), across_exact)
        return operator(u, u.x, u.xx, across) - exact
