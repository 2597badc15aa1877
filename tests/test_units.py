"""Changes of units, and factors on equations, change no iterate but by rounding, tag (Units)."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skngd import PINNEstimator
from skngd.inspection import greens_function
from skngd.pde import Box, Dirichlet, Equation, Initial, Neumann, Periodic, Problem, Robin, Unknown

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Scaled(Problem):
    """A problem in units of one's own: of time, length, the fields, and the equations."""

    def __init__(self, T=1.0, L=1.0, U=1.0, E=1.0):
        self.T, self.L, self.U, self.E = T, L, U, E

    @property
    def domain(self):
        return Box(t=(0, self.T), x=(0, self.L))


class Diffusion(Scaled):
    @property
    def conditions(self):
        start = Initial(lambda x: self.U * np.sin(np.pi * x / self.L))
        return start, Dirichlet(0.0, on="x")

    def residual(self, u, t, x):
        return self.E * (self.T * u.t - 0.25 * self.L**2 * u.xx)


class Flux(Scaled):
    """The size of the solution is known by its flux alone."""

    @property
    def conditions(self):
        flux = Neumann(lambda t: self.U / self.L * t / self.T, on="x.min")
        return Initial(0.0), flux, Dirichlet(0.0, on="x.max")

    def residual(self, u, t, x):
        return self.E * (u.t / self.L**2 - 0.3 / self.T * u.xx)


class Source(Scaled):
    """By its source alone."""

    @property
    def conditions(self):
        return Dirichlet(0.0), Initial(0.0)

    def residual(self, u, t, x):
        heat = self.U * np.exp(-t / self.T) * x / self.L
        return self.E * (self.T * u.t - 0.1 * self.L**2 * u.xx - heat)


class Reaction(Scaled):
    """Nonlinear."""

    @property
    def conditions(self):
        start = Initial(lambda x: self.U * np.exp(-((2 * x / self.L - 1) ** 2)))
        return start, Periodic("x")

    def residual(self, u, t, x):
        return self.E * (self.T * u.t - 2 * u * (1 - u / self.U) - 0.1 * self.L**2 * u.xx)


class Wave(Scaled):
    @property
    def conditions(self):
        start = Initial(lambda x: self.U * np.sin(np.pi * x / self.L))
        return start, Initial(0.0, derivative=1), Dirichlet(0.0, on="x")

    def residual(self, u, t, x):
        return self.E * (u.tt - (self.L / self.T) ** 2 * u.xx)


class System(Scaled):
    """Two fields of different sizes; that of the second is known through the equations alone."""

    fields = ("u", "q")

    @property
    def conditions(self):
        start = Initial(lambda x: self.U * np.sin(np.pi * x / self.L), field="u")
        return start, Dirichlet(0.0, on="x", field="u")

    def residual(self, u, q, t, x):
        return self.E * (q + 0.25 * self.L**2 / self.T * u.x), 1e3 * (u.t + q.x)


class Exchange(Scaled):
    @property
    def conditions(self):
        leak = Equation(lambda u, t, x: u.x * self.L + 2 * (u - self.U), on="x.max")
        return Initial(0.0), Robin(1.0, -self.L, 0.5 * self.U, on="x.min"), leak

    def residual(self, u, t, x):
        return self.E * (self.T * u.t - 0.5 * self.L**2 * u.xx)


class Rod(Scaled):
    """Fourth order."""

    @property
    def domain(self):
        return Box(x=(0, self.L))

    @property
    def conditions(self):
        bend = Equation(lambda u, x: u.xx, on="x")
        return Dirichlet(0.0), bend

    def residual(self, u, x):
        return self.E * (self.L**4 * u.xxxx - self.U * np.pi**4 * np.sin(np.pi * x / self.L))


class Cooling(Scaled):
    """An unknown rate."""

    def __init__(self, rate=None, T=1.0, L=1.0, U=1.0, E=1.0):
        super().__init__(T, L, U, E)
        self.rate = Unknown(0.5 / T, low=0) if rate is None else rate

    def get_params(self, deep=True):
        return super().get_params(deep)

    @property
    def domain(self):
        return Box(t=(0, self.T))

    @property
    def conditions(self):
        return (Initial(self.U),)

    def residual(self, u, t):
        return self.E * (u.t + self.rate * u)


PROBLEMS = [Diffusion, Flux, Source, Reaction, Wave, System, Exchange, Rod]
# Powers of two change nothing but exponents; other factors round.
UNITS = [
    {"T": 3e-9, "L": 7e5, "U": 2e-7, "E": 1.1e9},
    {"T": 5e8, "L": 3e-4, "U": 4e8, "E": 6e-9},
]


def fitted(problem, *data, **settings):
    settings = {"hidden_layer_sizes": (8,), "activation": "tanh", "max_iter": 20, **settings}
    return PINNEstimator(problem, tol=0, n_interior=100, random_state=0, **settings).fit(*data)


@cache
def in_plain_units(kind):
    return fitted(kind())


@pytest.mark.parametrize("units", UNITS, ids=["small times", "long times"])
@pytest.mark.parametrize("kind", PROBLEMS)
def test_units_change_no_iterate(kind, units):
    plain, other = in_plain_units(kind), fitted(kind(**units))
    floor = 1e-12 * plain.loss_curve_[0]  # relative residuals of 1e-6
    assert_allclose(other.loss_curve_, plain.loss_curve_, rtol=1e-6, atol=floor)
    X = kind().domain.sample(50, random_state=1)
    scale = [units[{"t": "T", "x": "L"}[name]] for name in kind().domain.names]
    u, v = plain.predict(X), other.predict(X * scale)
    if u.ndim == 2:  # the flux q has the unit U L / T
        v = v / [1.0, units["L"] / units["T"]]
    assert_allclose(v / units["U"], u, atol=1e-6 * np.abs(u).max())
    assert other.score() == pytest.approx(plain.score(), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("units", UNITS, ids=["small times", "long times"])
def test_unknowns_and_their_intervals_scale(units):
    def measured(problem):
        t = np.linspace(0, problem.T, 20)[:, None]
        noise = 0.01 * np.random.RandomState(0).standard_normal(20)
        return t, problem.U * (np.exp(-2 * t[:, 0] / problem.T) + noise)

    problem, other = Cooling(), Cooling(**units)
    fits = [fitted(p, *measured(p), max_iter=40) for p in (problem, other)]
    rates = [m.unknowns_["rate"] * p.T for m, p in zip(fits, (problem, other), strict=True)]
    stds = [m.unknowns_std_["rate"] * p.T for m, p in zip(fits, (problem, other), strict=True)]
    assert rates[0] == pytest.approx(2.0, abs=4 * stds[0])
    assert rates[1] == pytest.approx(rates[0], rel=1e-5)
    assert stds[1] == pytest.approx(stds[0], rel=1e-4)
    assert fits[1].noise_std_ == pytest.approx(units["U"] * fits[0].noise_std_, rel=1e-4)


@pytest.mark.parametrize("start", [1e-8, 1e8])
def test_an_unknown_that_starts_far_away_is_found(start):
    t = np.linspace(0, 1, 20)[:, None]
    problem = Cooling(rate=Unknown(start, low=0))
    model = fitted(problem, t, np.exp(-2 * t[:, 0]), max_iter=100)
    assert model.unknowns_["rate"] == pytest.approx(2.0, rel=1e-3)


def test_score_is_zero_for_the_solution_and_minus_one_for_nothing():
    model = fitted(Diffusion(), hidden_layer_sizes=(20,), max_iter=60, estimate_error=False)
    assert -1e-3 < model.score() <= 0
    model.theta_ = np.zeros_like(model.theta_)
    assert model.score() == -1


def rod(factor=1.0, load=1.0, length=1.0):
    def residual(u, x):
        return factor * (length**2 * u.xx + load)

    return Problem.from_function(residual, Box(x=(0, length)), (Dirichlet(0.0),))


@pytest.mark.parametrize("size", [1e140, 1e-140])
@pytest.mark.parametrize("what", ["factor", "load", "length"])
def test_huge_and_tiny_units_are_as_good_as_others(what, size):
    plain = fitted(rod())
    size = size**0.5 if what == "length" else size
    assert fitted(rod(**{what: size})).score() == pytest.approx(plain.score(), abs=1e-6)


@pytest.mark.parametrize("settings", [{"factor": 1e300}, {"factor": 1e-300}, {"load": 1e300}])
def test_squares_that_are_no_numbers_are_refused(settings):
    with pytest.raises(ValueError, match=r"between 1e-150 and 1e\+150.*Choose other units"):
        fitted(rod(**settings))


def test_a_time_that_is_no_time_is_refused():
    problem = Problem.from_function(lambda u, t: u.t + u, Box(t=(0, 1e-300)), (Initial(1.0),))
    with pytest.raises(ValueError, match=r"Choose other units"):
        fitted(problem)


class Graded(Problem):
    """A linear equation times a function of the place."""

    domain = Box(x=(0, 1), y=(0, 2))
    conditions = (Dirichlet(0.0),)

    def __init__(self, steepness=0.0):
        self.steepness = steepness

    def factor(self, x, y):
        return np.exp(self.steepness * (x + y**2))

    def residual(self, u, x, y):
        return self.factor(x, y) * (u.xx + 2 * u.yy + u.x + y * np.sin(3 * x))


def test_a_factor_that_varies_from_point_to_point_changes_no_iterate():
    plain, other = fitted(Graded()), fitted(Graded(1.2))
    floor = 1e-12 * plain.loss_curve_[0]
    assert_allclose(other.loss_curve_, plain.loss_curve_, rtol=1e-6, atol=floor)
    X = Graded.domain.sample(50, random_state=1)
    assert_allclose(other.predict(X), plain.predict(X), rtol=1e-6)
    assert other.error_estimate_["u"] == pytest.approx(plain.error_estimate_["u"], rel=1e-3)
    # a unit source of one equation is the factor of another one of the other
    Z = X[:5]
    kernels = [greens_function(one, X, Z, sample=X) for one in (plain, other)]
    assert_allclose(kernels[1] * Graded(1.2).factor(*Z.T), kernels[0], rtol=1e-3, atol=1e-6)


def test_points_have_units_of_their_own_where_coefficients_vary_alone():
    def sizes_of(equation, fields=("u",)):
        problem = Problem.from_function(equation, Box(x=(0, 2)), (Dirichlet(0.0),), fields=fields)
        return PINNEstimator(problem, (4,), max_iter=1).fit()._local_sizes

    assert sizes_of(lambda u, x: 3 * u.xx - np.exp(x)) is None
    assert sizes_of(lambda u, x: (1 + x) * u.xx - u**3) is None
    # u is as large as balances the source, so that on average the term is as large as that
    local = sizes_of(lambda u, x: (1 + x) * u.xx + 3)
    assert local.reference == pytest.approx(3.0)


@pytest.mark.filterwarnings("ignore:The coefficient of u.xx:UserWarning")
def test_where_coefficients_jump_all_parts_of_the_domain_count():
    """a u″ = −1 with a = 1e-3 and 1: by one size for all the first half would not count."""

    def stiffness(x):
        return np.where(x < 0.5, 1e-3, 1.0)

    # Its second derivative jumps, and neither value nor slope does.
    problem = Problem.from_function(
        lambda u, x: stiffness(x) * u.xx + 1,
        Box(x=(0, 1)),
        (Dirichlet(0.0, on="x.min"), Dirichlet(0.0, on="x.max")),
    )
    slope = 500 - 125 + 0.125
    x = np.linspace(0, 1, 101)
    z = x - 0.5
    right = -125 + slope / 2 + (slope - 500) * z - z**2 / 2
    exact = np.where(x < 0.5, slope * x - 500 * x**2, right)
    solver = PINNEstimator(problem, (20,), activation="tanh", max_iter=100, random_state=0).fit()
    assert np.linalg.norm(solver.predict(x[:, None]) - exact) < 0.01 * np.linalg.norm(exact)


def test_a_residual_that_is_zero_everywhere_leaves_the_conditions():
    problem = Problem.from_function(lambda u, x: 0 * u, Box(x=(0, 1)), (Dirichlet(2.0),))
    with pytest.warns(UserWarning, match="asks for nothing"):
        solver = fitted(problem)
    assert_allclose(solver.predict([[0.0], [1.0]]), 2.0, rtol=1e-9)


def test_a_cubic_term_beside_a_small_linear_one_tells_the_size_of_the_field():
    """0.01 u″ = u³ − f with u about 30: at zero the equation asks for f / 0.01, millions."""

    def residual(u, x):
        return -0.01 * u.xx + u**3 - (30 * np.cos(3 * x)) ** 3 - 2.7 * np.cos(3 * x)

    ends = (Dirichlet(30.0, on="x.min"), Dirichlet(30 * np.cos(3.0), on="x.max"))
    solver = fitted(Problem.from_function(residual, Box(x=(0, 1)), ends), max_iter=60)
    assert 1e3 < solver.sizes_["equation"][0] < 1e6
    x = np.linspace(0, 1, 50)[:, None]
    assert_allclose(solver.predict(x), 30 * np.cos(3 * x[:, 0]), atol=1e-3)


def test_equations_of_a_system_weigh_alike():
    """A channel flow: that u does not change along x decides, and is small in these units."""

    def residual(u, x, y):
        return u.x, u.laplacian() + 12 - 1000 * u * u.x

    domain = Box(x=(0, 10), y=(-0.5, 0.5))
    problem = Problem.from_function(residual, domain, (Dirichlet(0.0, on="y"),))
    X = domain.sample(100, random_state=1)
    for seed in range(2):
        model = PINNEstimator(problem, (16,), activation="tanh", max_iter=50, random_state=seed)
        expected = -6 * (X[:, 1] ** 2 - 0.25)
        assert_allclose(model.fit().predict(X), expected, atol=1e-3)
