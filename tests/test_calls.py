"""What an iteration asks of torch: below a thousand rows, a call costs more than its arithmetic.

Calls do not depend on the machine, so that they can be held to a number where times cannot.
"""

import pytest
from torch.profiler import ProfilerActivity, profile

from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.datasets import load_mackey_glass
from skngd.problems.zoo import Heat, Laplace2D

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# The most calls of aten that an iteration may make, and the number that is aimed at.
LIMITS = {
    "2-D Laplace, 900 x 129": (860, 700),
    "heat, 874 x 257": (1000, 900),
    "Mackey-Glass, 500 x 61": (350, 200),
    "Mackey-Glass with its decay": (750, 600),
}


def equation(problem, n_neurons, n_boundary):
    """A fit on a grid, by its number of iterations."""
    settings = {"n_interior": 784, "n_boundary": n_boundary, "sampler": "grid", "random_state": 0}
    settings["activation"] = "tanh"

    def fit(max_iter):
        model = PINNEstimator(problem, (n_neurons,), max_iter=max_iter, tol=0, **settings)
        return model.fit()

    return fit


def series(alpha):
    """A fit to a series, by its number of iterations."""
    data, settings = load_mackey_glass(), {"tol": 0, "n_init": 1, "random_state": 0}

    def fit(max_iter):
        model = NaturalMomentumRegressor(alpha=alpha, max_iter=max_iter, **settings)
        return model.fit(data.X_train, data.y_train)

    return fit


# Each with two numbers of iterations: what a fit does once counts in both.
FITS = {
    "2-D Laplace, 900 x 129": (equation(Laplace2D(), 32, 116), 5, 15),
    "heat, 874 x 257": (equation(Heat(), 64, {"initial": 30, "dirichlet x": 60}), 5, 15),
    "Mackey-Glass, 500 x 61": (series(0), 5, 55),
    "Mackey-Glass with its decay": (series("auto"), 5, 55),
}


def calls(fit, max_iter, trace):
    """How many calls of aten a fit makes, those inside of others included."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        assert fit(max_iter).n_iter_ == max_iter
    # The trace is written in a tenth of the time that the list of its events takes.
    profiled.export_chrome_trace(str(trace))
    return trace.read_text().count('"name": "aten::')


@pytest.mark.parametrize("name", FITS)
def test_an_iteration_makes_few_calls(name, tmp_path, capfd):
    fit, few, many = FITS[name]
    found = [calls(fit, n, tmp_path / "trace.json") for n in (few, many)]
    capfd.readouterr()  # what the profiler prints
    limit, _ = LIMITS[name]
    assert (found[1] - found[0]) / (many - few) <= limit
