"""
===================================
Mackey-Glass: momentum side by side
===================================

The Mackey-Glass series is chaotic. Four past values, x(t), x(t−6), x(t−12) and x(t−18), are to tell
x(t+6). A network 4-10-1 with 61 parameters learns it from 500 rows.

Two experiments:

* every method as it runs by default, the natural ones with a damping that a trust region adapts;
* the natural methods with a constant step α = 0.1, where momentum has all the work to do.
"""

# %%
# The data
# --------
# :func:`skngd.datasets.load_mackey_glass` has the rows that the benchmarks use.

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skngd import NaturalMomentumRegressor
from skngd.datasets import load_mackey_glass
from skngd.inspection import ConvergenceDisplay

data = load_mackey_glass()

# %%
# The methods
# -----------
# Each is a choice of hyperparameters. ``n_init=1`` makes the iterations comparable. One seed is
# shown; ``examples/benchmarks/mackey_glass.py`` has the medians of many.

natural = {
    "plain NGD": {"momentum": None},
    "natural heavy ball, last momentum": {"memory": "momentum"},
    "natural heavy ball, function difference": {"memory": "difference"},
    "natural heavy ball, last gradient": {"memory": "gradient"},
    "natural Nesterov": {"momentum": "nesterov", "memory": "difference"},
    "SPRING": {"momentum": "spring"},
    "quasi-natural (parameter heavy ball)": {"momentum_space": "parameter"},
    "parameter-space Nesterov": {"momentum": "nesterov", "momentum_space": "parameter"},
}
classical = {
    "gradient descent": {"optimizer": "gd", "max_iter": 500},
    "gradient descent, heavy ball": {
        "optimizer": "gd",
        "momentum": "heavy-ball",
        "momentum_space": "parameter",
        "beta": 0.9,
        "max_iter": 700,
    },
    "Adam": {"optimizer": "adam", "step_size": 0.01, "max_iter": 1000},
    "L-BFGS": {"optimizer": "lbfgs", "max_iter": 500},
}
constant = {
    name: {"beta": 0.6, **choice, "step_size": 0.1, "rcond": 1e-3, "restart": None}
    for name, choice in natural.items()
    if name != "SPRING"
}
constant["SPRING"] = {
    "momentum": "spring",
    "beta": 0.6,
    "step_size": 0.1,
    "damping": 1e-3,
    "restart": None,
}
constant["natural heavy ball, last gradient"]["beta"] = -0.3


def fit(choice):
    settings = {"momentum": "heavy-ball", "max_iter": 70, "n_init": 1, **choice}
    if "optimizer" in settings and "momentum" not in choice:
        settings["momentum"] = None
    model = NaturalMomentumRegressor(tol=0.0, n_iter_no_change=50, random_state=0, **settings)
    return model.fit(data.X_train, data.y_train)


def rmse(model, X, y):
    return np.sqrt(np.mean((model.predict(X) - y) ** 2))


def row(model):
    """Iterations and milliseconds to the training RMSE 0.01 and 0.005, and the test RMSE."""
    error, seconds = np.sqrt(2 * model.loss_curve_), model.history_["time"]
    entries = []
    for level in (0.01, 0.005):
        below = np.flatnonzero(error <= level)
        entries += [below[0], 1e3 * seconds[below[0]]] if len(below) else [np.inf, np.inf]
    return [*entries, rmse(model, data.X_test, data.y_test)]


def show(title, table):
    print(f"\n{title}")
    print(f"{'':42s}{'to RMSE 0.01':>17s}{'to RMSE 0.005':>17s}{'test':>9s}")
    print(f"{'':42s}{'iter':>8s}{'ms':>9s}{'iter':>8s}{'ms':>9s}{'RMSE':>9s}")
    for name, (*to_levels, test) in table.items():
        formats = ("8.0f", "9.1f", "8.0f", "9.1f")
        cells = [
            "–".rjust(int(f[0])) if np.isnan(entry) else format(entry, f)
            for entry, f in zip(to_levels, formats, strict=True)
        ]
        print(f"{name:42s}{''.join(cells)}{test:9.4f}")


# %%
# Default control
# ---------------
# The adaptive damping already takes bold steps: momentum changes little there, and nothing for
# the worse. Methods without the natural gradient need a hundred times as many iterations.

models, table = {}, {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for choice in (*natural.values(), *classical.values()):
        fit({**choice, "max_iter": 2})  # the first call of each loads its libraries
    for name, choice in {**natural, **classical}.items():
        models[name] = fit(choice)
        table[name] = row(models[name])
    for solver in ("lbfgs", "adam"):
        mlp = MLPRegressor(
            hidden_layer_sizes=(10,), activation="tanh", solver=solver, alpha=0, max_iter=2000
        )
        mlp.set_params(tol=1e-7, random_state=0)
        began = time.perf_counter()
        model = make_pipeline(StandardScaler(), mlp).fit(data.X_train, data.y_train)
        seconds = time.perf_counter() - began
        unknown, test = [np.nan] * 4, rmse(model, data.X_test, data.y_test)
        table[f"MLPRegressor, {solver} ({seconds:.2f} s in all)"] = [*unknown, test]
show("Default control", table)

# %%
# Constant step
# -------------
# As in the talks: α = 0.1, singular values cut off at a thousandth of the largest, no restart.
# The last gradient is remembered with β = −0.3: with the printed sign it works against the motion.

constant_models, constant_table = {}, {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name, choice in constant.items():
        constant_models[name] = fit(choice)
        constant_table[name] = row(constant_models[name])
show("Constant step 0.1", constant_table)

# %%
# The figure
# ----------
# Above, the series and its forecast six steps ahead on rows that were not seen. Below, the
# training error by iteration and by time.

figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained")
steps = np.arange(200)
forecast = models["natural heavy ball, last momentum"].predict(data.X_test)
axes[0, 0].plot(steps, data.y_test[:200], color="0.6", linewidth=3, label="series")
axes[0, 0].plot(steps, forecast[:200], color="C0", linewidth=1, label="forecast, 6 steps ahead")
axes[0, 0].set(xlabel="t − 5006", ylabel="x(t)", title="Test rows", ylim=(None, 1.75))
axes[0, 0].legend(loc="upper right", ncols=2)


def errors(model):
    """Milliseconds, and the training RMSE, after each iteration."""
    return 1e3 * model.history_["time"], np.sqrt(2 * model.loss_curve_)


def draw(ax, chosen, by, title):
    """The training error of some models."""
    curves = {name: errors(model) for name, model in chosen.items()}
    if by == "iteration":
        curves = {name: error for name, (_, error) in curves.items()}
    ConvergenceDisplay.from_predictions(curves, by=by, label="training RMSE", ax=ax)
    ax.set_title(title)
    ax.legend(fontsize="x-small", loc="upper right")


draw(axes[0, 1], constant_models, "iteration", "Constant step α = 0.1")
axes[0, 1].set_ylim(2e-3, 1)
shown = ["plain NGD", "natural heavy ball, last momentum", "SPRING"]
shown += ["gradient descent", "Adam", "L-BFGS"]
chosen = {name: models[name] for name in shown}
draw(axes[1, 0], chosen, "iteration", "Default control")
draw(axes[1, 1], chosen, "time", "Default control, by time")
axes[1, 0].set_xscale("symlog", linthresh=10)
axes[1, 0].set_xlim(0, 1000)
axes[1, 1].set(xscale="log", xlabel="time (ms)")
plt.show()
