"""What the toy examples share: two features, exact integrals, paths of iterates, one figure."""

from dataclasses import dataclass
from math import pi, sqrt

import matplotlib.pyplot as plt
import numpy as np
import torch

from skngd.inspection import ConvergenceDisplay, TrajectoryDisplay
from skngd.optim import Stopping, minimize

# Gauss-Legendre quadrature with 20 nodes on [0, 1]: integrals of products of the features are
# exact up to rounding.
_nodes, _weights = np.polynomial.legendre.leggauss(20)
x = torch.as_tensor((_nodes + 1) / 2).unsqueeze(1)
weights = torch.as_tensor(_weights / 2)

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "s", "^", "D", "v", "P"]
LINES = ["-", "--", "-.", ":", "-", "--"]


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def features(x):
    """Φ = [1, √2 sin 2πx], orthonormal in L²(0, 1)."""
    return torch.cat([torch.ones_like(x), sqrt(2) * torch.sin(2 * pi * x)], dim=1)


def function(coordinates):
    """Values at the nodes of the function with these coordinates in Φ, shape (m, 1)."""
    return (features(x) @ coordinates).unsqueeze(1)


def coordinates(values):
    """Coordinates ⟨φ_k, v⟩ of a function in Φ."""
    return features(x).T @ (weights.unsqueeze(1) * values).squeeze(1)


@dataclass
class Path:
    """The iterates of one run: their parameters, their coordinates in Φ and their losses."""

    name: str
    thetas: np.ndarray
    coordinates: np.ndarray
    losses: np.ndarray


class Recorder:
    """Keeps every iterate."""

    def __init__(self, start):
        self.iterates = [start]

    def begin(self):
        pass

    def end(self, iterate):
        self.iterates.append(iterate)


def follow(name, method, objective, theta, n_iter):
    """Make ``n_iter`` iterations, whatever the loss does on the way."""
    recorder = Recorder(objective.at(theta))
    rules = Stopping(tol=0.0, n_iter_no_change=n_iter + 1)
    minimize(method, objective, theta, max_iter=n_iter, stop_rules=rules, watch=recorder)
    return Path(
        name,
        np.array([iterate.theta.numpy() for iterate in recorder.iterates]),
        np.array([coordinates(iterate.value).numpy() for iterate in recorder.iterates]),
        np.array([iterate.loss for iterate in recorder.iterates]),
    )


def deviation(points, end):
    """Largest distance of the points from the segment to ``end``, over its length."""
    way = end - points[0]
    along = np.clip((points - points[0]) @ way / (way @ way), 0, 1)
    feet = points[0] + along[:, None] * way
    return np.linalg.norm(points - feet, axis=1).max() / np.linalg.norm(way)


def table(paths, target=None):
    """Print the speed of each path, and how far it deviates from the way to the target."""
    columns = ["loss < 1e-6", "last loss"] + ["deviation"] * (target is not None)
    print(" " * 34 + "".join(f"{name:>14s}" for name in columns))
    for path in paths:
        below = np.flatnonzero(path.losses < 1e-6)
        row = f"{path.name:34s}{str(below[0]) if len(below) else '–':>14s}{path.losses[-1]:14.1e}"
        if target is not None:
            row += f"{deviation(path.coordinates, target.numpy()):14.1e}"
        print(row)


def _square(points, margin=0.12):
    """The corners of a square around the points."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = (0.5 + margin) * (high - low).max()
    return (low + high) / 2 - half, (low + high) / 2 + half


def draw(ax, points, i, **style):
    """Draw path number i."""
    style = {
        "color": COLORS[i],
        "marker": MARKERS[i],
        "linestyle": LINES[i],
        "markevery": max(1, len(points) // 20),
        "markersize": 5,
        "markerfacecolor": "none",
        "linewidth": 1.3,
        **style,
    }
    ax.plot(*points.T, **style)


def _profile(ax, objective, paths, span):
    """The loss over one parameter, up to some times its height at the end of the first path."""
    grid = np.linspace(*span, 400)
    losses = [objective.at(vector(theta)).loss for theta in grid]
    ax.plot(grid, losses, color="0.6", linewidth=1, zorder=0)
    for i, path in enumerate(paths):
        points = np.column_stack([path.thetas[:, 0], path.losses])
        draw(ax, points, i, linestyle="none", markevery=1)
    top = 4 * paths[0].losses[-1]
    ax.set(xlabel="θ", ylabel="loss", xlim=span, ylim=(-0.05 * top, top))


def three_panels(objective, paths, target, title, manifold=(), span=None):
    """Draw the paths over the loss, in function space, and the loss by iteration.

    ``manifold`` holds curves in function space, as coordinates of shape (n, 2); ``span`` is the
    range of θ where there is one parameter. The dashed line joins the start and the target.
    """
    figure, axes = plt.subplots(1, 3, figsize=(11, 4.2), layout="constrained")
    if span is None:
        TrajectoryDisplay.from_objective(objective, {p.name: p.thetas for p in paths}, ax=axes[0])
        if len(paths) > 1:
            axes[0].legend().remove()
        every = {}
    else:
        _profile(axes[0], objective, paths, span)
        every = {"markevery": 1, "linewidth": 0.5}

    low, high = _square(np.concatenate([*(path.coordinates for path in paths), [target]]))
    for curve in manifold:
        axes[1].plot(*np.transpose(curve), color="0.75", linewidth=0.8, zorder=0)
    axes[1].plot(*np.stack([paths[0].coordinates[0], target]).T, "--", color="0.4", linewidth=1)
    for i, path in enumerate(paths):
        draw(axes[1], path.coordinates, i, **every)
    axes[1].plot(*target, "*", color="black", markersize=13, zorder=5)
    axes[1].set(xlabel="coordinate of 1", ylabel="coordinate of √2 sin 2πx")
    axes[1].set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")

    ConvergenceDisplay.from_predictions({path.name: path.losses for path in paths}, ax=axes[2])
    floor = max(1e-14, min(path.losses.min() for path in paths))
    axes[2].set_ylim(0.3 * floor, 3 * max(path.losses[0] for path in paths))
    for ax, name in zip(axes, ("parameter space", "function space", "loss"), strict=True):
        ax.set_title(name)
    handles, labels = axes[2].get_legend_handles_labels()
    if len(paths) > 1:
        axes[2].get_legend().remove()
    handles.append(axes[1].lines[-1])
    labels.append("target")
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)))
    figure.suptitle(title)
    return figure
