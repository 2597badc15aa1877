"""
=============================================
Choosing the momentum and the width in a grid
=============================================

All hyperparameters are flat, so that a grid can name them: here which momentum, which memory, how
much of it, and how many neurons, in a pipeline from the raw series to the forecast.
"""

# %%
# From the series to rows
# -----------------------

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skngd import NaturalMomentumRegressor
from skngd.datasets import make_lagged, make_mackey_glass

series = make_mackey_glass(1500)[200:]
X, y = make_lagged(series, lags=(0, 6, 12, 18), horizon=6)
X_train, X_test, y_train, y_test = X[:900], X[900:], y[:900], y[900:]

# %%
# The grid
# --------
# A variant ignores the hyperparameters that it does not use, so that the grid needs no exceptions.
# The folds respect time: each is tested on what comes after it.

pipeline = Pipeline(
    [
        ("scale", StandardScaler()),
        (
            "network",
            NaturalMomentumRegressor(step_size="backtracking", max_iter=40, tol=0.0, n_init=1),
        ),
    ]
)
grid = {
    "network__hidden_layer_sizes": [(5,), (10,), (20,)],
    "network__momentum": [None, "heavy-ball", "nesterov"],
    "network__memory": ["momentum", "difference"],
    "network__beta": [0.3, 0.6],
    "network__random_state": [0],
}
search = GridSearchCV(
    pipeline,
    grid,
    scoring="neg_root_mean_squared_error",
    cv=TimeSeriesSplit(2),
    error_score="raise",
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 40 iterations are the budget here
    search.fit(X_train, y_train)

test = -search.score(X_test, y_test)
print("best:", {name.removeprefix("network__"): v for name, v in search.best_params_.items()})
print(f"cross-validated RMSE {-search.best_score_:.4f}, test RMSE {test:.4f}")

# %%
# What the grid says
# ------------------
# One point for each candidate, the mean over the folds.

results = search.cv_results_
labels = []
for momentum, memory, beta in zip(
    results["param_network__momentum"],
    results["param_network__memory"],
    results["param_network__beta"],
    strict=True,
):
    labels.append("plain NGD" if momentum is None else f"{momentum}, {memory}, β = {beta}")
names = sorted(set(labels), key=labels.index)
names.remove("plain NGD")
names.insert(0, "plain NGD")
widths = np.array([sizes[0] for sizes in results["param_network__hidden_layer_sizes"]])

figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for marker, width in zip("o^s", (5, 10, 20), strict=True):
    here = widths == width
    errors = -results["mean_test_score"][here]
    rows = [names.index(label) for label in np.array(labels)[here]]
    axes.plot(1000 * errors, rows, marker, label=f"{width} neurons")
axes.set_yticks(range(len(names)), names)
axes.invert_yaxis()
axes.set(xlabel="cross-validated RMSE × 1000", title="40 iterations with backtracking")
axes.set_xscale("log")
axes.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
axes.minorticks_off()
axes.grid(axis="y", alpha=0.3)
axes.legend()
plt.show()
