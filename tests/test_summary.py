"""A fit in about ten lines."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Ridge

from skngd import (
    NaturalMomentumClassifier,
    NaturalMomentumDensity,
    NaturalMomentumRegressor,
    PINNEstimator,
)
from skngd.inspection import diagnose, summary
from skngd.pde import Unknown
from skngd.problems.zoo import Heat

X = np.linspace(-1, 1, 60).reshape(-1, 1)
NOISY = np.sin(3 * X[:, 0]) + 0.1 * np.random.RandomState(0).standard_normal(60)
ALWAYS = ["model", "iterations", "end", "loss"]


@pytest.fixture(scope="module")
def regressor():
    return NaturalMomentumRegressor((6,), n_init=1, random_state=0).fit(X, NOISY)


def test_a_summary_has_what_the_attributes_say(regressor):
    told = summary(regressor, X, NOISY)
    assert list(told.facts)[:7] == [*ALWAYS, "score", "noise", "effective"]
    assert told.facts["model"] == f"1-6-1, tanh: {len(regressor.theta_)} parameters"
    assert told.facts["iterations"].startswith(f"{regressor.n_iter_} in ")
    assert regressor.stop_reason_.startswith(told.facts["end"])
    assert f"R² {regressor.score(X, NOISY):.4f} on 60 rows" == told.facts["score"]
    assert f"{regressor.noise_std_:.3g}" in told.facts["noise"]


def test_what_is_wrong_stands_below(regressor):
    found = diagnose(regressor, X + 1, NOISY)
    assert "extrapolation" in found
    told = summary(regressor, X + 1, NOISY)
    assert found == {topic: told.facts[topic] for topic in found}
    # A name and what it says are apart, in lines that fit into a terminal.
    lines = repr(told).splitlines()
    assert lines[0] == "Fit of NaturalMomentumRegressor"
    assert any(line.startswith("  extrapolation ") for line in lines)
    assert max(map(len, lines)) <= 88


def test_without_rows_there_is_no_score(regressor):
    assert "score" not in summary(regressor).facts


def test_coefficients_come_with_their_intervals():
    problem, points = Heat(kappa=Unknown(0.5, low=0)), Heat.domain.sample(20, random_state=0)
    few = {"n_interior": 50, "n_boundary": 20, "n_init": 1, "max_iter": 3, "random_state": 0}
    solver = PINNEstimator(problem, (8,), activation="tanh", optimizer="gd", momentum=None, **few)
    with pytest.warns(ConvergenceWarning):
        solver.fit(points, Heat().solution(points))
    told = summary(solver).facts
    value, std = solver.unknowns_["kappa"], solver.unknowns_std_["kappa"]
    assert f"kappa = {value:.5g} ± {1.96 * std:.2g}" in told["coefficients"]
    assert "equation" in told["residuals"]
    assert "error" in told


def test_classes_and_densities_are_summed_up():
    classifier = NaturalMomentumClassifier((3,), n_init=1, random_state=0)
    told = summary(classifier.fit(X, X[:, 0] > 0), X, X[:, 0] > 0).facts
    assert told["score"].startswith("accuracy ")
    density = NaturalMomentumDensity((4,), n_init=1, random_state=0).fit(X)
    told = summary(density, X).facts
    assert told["score"] == f"mean log density {density.score(X) / 60:.4g} on 60 rows"
    assert "mass" in told


def test_what_cannot_be_summed_up_is_refused(regressor):
    with pytest.raises(NotFittedError):
        summary(NaturalMomentumDensity())
    with pytest.raises(TypeError, match="got Ridge"):
        summary(Ridge())
    with pytest.raises(ValueError, match="Expected X with y"):
        summary(regressor, y=NOISY)
