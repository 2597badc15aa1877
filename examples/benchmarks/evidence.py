"""Fourteen tables with and without noise: defaults beside the peers, accuracy, time, intervals.

``python examples/benchmarks/evidence.py [--splits 10] [table ...]``. One thread. For each table the
median, over splits, of the test R² and of the seconds of a fit; for the two that have intervals the
part of new observations inside of the 95 % band, and the mean negative log-likelihood of a
standardised observation. Only defaults: the peers that have none search by cross-validation on the
training rows. The seeds here are not those on which the settings of skngd were chosen.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2, make_friedman3
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skngd import NaturalMomentumRegressor
from skngd.datasets import load_mackey_glass

FIRST_SEED = 1000


def rows(X, y, n, random):
    """n rows for the fit, and the others for the test."""
    order = random.permutation(len(X))
    first, others = order[:n], order[n:]
    return X[first], y[first], X[others], y[others]


def friedman(make, noise):
    def table(seed):
        X, y = make(1300, noise=noise, random_state=seed)
        return X[:300], y[:300], X[300:], y[300:]

    return table


def diabetes(seed):
    return rows(*load_diabetes(return_X_y=True), 354, np.random.RandomState(seed))


def sine(seed):
    random = np.random.RandomState(seed)
    X = random.uniform(0, 1, (1050, 1))
    y = np.sin(2 * np.pi * X[:, 0]) + 0.3 * random.standard_normal(1050)
    return X[:50], y[:50], X[50:], y[50:]


def heavy_tails(seed):
    random = np.random.RandomState(seed)
    X = random.uniform(-2, 2, (1300, 2))
    truth = np.sin(2 * X[:, 0]) * X[:, 1]
    y = truth[:300] + 0.3 * random.standard_t(2, 300)
    return X[:300], y, X[300:], truth[300:]


def one_hot(seed):
    random = np.random.RandomState(seed)
    codes, effects = random.randint(0, 30, (700, 3)), random.standard_normal((3, 30))
    X = np.concatenate([np.eye(30)[column] for column in codes.T], axis=1)
    y = sum(effect[column] for effect, column in zip(effects, codes.T, strict=True))
    y = y + 0.5 * random.standard_normal(700)
    return X[:400], y[:400], X[400:], y[400:]


def wide(seed):
    random = np.random.RandomState(seed)
    X = random.standard_normal((550, 500))
    y = X[:, :5] @ [2, -1, 1, 1, 0.5] + 0.3 * random.standard_normal(550)
    return X[:50], y[:50], X[50:], y[50:]


def lorenz(seed):
    random = np.random.RandomState(seed)

    def flow(z):
        return np.array([10 * (z[1] - z[0]), z[0] * (28 - z[2]) - z[1], z[0] * z[1] - 8 / 3 * z[2]])

    h, z, path = 0.01, np.ones(3) + 0.1 * random.standard_normal(3), []
    for _ in range(3000):
        a = flow(z)
        b = flow(z + h / 2 * a)
        c = flow(z + h / 2 * b)
        z = z + h / 6 * (a + 2 * b + 2 * c + flow(z + h * c))
        path.append(z)
    path = np.array(path)[500:]
    return rows(path[:-1], path[1:, 0], 500, random)


def mackey_glass(seed):
    data = load_mackey_glass()
    return data.X_train, data.y_train, data.X_test, data.y_test


def three_outputs(seed):
    random = np.random.RandomState(seed)
    X = random.uniform(-1, 1, (1300, 3))
    y = np.column_stack([np.sin(3 * X[:, 0]), X[:, 0] * X[:, 1], np.exp(X[:, 2])])
    y += random.standard_normal(y.shape) * [0.3, 0.1, 0.02]
    return X[:300], y[:300], X[300:], y[300:]


def integers(seed):
    random = np.random.RandomState(seed)
    X = random.uniform(-1, 1, (1300, 4))
    y = np.round(5 * np.sin(2 * X[:, 0]) + 4 * X[:, 1] * X[:, 2] + random.standard_normal(1300))
    return X[:300], y[:300], X[300:], y[300:]


TABLES = {
    "friedman1": friedman(make_friedman1, 0.0),
    "friedman2": friedman(make_friedman2, 0.0),
    "friedman3": friedman(make_friedman3, 0.0),
    "friedman1, noise": friedman(make_friedman1, 1.0),
    "friedman2, noise": friedman(make_friedman2, 100.0),
    "friedman3, noise": friedman(make_friedman3, 0.1),
    "diabetes": diabetes,
    "sine, 50 rows": sine,
    "heavy tails": heavy_tails,
    "one-hot": one_hot,
    "wide, 50 × 500": wide,
    "Lorenz": lorenz,
    "Mackey-Glass": mackey_glass,
    "three outputs": three_outputs,
    "integers": integers,
}


def scaled(model):
    """Standardised inputs and targets, as those of skngd are."""
    target = StandardScaler()
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=target)


def methods(seed, n_outputs):
    kernel = ConstantKernel() * RBF() + WhiteKernel()
    grid = {"C": [0.1, 1, 10, 100], "gamma": ["scale", 0.03, 0.3], "epsilon": [0.01, 0.1]}
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    found = {
        "skngd": NaturalMomentumRegressor(random_state=seed),
        "skngd, huber": NaturalMomentumRegressor(loss="huber", random_state=seed),
        "skngd, alpha=0": NaturalMomentumRegressor(alpha=0, random_state=seed),
        "GP": make_pipeline(StandardScaler(), process),
        "SVR, search": scaled(GridSearchCV(SVR(), grid)),
        "ridge, search": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17))),
        "boosting": HistGradientBoostingRegressor(random_state=seed),
        "MLP, Adam": scaled(MLPRegressor(max_iter=500, random_state=seed)),
        "MLP, L-BFGS": scaled(MLPRegressor(solver="lbfgs", max_iter=500, random_state=seed)),
    }
    if n_outputs > 1:
        for name in ("SVR, search", "boosting"):
            del found[name]
    return found


def band(model, X, y, unit):
    """The part inside of the 95 % band, and the negative log-likelihood."""
    mean, std = model.predict(X, return_std=True)
    score = (y - mean) / std
    return np.mean(np.abs(score) < 1.96), np.mean(
        0.5 * score**2 + np.log(std / unit) + 0.5 * np.log(2 * np.pi)
    )


def asked(description, tables):
    """Tables and splits that the command line names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("tables", nargs="*", choices=[[], *tables], default=[])
    parser.add_argument("--splits", type=int, default=10)
    return parser.parse_args()


def main():
    options = asked(__doc__, TABLES)
    warnings.simplefilter("ignore")
    for name in options.tables or TABLES:
        found = {}
        for seed in range(FIRST_SEED, FIRST_SEED + options.splits):
            X, y, X_test, y_test = TABLES[name](seed)
            n_outputs = 1 if y.ndim == 1 else y.shape[1]
            for method, model in methods(seed, n_outputs).items():
                began = time.perf_counter()
                model.fit(X, y)
                took = time.perf_counter() - began
                row = [r2_score(y_test, model.predict(X_test)), took, np.nan, np.nan]
                if method in ("skngd", "GP"):
                    row[2:] = band(model, X_test, y_test, y.std(axis=0))
                found.setdefault(method, []).append(row)
        print(f"\n{name}\n{'':16s}    R²  (lowest)   1 - R²    s   in 95 %   nll")
        for method, table in found.items():
            middle, lowest = np.median(table, axis=0), np.min(table, axis=0)
            r2, seconds, inside, nll = middle
            print(
                f"{method:16s} {r2:7.4f} {lowest[0]:8.3f} {1 - r2:10.2e} {seconds:5.2f}"
                + ("" if np.isnan(inside) else f"{inside:8.3f} {nll:7.2f}"),
                flush=True,
            )


if __name__ == "__main__":
    main()
