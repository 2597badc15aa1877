"""The race of starts: what takes part, who wins, and what the fit that it begins keeps of it."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import solve_ivp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from solvers import Pendulum, Rod, Rotation

from skngd import PINNEstimator
from skngd.estimators import neurons
from skngd.estimators.device import plain_tensors
from skngd.estimators.ground import Ground
from skngd.estimators.problem_task import ProblemTask
from skngd.estimators.starts import growth, race, slab, spectrum
from skngd.models import FullyConnected
from skngd.pde import Box, Dirichlet, Initial, Input, Periodic, Problem, Unknown
from skngd.pde.residuals.blocks import Collocation
from skngd.pde.slab import time_axis
from skngd.problems import zoo

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Waves(Problem):
    """u'' − u = f, u = sin kx, in units of a length."""

    def __init__(self, k=1.0, length=1.0):
        self.k, self.length = k, length

    @property
    def domain(self):
        return Box(x=(0, self.length))

    @property
    def conditions(self):
        return (Dirichlet(lambda x: np.sin(self.k * x / self.length)),)

    def residual(self, u, x):
        return self.length**2 * u.xx - u + (self.k**2 + 1) * np.sin(self.k * x / self.length)

    def solution(self, X):
        return np.sin(self.k * X[:, 0] / self.length)


class Logistic(Problem):
    """u' = 3 u (1 − u), u(0) = 0.1."""

    domain = Box(t=(0, 2))
    conditions = (Initial(0.1),)

    def residual(self, u, t):
        return u.t - 3 * u * (1 - u)

    def solution(self, X):
        grown = 0.1 * np.exp(3 * X[:, 0])
        return grown / (0.9 + grown)


def fitted(problem, *data, **settings):
    settings = {"n_interior": 100, "max_iter": 60, "random_state": 0, **settings}
    return PINNEstimator(problem, **settings).fit(*data)


def error(solver, n=101):
    low, high = np.asarray(solver.problem_.domain.bounds).T
    X = np.linspace(low, high, n)
    u = solver.problem_.solution(X)
    return np.linalg.norm(solver.predict(X) - u) / np.linalg.norm(u)


# What takes part


def test_a_network_that_is_named_does_not_race():
    solver = fitted(Rod(), hidden_layer_sizes=(4,), activation="tanh", max_iter=3)
    assert not hasattr(solver, "candidates_")
    assert (solver.activation_, solver.hidden_layer_sizes_) == ("tanh", (4,))


def test_the_race_is_over_what_is_left_open():
    named = fitted(Rod(), hidden_layer_sizes=(4, 3), max_iter=3)
    assert set(named.candidates_["hidden_layer_sizes"]) == {(4, 3)}
    assert set(named.candidates_["activation"]) == {"tanh", "sin"}
    assert named.hidden_layer_sizes_ == (4, 3)
    named = fitted(Rod(), activation="logistic", max_iter=3)
    assert set(named.candidates_["activation"]) == {"logistic"} == {named.activation_}


@pytest.mark.parametrize("n_init", [1, 3])
def test_each_candidate_has_a_row(n_init):
    table = fitted(Logistic(), n_init=n_init, max_iter=8).candidates_
    n = len(race.NONLINEARITIES) * (1 + len(race.BANDWIDTHS)) * n_init
    assert {len(column) for column in table.values()} == {n}
    assert set(table["seed"]) == set(range(n_init))
    assert np.isfinite(table["seconds"]).all()
    # Losers cost little.
    assert np.count_nonzero(table["n_iter"]) <= 2 * race.ROUNDS[0][1]


def test_without_a_problem_auto_is_one_small_network():
    X = np.linspace(0, 1, 30).reshape(-1, 1)
    y = X[:, 0] ** 2
    settings = {"max_iter": 5, "random_state": 0}
    auto = PINNEstimator(**settings).fit(X, y)
    named = PINNEstimator(None, (32,), activation="tanh", **settings).fit(X, y)
    assert_array_equal(auto.theta_, named.theta_)


def test_a_problem_and_then_none():
    solver = fitted(Waves(20.0), max_iter=10)
    X = np.linspace(0, 1, 30).reshape(-1, 1)
    again = clone(solver).set_params(problem=None).fit(X, X[:, 0])
    solver.set_params(problem=None).fit(X, X[:, 0])
    assert_array_equal(solver.theta_, again.theta_)
    assert not hasattr(solver, "candidates_")


def worst(stage):
    """In the place of deep networks: a candidate that does not win."""
    return max(stage.race.candidates, key=lambda candidate: candidate.loss)


# Who wins


def test_the_winner_is_the_best_on_held_out_points():
    solver = fitted(Logistic(), max_iter=100, hidden_layer_sizes=(6,))
    table = solver.candidates_
    best = np.argmin(table["held_out_loss"])
    assert solver.activation_ == table["activation"][best]
    # Its iterations count as iterations of the fit.
    assert solver.n_iter_ >= table["n_iter"][best]
    assert table["round"][best] == table["round"].max()


@pytest.mark.parametrize("k", [1, 2, 5, 10, 20, 30])
def test_waves_of_any_length_are_found(k):
    assert error(fitted(Waves(float(k)))) < 1e-9


def test_a_nonlinear_equation_is_solved():
    solver = fitted(Logistic(), max_iter=150)
    assert error(solver) < 1e-7
    assert "starts" in solver.stop_reason_


def test_a_network_that_stalls_grows(monkeypatch):
    monkeypatch.setattr(race, "SIZES", (4,))
    monkeypatch.setattr(growth.Growth, "_deeper", worst)
    monkeypatch.setattr(growth.Growth, "second_stage", lambda self, winner, enough: False)
    settings = {"max_iter": 300, "n_interior": 200, "estimate_error": False}
    solver = fitted(Waves(30.0), activation="tanh", **settings)
    assert len(solver.loss_curve_) == solver.n_iter_ + 1 <= 301
    monkeypatch.setattr(growth, "ENOUGH", np.inf)
    small = fitted(Waves(30.0), activation="tanh", **settings)
    assert small.hidden_layer_sizes_ < solver.hidden_layer_sizes_
    assert error(solver) < 0.1 * error(small)


def test_a_residual_whose_derivative_is_not_finite_at_zero():
    """u′ = −√u, whose solution is a square; the network that is zero has no slope."""
    draining = Problem.from_function(lambda u, t: u.t + np.sqrt(u), Box(t=(0, 1)), (Initial(4.0),))
    solver = PINNEstimator(draining, random_state=0).fit()
    t = np.linspace(0, 1, 11)
    assert_allclose(solver.predict(t[:, None]), (2 - t / 2) ** 2, atol=1e-6)


def test_a_deep_network_enters_where_a_shallow_one_stalls(monkeypatch):
    monkeypatch.setattr(race, "SIZES", (2,))
    monkeypatch.setattr(growth, "DEEP", (6, 5))
    monkeypatch.setattr(growth.Growth, "second_stage", lambda self, winner, enough: False)
    solver = fitted(Waves(8.0), activation="tanh", max_iter=300)
    assert {(2,), (6, 5)} <= set(solver.candidates_["hidden_layer_sizes"])
    assert solver.hidden_layer_sizes_ == (6, 5)
    assert error(solver) < 1e-4


class Transport(Problem):
    """u_t + 20 u_x = 0: fast in t, slow in x."""

    domain = Box(t=(0, 1), x=(-1, 1))

    @property
    def conditions(self):
        return Initial(np.cos), Dirichlet(lambda t, x: np.cos(x - 20 * t), on="x.min")

    def residual(self, u, t, x):
        return u.t + 20 * u.x

    def solution(self, X):
        return np.cos(X[:, 1] - 20 * X[:, 0])


def test_each_coordinate_has_its_own_bandwidth():
    solver = fitted(Transport(), n_interior="auto", max_iter=200)
    bandwidths = solver.candidates_["bandwidth"]
    assert bandwidths.shape == (len(solver.candidates_["seed"]), 2)
    assert np.nanmax(bandwidths[:, 0] / bandwidths[:, 1]) >= race.STRETCH
    X = Transport.domain.sample(500, random_state=1)
    assert np.abs(solver.predict(X) - solver.problem_.solution(X)).max() < 1e-8


def test_many_neurons_look_for_a_bandwidth(monkeypatch):
    monkeypatch.setattr(race, "OPEN", 0.0)
    monkeypatch.setattr(spectrum, "FAST", np.inf)  # what is prescribed would tell, too
    table = fitted(Transport(), n_interior="auto", activation="sin", max_iter=2).candidates_
    drawn = table["seed"] > 0
    assert np.count_nonzero(drawn) == race.DRAWS
    # All with the bandwidth that was found, in networks of the size that takes part.
    (bandwidth,) = np.unique(table["bandwidth"][drawn], axis=0)
    assert bandwidth[0] > bandwidth[1]
    assert set(table["hidden_layer_sizes"][drawn]) == {(2 * race.SIZES[0],)}


@pytest.mark.parametrize(
    ("settings", "sampler"),
    [
        ({}, "adaptive"),
        ({"sampler": "latin"}, "latin"),
        ({"resample_every": 5}, "sobol"),
        ({"batch_size": 20}, "sobol"),
    ],
    ids=str,
)
def test_points_adapt_where_nothing_else_was_asked_for(settings, sampler):
    estimator = PINNEstimator(hidden_layer_sizes=(5,), activation="tanh", **settings)
    rng = np.random.RandomState(0)
    ground = Ground(estimator, zoo.Heat(), (None, None, None), torch.device("cpu"), rng)
    assert ground.points.adapt() == (settings == {})
    assert ground.points.estimator.sampler == sampler
    assert estimator.sampler == settings.get("sampler", "sobol")


def test_points_that_adapt_do_so_at_once_and_tell_which_iterate_is_the_best(monkeypatch):
    """On points of the race, which see little of a front, the start would be the best for long."""
    monkeypatch.setattr(race.Candidate, "overfits", True)
    task = ProblemTask(
        PINNEstimator(zoo.Burgers(nu=0.02), (12,), max_iter=20, random_state=0), None, None, None
    )
    with plain_tensors():
        task.place()
    ground, theta = task.ground, task.raced.theta
    assert ground.points.estimator.sampler == "adaptive"
    assert ground.physics.n_interior("few") < ground.points.n_fresh
    drawn = [task.objective, task.validation]
    assert all(one is not ground.objective for one in drawn)
    # Half of the points are where the residual is large.
    assert all(one.at(theta).loss > ground.objective.at(theta).loss for one in drawn)


def test_bandwidths_of_weights_follow_a_change_of_units():
    rng = np.random.default_rng(0)
    weights, units = rng.standard_normal((50, 3)), np.array([1.0, 5.0, 0.3])
    assert_allclose(neurons.bandwidths_of(weights * units), neurons.bandwidths_of(weights) * units)


def test_fresh_neurons_change_nothing_before_they_are_fitted():
    rng = np.random.RandomState(0)
    before, after = (FullyConnected((2, n, 2), "tanh") for n in (3, 9))
    theta = before.initial(rng)
    wider = neurons.widened(before, theta, after, rng)
    x = torch.as_tensor(rng.uniform(-1, 1, (7, 2)))
    expected = before.value(torch.as_tensor(theta), x)
    assert_allclose(after.value(torch.as_tensor(wider), x), expected, rtol=1e-14)


def test_a_second_stage_fits_what_is_left():
    solver = fitted(zoo.Heat(), n_interior="auto", max_iter=300)
    X = zoo.Heat.domain.sample(500, random_state=1)
    assert np.abs(solver.predict(X) - solver.problem_.solution(X)).max() < 1e-11
    (n,) = solver.hidden_layer_sizes_
    assert n > 200
    assert solver.coefs_[0].shape == (2, n)
    # It belongs to the last iteration.
    assert solver.loss_curve_[-1] == solver.loss_ == solver.history_["loss"][-1]
    assert len(solver.loss_curve_) == solver.n_iter_ + 1
    assert "fresh neurons" in solver.stop_reason_


def test_measurements_have_no_second_stage():
    X = np.linspace(0, 1, 15).reshape(-1, 1)
    y = Rod(2.0).solution(X) + 0.01 * np.random.default_rng(0).standard_normal(15)
    solver = fitted(Rod(Unknown(0.5, low=0)), X, y)
    assert solver.hidden_layer_sizes_ == race.SIZES


@pytest.mark.parametrize("length", [1e-6, 1e6])
def test_units_of_the_coordinates_change_nothing(length):
    plain, scaled = (fitted(Waves(5.0, each), max_iter=5) for each in (1.0, length))
    for name in ("activation", "bandwidth", "round", "n_iter"):
        assert_array_equal(plain.candidates_[name], scaled.candidates_[name])
    Z = np.linspace(0, 1, 20).reshape(-1, 1)
    assert_allclose(plain.predict(Z), scaled.predict(length * Z), atol=1e-7)


def test_the_same_random_state_gives_the_same_fit():
    first, second, other = (fitted(Logistic(), random_state=seed) for seed in (1, 1, 2))
    assert_array_equal(first.theta_, second.theta_)
    assert_array_equal(first.candidates_["held_out_loss"], second.candidates_["held_out_loss"])
    assert first.theta_.shape != other.theta_.shape or np.any(first.theta_ != other.theta_)


# What else a problem may have


def test_an_unknown_coefficient():
    X = np.linspace(0, 1, 15).reshape(-1, 1)
    solver = fitted(Rod(Unknown(0.5, low=0)), X, Rod(2.0).solution(X))
    assert_allclose(solver.unknowns_["a"], 2.0, rtol=1e-6)
    assert len(solver.candidates_["seed"])


def test_inputs():
    solver = fitted(Rod(Input(0.5, 2.0)))
    X = np.random.default_rng(0).uniform([0, 0.5], [1, 2], (50, 2))
    assert_allclose(solver.predict(X), solver.problem_.solution(X), atol=1e-7)


def test_several_fields():
    assert error(fitted(Rotation(3.0))) < 1e-7


def test_rows_of_fit_and_fresh_points():
    X = Rod.domain.sample(60, random_state=0)
    assert error(fitted(Rod(), X)) < 1e-7
    fresh = fitted(Rod(), batch_size=30, max_iter=20)
    assert not fresh.candidates_["n_iter"].any()
    assert error(fresh) < 1e-5
    assert error(fitted(Rod(), sampler="adaptive", max_iter=30)) < 1e-7


def test_a_solution_that_is_zero():
    solver = fitted(Rod(0.0))
    assert np.abs(solver.predict([[0.3], [0.6]])).max() < 1e-12


@pytest.mark.parametrize(
    "settings",
    [{"optimizer": "lbfgs"}, {"optimizer": "adam"}, {"momentum": "nesterov"}, {"dtype": "float32"}],
    ids=str,
)
def test_other_methods_race(settings):
    assert error(fitted(Pendulum(), **settings)) < 1e-2


# What the estimator keeps


def test_a_fitted_estimator_answers_as_before():
    solver = fitted(Waves(20.0), max_iter=20)
    X = np.linspace(0, 1, 20).reshape(-1, 1)
    again = pickle.loads(pickle.dumps(solver))
    for call in (lambda s: s.predict(X), lambda s: s.derivative(X, "x"), lambda s: s.residual(X)):
        assert_array_equal(call(again), call(solver))
    assert again.score() == solver.score()
    assert clone(solver).get_params()["hidden_layer_sizes"] == "auto"


def test_warm_start_goes_on_with_the_winner():
    solver = fitted(Waves(20.0), max_iter=12, warm_start=True)
    before = solver.loss_, solver.hidden_layer_sizes_, solver.activation_
    solver.fit()
    # On new points.
    assert solver.loss_curve_[0] < 1e3 * before[0]
    assert (solver.hidden_layer_sizes_, solver.activation_) == before[1:]
    # Not starting warm, it races again.
    assert_array_equal(solver.set_params(warm_start=False).fit().theta_, clone(solver).fit().theta_)


def test_a_search_over_networks():
    X = np.linspace(0, 1, 12).reshape(-1, 1)
    search = GridSearchCV(
        PINNEstimator(Rod(Unknown(0.5)), n_interior=30, max_iter=8, random_state=0),
        {"hidden_layer_sizes": ["auto", (3,)], "activation": ["auto"]},
        cv=2,
    )
    assert_allclose(
        search.fit(X, Rod(2.0).solution(X)).score(X, Rod(2.0).solution(X)), 1, rtol=1e-4
    )


def test_time_and_iterations_are_kept(capsys):
    late = fitted(Logistic(), max_time=1e-6)
    assert late.n_iter_ <= 1
    assert len(late.candidates_["seed"]) == 1
    for max_iter in (1, 2, 20):
        solver = fitted(Logistic(), max_iter=max_iter, tol=0, verbose=1)
        assert solver.n_iter_ <= max_iter
        assert f"max_iter={max_iter} " in solver.stop_reason_
    assert "round 1: " in capsys.readouterr().out


def test_an_interrupted_race_keeps_the_best(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(race.Race, "round", interrupted)
    with pytest.warns(UserWarning, match="Interrupted"):
        solver = fitted(Logistic())
    assert solver.stop_reason_.startswith("Interrupted")
    assert np.isfinite(solver.predict([[0.5]])).all()


@pytest.mark.parametrize("name", ["hidden_layer_sizes", "activation"])
def test_other_words_are_refused(name):
    with pytest.raises(ValueError, match=name):
        fitted(Rod(), **{name: "automatic"})


# A growing interval of time


class VanDerPol(Problem):
    """u'' − μ (1 − u²) u' + u = 0, stiff."""

    domain = Box(t=(0, 7))
    conditions = Initial(2.0), Initial(0.0, derivative=1)

    def residual(self, u, t):
        return u.tt - 5 * (1 - u**2) * u.t + u


def test_points_of_a_part_follow_the_residual():
    problem, estimator = zoo.Burgers(), PINNEstimator(hidden_layer_sizes=(5,), activation="tanh")
    rng = np.random.RandomState(0)
    ground = Ground(estimator, problem, (None, None, None), torch.device("cpu"), rng)
    theta = ground.tensor(ground.physics.initial(rng))
    objective = slab.on_part(ground, 0, 0.25, 0, theta)
    interior = objective.points.blocks[0]
    (_, inputs), *_ = interior.sites
    assert interior.n_points == ground.points.n_interior
    # t in the first quarter: from −1 to −1/2 for the network.
    assert inputs[:, 0].min() >= -1
    assert inputs[:, 0].max() <= -0.5
    evenly = ground.physics.discretization.sample(interior.n_points, [1, 1], "sobol", rng)
    for site in evenly[0][0]:
        site[:, 0] *= 0.25
    even = ground.physics.discretization.blocks(evenly)[0]
    sizes = [
        ground.physics.residuals.value(theta, Collocation([block])).square().mean()
        for block in (interior, even)
    ]
    assert sizes[0] > sizes[1]


def test_a_stiff_oscillator_is_found_on_a_growing_interval():
    solver = fitted(VanDerPol(), n_interior=600, max_iter=100)
    assert "growing interval" in solver.stop_reason_
    t = np.linspace(0, 7, 201)
    exact = solve_ivp(
        lambda t, y: [y[1], 5 * (1 - y[0] ** 2) * y[1] - y[0]],
        (0, 7),
        [2.0, 0.0],
        t_eval=t,
        rtol=1e-10,
        atol=1e-12,
    )
    assert_allclose(solver.predict(t[:, None]), exact.y[0], atol=1e-3)


@pytest.mark.parametrize(
    ("conditions", "axis"),
    [
        ((Initial(1.0), Dirichlet(0.0, on="x")), 1),
        ((Initial(1.0, time="x"),), 0),
        ((Dirichlet(0.0, on="x"),), None),
        ((Initial(1.0), Dirichlet(0.0, on="t.max")), None),
        ((Initial(1.0), Periodic("t")), None),
    ],
    ids=["evolution", "another name", "no initial values", "an end", "periodic in time"],
)
def test_which_coordinate_is_time(conditions, axis):
    domain = Box(x=(0, 1), t=(0, 2))
    problem = Problem.from_function(lambda u, x, t: u.t - u.xx, domain, conditions)
    assert time_axis(problem) == axis


class Torricelli(Problem):
    """u' + 2 √u = 0, u(0) = 4, until the tank is empty: u = (2 − t)²."""

    domain = Box(t=(0, 2))
    conditions = (Dirichlet(4.0, on="t.min"),)

    def residual(self, u, t):
        return u.t + 2 * np.sqrt(u)


def test_a_stage_that_meets_no_number_is_left_out():
    solver = PINNEstimator(Torricelli(), random_state=0).fit()
    t = np.linspace(0, 2, 20).reshape(-1, 1)
    assert_allclose(solver.predict(t), (2 - t[:, 0]) ** 2, atol=1e-9)
