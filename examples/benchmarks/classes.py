"""Log loss of classifiers on six tables: decay by default, a named one, moderation, peers.

``python examples/benchmarks/classes.py [--splits 10] [table ...]``. One thread. Means over splits
of the log loss of held-out rows, and of the processor's seconds of a fit. "moderated" are
probabilities by the probit formula from the variances of the outputs, equation (Var):
p = σ(v / √(1 + π/8 var v)), for several classes with outputs and variances relative to their mean
over classes. The estimator does not have them: this table is why.
"""

import time
import warnings

import numpy as np
import torch
from evidence import asked
from scipy.special import expit, softmax
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_classification,
    make_moons,
)
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skngd import NaturalMomentumClassifier
from skngd.tangent.posterior import covariances

FIRST_SEED = 100


def imbalanced(seed):
    settings = {"n_informative": 4, "weights": [0.95], "flip_y": 0.02, "random_state": seed}
    return make_classification(2000, 10, **settings)


def wide(seed):
    random = np.random.RandomState(seed)
    X = random.standard_normal((1090, 500))
    odds = 1.5 * X[:, :5] @ [2, -1, 1, 1, 0.5]
    return X, (random.uniform(size=1090) < expit(odds)).astype(int)


# Name: rows of a seed, and those for the fit, as a part or a number.
TABLES = {
    "digits": (lambda seed: load_digits(return_X_y=True), 0.5),
    "cancer": (lambda seed: load_breast_cancer(return_X_y=True), 0.7),
    "wine": (lambda seed: load_wine(return_X_y=True), 0.7),
    "moons": (lambda seed: make_moons(600, noise=0.3, random_state=seed), 0.5),
    "imbalanced": (imbalanced, 0.5),
    "wide, 90 × 500": (wide, 90),
}


def spread(model, X):
    """Covariances of the outputs at each row, shape (n, c, c)."""
    kept, n_outputs = model._posterior, model.intercepts_[-1].size
    scale, half = (torch.as_tensor(kept[name]) for name in ("scale", "half"))
    network = model._build_model(X.shape[1], n_outputs)
    points = torch.as_tensor((X - model.X_mean_) / model.X_scale_)
    found = []
    for part in points.split(50):
        rows = network.record(torch.as_tensor(model.theta_), part).jacobian()
        found.append(covariances(rows, scale, half, kept["by_rows"], n_outputs))
    return kept["unit"] * np.concatenate(found)


def moderated(model, X):
    """Probabilities by the probit formula."""
    values, covariance = model.decision_function(X), spread(model, X)
    if values.ndim == 1:
        p = expit(values / np.sqrt(1 + np.pi / 8 * covariance[:, 0, 0]))
        return np.column_stack([1 - p, p])
    centre = np.eye(values.shape[1]) - 1 / values.shape[1]
    variances = np.einsum("nii->ni", centre @ covariance @ centre)
    return softmax(values @ centre / np.sqrt(1 + np.pi / 8 * variances), axis=1)


def methods(seed):
    search = GridSearchCV(
        LogisticRegression(max_iter=1000), {"C": np.logspace(-3, 1, 5)}, scoring="neg_log_loss"
    )
    network = MLPClassifier(max_iter=500, random_state=seed)
    return {
        "skngd": NaturalMomentumClassifier(random_state=seed),
        "skngd, alpha=3e-3": NaturalMomentumClassifier(alpha=3e-3, random_state=seed),
        "logistic, search": make_pipeline(StandardScaler(), search),
        "MLP": make_pipeline(StandardScaler(), network),
        "boosting": HistGradientBoostingClassifier(random_state=seed),
    }


def main():
    options = asked(__doc__, TABLES)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in options.tables or TABLES:
        found, (make, part) = {}, TABLES[name]
        for seed in range(FIRST_SEED, FIRST_SEED + options.splits):
            X, y = make(seed)
            settings = {"train_size": part, "stratify": y, "random_state": seed}
            X, X_test, y, y_test = train_test_split(X, y, **settings)
            for method, model in methods(seed).items():
                began = time.process_time()
                model.fit(X, y)
                took = time.process_time() - began
                loss = log_loss(y_test, model.predict_proba(X_test))
                found.setdefault(method, []).append((loss, took))
                if method.startswith("skngd"):
                    loss = log_loss(y_test, moderated(model, X_test))
                    found.setdefault(f"{method}, moderated", []).append((loss, np.nan))
        print(f"\n{name}\n{'':24s}log loss      s")
        for method, numbers in found.items():
            loss, seconds = np.mean(numbers, axis=0)
            print(f"{method:24s}{loss:8.4f} {seconds:6.2f}", flush=True)


if __name__ == "__main__":
    main()
