"""The package as a type checker of its users sees it: read by mypy, not run by pytest."""

import numpy as np

from skngd import (
    NaturalMomentumClassifier,
    NaturalMomentumDensity,
    NaturalMomentumRegressor,
    PINNEstimator,
)
from skngd.datasets import load_mackey_glass, make_lagged, make_xor
from skngd.forecast import DirectForecaster, RecursiveForecaster
from skngd.inspection import diagnose
from skngd.pde import Box, Dirichlet, Disk, Initial, Input, Neumann, Problem, Unknown


def regression() -> float:
    data = load_mackey_glass()
    model = NaturalMomentumRegressor((10,), momentum="heavy-ball", memory="momentum", beta=0.5)
    model.fit(data.X_train, data.y_train).predict(data.X_test)
    print(model.stop_reason_, model.history_["loss"][-1])
    return float(model.score(data.X_test, data.y_test))


def forecast(series: np.ndarray) -> np.ndarray:
    X, y = make_lagged(series, lags=(0, 6, 12), horizon=6)
    model = NaturalMomentumRegressor(random_state=0, early_stopping=True)
    return np.asarray(model.fit(X, y, sample_weight=np.ones(len(y))).predict(X))


def forecast_with_band(series: np.ndarray) -> np.ndarray:
    forecaster = RecursiveForecaster(NaturalMomentumRegressor(), lags=18, target="change")
    path, std = forecaster.fit(series).predict(100, return_std=True)
    band = forecaster.predict_quantiles(100, (0.025, 0.975), history=series[:50])
    direct = DirectForecaster(lags=(0, 6), horizon=5).fit(series).predict()
    paths = forecaster.sample_paths(100, 3)
    return np.asarray(np.vstack([path, path + std, band, paths]) + direct[0])


def diagnosis(X: np.ndarray, y: np.ndarray) -> list[str]:
    return [*diagnose(NaturalMomentumRegressor().fit(X, y), X, y).values()]


def density(X: np.ndarray) -> np.ndarray:
    found = NaturalMomentumDensity((10,), alpha="auto", random_state=0).fit(X)
    return np.asarray(found.score_samples(found.sample(5, random_state=0)))


def classification() -> np.ndarray:
    X, y = make_xor(200, random_state=0)
    model = NaturalMomentumClassifier((5,), alpha=1e-3, class_weight="balanced").fit(X, y)
    return np.asarray(model.predict_proba(X))


class Heat(Problem):
    domain = Box(t=(0, 1), x=(0, 1))
    conditions = (Initial(np.sin), Dirichlet(0.0, on="x", hard=True))

    def __init__(self, kappa: float | Unknown | Input = 0.25) -> None:
        self.kappa = kappa

    def residual(self, u, t, x):
        return u.t - self.kappa * u.xx


class Plate(Problem):
    domain = Box(x=(-1, 1), y=(-1, 1)) - Disk((0.0, 0.0), 0.5, face="hole")
    conditions = (Dirichlet(0.0, on="x"), Neumann(1.0, on="hole"))
    fields = ("u",)

    def residual(self, u, x, y):
        return u.xx + u.yy


def physics() -> None:
    X = Heat.domain.sample(50, random_state=0)
    solver = PINNEstimator(Heat(), (16,), n_interior=200, max_iter=10).fit()
    noisy = solver.predict(X)
    inverse = PINNEstimator(Heat(Unknown(1.0, low=0)), random_state=0).fit(X, noisy)
    print(inverse.unknowns_["kappa"], inverse.unknowns_std_["kappa"])
    PINNEstimator(Heat(kappa=Input(0.1, 0.5))).fit().predict([[0.5, 0.5, 0.1]])
    PINNEstimator(Plate(), sampler="sobol").fit()


if __name__ == "__main__":
    print(regression(), classification().shape)
    physics()
