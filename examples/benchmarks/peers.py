"""What people use today for the same fit, each with the time of every loss it meets.

Every function takes standardised arrays and a seed and returns ``(seconds, rmse, predict)``: the
times since its start, set-up included, the training RMSE at those times in units of the
standardised target, and a function that maps standardised inputs to standardised outputs.
The network is n-h-1 with tanh; it starts from Glorot's uniform distribution.
"""

import time
import warnings
from contextlib import suppress

import numpy as np
import torch
from scipy.optimize import least_squares
from sklearn.neural_network import MLPRegressor


class NumpyNetwork:
    """n-h-1 with tanh, its values and Jacobian as a SciPy user writes them."""

    def __init__(self, n_features, n_hidden, seed):
        self.n, self.h = n_features, n_hidden
        rng = np.random.RandomState(seed)
        first, last = np.sqrt(6 / (self.n + self.h)), np.sqrt(6 / (self.h + 1))
        self.start = np.concatenate(
            [
                rng.uniform(-first, first, self.h * self.n + self.h),
                rng.uniform(-last, last, self.h),
                [0.0],
            ]
        )

    def split(self, theta):
        weights, biases, out = np.split(theta[:-1], [self.h * self.n, self.h * (self.n + 1)])
        return weights.reshape(self.h, self.n), biases, out, theta[-1]

    def value(self, theta, X):
        weights, biases, out, last = self.split(theta)
        return np.tanh(X @ weights.T + biases) @ out + last

    def jacobian(self, theta, X):
        weights, biases, out, _ = self.split(theta)
        a = np.tanh(X @ weights.T + biases)
        slope = (1 - a * a) * out
        outer = (slope[:, :, None] * X[:, None, :]).reshape(len(X), -1)
        return np.hstack([outer, slope, a, np.ones((len(X), 1))])


def scipy_least_squares(X, y, n_hidden, seed, max_seconds, method):
    """``scipy.optimize.least_squares`` with the analytic Jacobian."""
    began = time.perf_counter()
    network = NumpyNetwork(X.shape[1], n_hidden, seed)
    seconds, losses, points = [], [], []

    class OutOfTime(Exception):
        pass

    def residual(theta):
        r = network.value(theta, X) - y
        seconds.append(time.perf_counter() - began)
        losses.append(r @ r)
        points.append(theta.copy())
        if seconds[-1] > max_seconds:
            raise OutOfTime
        return r

    def jacobian(theta):
        return network.jacobian(theta, X)

    with suppress(OutOfTime):
        least_squares(residual, network.start, jac=jacobian, method=method, max_nfev=100_000)
    theta = points[int(np.argmin(losses))]
    rmse = np.sqrt(np.array(losses) / len(y))
    return np.array(seconds), rmse, lambda X: network.value(theta, X)


class Clock:
    """Mixin that notes time and training error of an MLPRegressor, without its own cost."""

    def note(self, rmse, spent):
        self.spent_ += spent
        self.seconds_.append(time.perf_counter() - self.began_ - self.spent_)
        self.rmse_.append(rmse)


class TimedLBFGS(Clock, MLPRegressor):
    """Each loss that the line search looks at is noted."""

    def _loss_grad_lbfgs(self, *arguments):
        loss, gradient = super()._loss_grad_lbfgs(*arguments)
        self.note(np.sqrt(2 * loss), 0.0)
        return loss, gradient


class TimedAdam(Clock, MLPRegressor):
    """The error on all rows is noted after each epoch; its evaluation is not counted."""

    def _update_no_improvement_count(self, *arguments):
        before = time.perf_counter()
        rmse = np.sqrt(np.mean((self.predict(self.X_) - self.y_) ** 2))
        self.note(rmse, time.perf_counter() - before)
        return super()._update_no_improvement_count(*arguments)


def mlp(X, y, n_hidden, seed, max_iter, solver):
    """``MLPRegressor`` without weight decay."""
    kind = TimedAdam if solver == "adam" else TimedLBFGS
    model = kind(
        hidden_layer_sizes=(n_hidden,),
        activation="tanh",
        solver=solver,
        alpha=0.0,
        max_iter=max_iter,
        max_fun=10**7,
        tol=0.0,
        n_iter_no_change=max_iter,
        random_state=seed,
    )
    model.X_, model.y_, model.spent_, model.seconds_, model.rmse_ = X, y, 0.0, [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.began_ = time.perf_counter()
        model.fit(X, y)
    return np.array(model.seconds_), np.array(model.rmse_), model.predict


def torch_levenberg_marquardt(X, y, n_hidden, seed, max_seconds):
    """The package torch-levenberg-marquardt, its Cholesky solver, all rows in each step."""
    from torch_levenberg_marquardt.loss import MSELoss
    from torch_levenberg_marquardt.training import LevenbergMarquardtModule

    inputs, targets = torch.as_tensor(X), torch.as_tensor(y)[:, None]
    began = time.perf_counter()
    start = NumpyNetwork(X.shape[1], n_hidden, seed).split(
        NumpyNetwork(X.shape[1], n_hidden, seed).start
    )
    module = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], n_hidden), torch.nn.Tanh(), torch.nn.Linear(n_hidden, 1)
    ).double()
    with torch.no_grad():
        module[0].weight.copy_(torch.as_tensor(start[0]))
        module[0].bias.copy_(torch.as_tensor(start[1]))
        module[2].weight.copy_(torch.as_tensor(start[2])[None])
        module[2].bias.fill_(float(start[3]))
    trainer = LevenbergMarquardtModule(module, MSELoss(), solve_method="cholesky")
    seconds, rmse = [], []
    while time.perf_counter() - began < max_seconds:
        _, loss, stop, _ = trainer.training_step(inputs, targets)
        seconds.append(time.perf_counter() - began)
        rmse.append(float(loss) ** 0.5)
        if stop:
            break

    def predict(X):
        with torch.no_grad():
            return module(torch.as_tensor(X)).numpy().ravel()

    return np.array(seconds), np.array(rmse), predict
