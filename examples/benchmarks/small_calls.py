"""Time of a prediction for few rows, beside that of scikit-learn's network.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/small_calls.py

Most of it is scikit-learn's validation of X, which both do. ``torch`` is the way that large inputs
take: the same numbers to 1e-12, which the script checks.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from timing import milliseconds

import skngd.estimators.forward
from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    random = np.random.RandomState(0)
    X = random.uniform(-1, 1, (1000, 10))
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
    print("model rows     MLP ms   ours ms   ratio   torch ms   difference")
    for ours, peer, target in (
        (NaturalMomentumRegressor, MLPRegressor, y),
        (NaturalMomentumClassifier, MLPClassifier, np.digitize(y, [-0.5, 0.5])),
    ):
        model = ours((32,), max_iter=10, random_state=0).fit(X, target)
        mlp = peer(hidden_layer_sizes=(32,), max_iter=10, random_state=0).fit(X, target)
        for n in (1, 10, 100):
            rows = X[:n]
            times = [milliseconds(lambda m=m, rows=rows: m.predict(rows)) for m in (mlp, model)]
            small, fast = skngd.estimators.forward.SMALL, model._values(rows)
            try:
                skngd.estimators.forward.SMALL = 0
                times.append(milliseconds(lambda model=model, rows=rows: model.predict(rows)))
                difference = np.abs(model._values(rows) - fast).max()
            finally:
                skngd.estimators.forward.SMALL = small
            assert difference < 1e-12
            mlp_ms, our_ms, torch_ms = times
            print(
                f"{ours.__name__[15:18]} {n:6d} {mlp_ms:10.3f} {our_ms:9.3f} {our_ms / mlp_ms:7.2f}"
                f" {torch_ms:10.3f} {difference:12.1e}"
            )


if __name__ == "__main__":
    main()
