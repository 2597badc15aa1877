"""
============================
Exclusive or: classification
============================

Four normal clusters on a chessboard: the exclusive or, with noise. The classes overlap, so that the
best mean square error of the probabilities is 0.033. Gradient methods rest on plateaus on the way;
the natural gradient of the cross-entropy, in the Fisher metric, does not, and natural momentum
shortens the way with small constant steps.
"""

# %%
# Data and methods
# ----------------
# :func:`skngd.datasets.make_xor` knows the true probabilities. All methods fit the same network of
# five neurons from the same start; :class:`~sklearn.neural_network.MLPClassifier` has a start and
# an Adam of its own, and an epoch of ten batches where the others have an iteration.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skngd import NaturalMomentumClassifier
from skngd.datasets import make_xor
from skngd.inspection import ConvergenceDisplay, FieldDisplay

X, y, p_true = make_xor(2000, random_state=0, return_probability=True)
lowest = np.mean((p_true - y) ** 2)
print(f"mean square error of the true probabilities: {lowest:.4f}")

constant = {"step_size": 0.05, "damping": 1e-3, "momentum_space": "function", "restart": None}
methods = {
    "natural gradient (NGD), α = 0.05": {"momentum": None, **constant},
    "heavy ball (HB), α = 0.05": {"momentum": "heavy-ball", "beta": 0.8, **constant},
    "Nesterov (NAG), α = 0.05": {
        "momentum": "nesterov",
        "memory": "difference",
        "beta": 0.8,
        **constant,
    },
    "default, trust region": {},
    "L-BFGS": {"optimizer": "lbfgs"},
    "Adam, 0.1": {"optimizer": "adam", "step_size": 0.1},
}


class Errors:
    """A callback: mean square error of the probabilities after each iteration."""

    def __init__(self):
        self.errors = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "iteration":
            p = fitted_estimator.predict_proba(X)[:, 1]
            self.errors.append(np.mean((p - y) ** 2))
        return False


# %%
# Fitting
# -------

curves, models = {}, {}
for name, settings in methods.items():
    seen = Errors()
    model = NaturalMomentumClassifier(
        (5,), alpha=0.0, max_iter=100, n_init=1, n_iter_no_change=100, random_state=0, **settings
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 iterations are the plan
        models[name] = model.set_callbacks(seen).fit(X, y)
    curves[name] = np.array(seen.errors)

peer = MLPClassifier((5,), activation="tanh", learning_rate_init=0.01, random_state=0)
epochs = [peer.partial_fit(X, y, classes=[0, 1]).predict_proba(X)[:, 1] for _ in range(100)]
curves["MLPClassifier, Adam 0.01"] = np.mean((np.array(epochs) - y) ** 2, axis=1)

for name, errors in curves.items():
    arrived = np.flatnonzero(errors <= lowest + 1e-3)
    when = f"{arrived[0] + 1} iterations" if len(arrived) else "not in 100 iterations"
    print(f"{name:34s} {when}")

# %%
# The figure
# ----------
# Left the probability of class 1, and in the same colours the true one of some rows; right how the
# methods come down. The dashed line is the error of the true probabilities; on the rows that it was
# fitted to, a network can be a little below.

figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
model = models["default, trust region"]
FieldDisplay.from_estimator(model, X[:400], p_true[:400], ax=left)
left.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", title="Probability of class 1 (default)")
ConvergenceDisplay.from_predictions(curves, label="mean square error", ax=right)
right.axhline(lowest, color="0.5", linestyle="--", linewidth=0.8, label="true probabilities")
right.set_yticks([0.03, 0.05, 0.1, 0.2, 0.3], ["0.03", "0.05", "0.1", "0.2", "0.3"])
right.minorticks_off()
right.legend(loc="upper right", fontsize="small")
right.set_title("Error of the probabilities")
plt.show()
