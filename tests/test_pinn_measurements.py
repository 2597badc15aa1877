"""What counts as a measurement: weights, missing entries, several fields."""

import numpy as np
import pytest
from inverse_cases import NOISE, X, found, measured, noisy, sensitivity
from numpy.testing import assert_allclose, assert_array_equal
from solvers import Rod, Rotation, sample, solver

from skngd.pde import Unknown
from skngd.problems.zoo import Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_missing_entries_are_as_if_they_were_not_there():
    y = measured(0.01)
    holes = y.copy()
    holes[::4] = np.nan
    with_holes, without = found(y=holes), found(X=X[np.isfinite(holes)], y=y[np.isfinite(holes)])
    assert_allclose(with_holes.theta_, without.theta_, rtol=1e-12)
    for name in ("unknowns_", "unknowns_std_"):
        assert getattr(with_holes, name) == pytest.approx(getattr(without, name), rel=1e-12)
    assert with_holes.noise_std_ == pytest.approx(without.noise_std_, rel=1e-12)


def test_sample_weight_equals_repetition():
    y, weight = measured(0.01), np.resize([1, 2, 0, 3], len(X))
    weighted = found(y=y, sample_weight=weight)
    repeated = found(X=np.repeat(X, weight, axis=0), y=np.repeat(y, weight))
    assert_allclose(weighted.loss_curve_[:5], repeated.loss_curve_[:5], rtol=1e-9)
    assert weighted.unknowns_["eps"] == pytest.approx(repeated.unknowns_["eps"], rel=1e-6)
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)


def test_weights_are_relative():
    weighted, plain = found(noise=0.01, sample_weight=np.full(len(X), 10.0)), noisy()
    assert_allclose(weighted.predict(X), plain.predict(X), atol=1e-6)
    assert weighted.unknowns_std_["eps"] == pytest.approx(plain.unknowns_std_["eps"], rel=1e-6)


def test_weights_as_inverse_variances_give_the_bound_of_such_noise():
    spread = np.resize([0.5, 2.0], len(X))
    y = measured() + 0.01 * spread * NOISE[: len(X)]
    fitted = found(y=y, sample_weight=spread**-2)
    weight = spread**-2 / np.mean(spread**-2)
    slope = sensitivity(fitted.unknowns_["eps"])
    expected = fitted.noise_std_ / np.sqrt((weight * slope**2).sum())
    assert fitted.unknowns_std_["eps"] == pytest.approx(expected, rel=0.01)
    assert fitted.noise_std_ == pytest.approx(0.01 * np.mean(spread**-2) ** -0.5, rel=0.3)


@pytest.mark.parametrize("observed", [(0,), (1,), (0, 1)], ids=["u", "v", "both"])
def test_fields_that_are_observed_in_part(observed):
    t = sample(Rotation(), 30)
    y = np.full((30, 2), np.nan)
    y[:, observed] = Rotation(1.3).solution(t)[:, observed]
    fitted = solver(Rotation(Unknown(1.0, low=0)), (6,), max_iter=40).fit(t, y)
    assert fitted.unknowns_["omega"] == pytest.approx(1.3, rel=1e-4)
    assert_allclose(fitted.predict(t), Rotation(1.3).solution(t), atol=1e-3)
    columns = [f"measurements {'uv'[k]}" for k in observed]
    assert [name for name in fitted.history_ if name.startswith("meas")] == columns


def test_standard_deviation_where_fields_have_different_numbers_of_measurements():
    """Noise is the same for all entries: each of them counts once."""
    t, h = np.linspace(0.05, 2, 60).reshape(-1, 1), 1e-5
    slope = (Rotation(1.3 + h).solution(t) - Rotation(1.3 - h).solution(t)) / (2 * h)
    y = Rotation(1.3).solution(t) + 0.01 * NOISE[:120].reshape(60, 2)
    y[:57, 1] = np.nan
    fitted = solver(Rotation(Unknown(1.0, low=0)), (6,), max_iter=40).fit(t, y)
    expected = fitted.noise_std_ / np.linalg.norm(slope[np.isfinite(y)])
    assert fitted.noise_std_ == pytest.approx(0.01, rel=0.3)
    assert fitted.unknowns_std_["omega"] == pytest.approx(expected, rel=0.05)


def test_measurements_may_take_the_place_of_conditions(recwarn):
    class Free(Rod):
        conditions = ()

    fitted = solver(Free(Unknown(0.5)), max_iter=40).fit(X, Rod(2.0).solution(X))
    assert fitted.unknowns_["a"] == pytest.approx(2.0, rel=1e-3)
    assert not [w for w in recwarn if "unique" in str(w.message)]


def test_physics_outweighs_noise():
    """Between measurements of a wrong coefficient, a solution of the equation is kept."""
    y = Rod().solution(X) + 0.05 * NOISE[: len(X)]
    fitted = solver(Rod(), max_iter=30).fit(X, y)
    assert_allclose(fitted.predict(X), Rod().solution(X), atol=0.01)
    closer = solver(Rod(), max_iter=30, measurement_weight=100.0).fit(X, y)
    assert np.square(closer.predict(X) - y).mean() < np.square(fitted.predict(X) - y).mean()


def test_two_dimensions():
    points = sample(Heat(), 40)
    y = Heat(0.1).solution(points) + 0.01 * NOISE[:40]
    fitted = solver(Heat(Unknown(0.5, low=0)), (10,), n_interior=100, max_iter=40).fit(points, y)
    assert fitted.unknowns_["kappa"] == pytest.approx(0.1, rel=0.1)
    std = fitted.unknowns_std_["kappa"]
    assert abs(fitted.unknowns_["kappa"] - 0.1) < 4 * std
    assert_array_equal(list(fitted.unknowns_std_), ["kappa"])
