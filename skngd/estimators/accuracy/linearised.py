"""The problem linearised at a solution, on a space that is richer than the tangent space.

The columns are those of the tangent space and of the last layer of a network of fresh neurons, the
rows the residuals of equation and conditions on fresh points. One QR tells the error, what every
direction changes in the solution beside what it changes in the residuals, and how the solution
follows the unknown coefficients.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from ...models import FullyConnected
from ...pde.observe import Observe, Observed
from ...tangent.qr import Qr
from ..device import to_numpy
from ..rows.outliers import NORMAL_MEDIAN, TUNING

# Rows for each column of the system.
ROWS_PER_COLUMN = 2
# Parameters from which on a network of one layer, and another one, take part with their last layer.
MOST_OF_ONE, MOST_OF_SEVERAL = 700, 1500
# The points where e is looked at.
LOOKED_AT = 300
# An amplification with which a solution is not determined, what is left of it where other points
# are asked, too, and one of its parts that is a constant.
UNDETERMINED, CONFIRMED, CONSTANT = 1e6, 1e4, 0.99
# The largest part of the residuals that counts as out of reach of the space.
MOST_LEFT = 0.99
# The part of the effect of an unknown on equation and conditions that the solution has to leave for
# them to determine it.
TELLS = 1e-4
# λ of a second look grows by this factor, so often; so many of them in a row are to give the same
# error within a factor.
STEP, STEPS, FLAT, WITHIN = 100.0, 9, 4, 2.5

# How often Huber's weights are found again, and the smallest scale beside the largest residual.
REWEIGHTED, TINY = 40, 1e-12


class Rows(NamedTuple):
    """Measurements, and the loss that is theirs: "squared" or "huber"."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    loss: str = "squared"


@dataclass(frozen=True)
class Following:
    """What is said of the unknown coefficients, in their own unbounded parameters.

    Attributes
    ----------
    change : ndarray of shape (q,)
        Their error, with the opposite sign.
    information : ndarray of shape (q, q) or None
        Of measurements of variance one, equation and conditions being constraints.
    residuals, weights : ndarray of shape (n,)
        Of the measurements, after the change, as the loss says; the mean of the weights is one.
    met : ndarray of shape (n,)
        The residuals of the measurements after the change, as they are in the loss.
    responses : ndarray of shape (n_fields, m, q)
        How the fields follow them, at the points that are looked at, as parts of their sizes.
    parts : list of dict
        The same as parts of the space, for each unknown.
    """

    change: np.ndarray
    information: np.ndarray | None
    residuals: np.ndarray | None
    weights: np.ndarray | None
    met: np.ndarray | None
    responses: np.ndarray
    parts: list


@dataclass(frozen=True)
class Wider:
    """v + w with a network of fresh neurons for w, which is zero.

    Attributes
    ----------
    physics : Physics
        On top of v, see :class:`Compiler`.
    theta : torch.Tensor of shape (P + q,)
        Parameters of w, and the unknowns of v.
    activation : str
    """

    physics: object
    theta: torch.Tensor
    activation: str

    def beside(self, physics, theta):
        """The tangent space at θ and the last layer of w, as :func:`system` takes them."""
        last = self.physics.residuals.output_parameters
        return (physics, theta, _tangent(physics)), (self.physics, self.theta, last)


class Look:
    """One solve of the linearised problem.

    Parameters
    ----------
    physics : Physics
    theta : torch.Tensor of shape (P + q,)
        Where the tangent space is.
    wider : Wider
        Of the solution v that is looked at.
    damping : float
        λ / ‖A‖².
    random_state : numpy.random.RandomState
    rows : Rows or None
        The measurements.
    is_second : bool, default=False
        Whether it looks at what a correction has left: then λ is raised to where it does not matter
        any more.

    Attributes
    ----------
    caution : float
        How many times as large the error would be with the damping as it is given.
    is_finite : bool
    relative : dict of str to float
        ‖e‖ / ‖v + e‖ by field.
    amplification, free : float, str
        See :class:`ErrorEstimate`.
    residual_left : float
        The residual of v as a part of that at θ.
    unreached : float
        What no e changes: the root of the sum of the mean squares of the residuals of all blocks.
    error : dict
        e, in parts.
    free_unknowns : list of str
        Those that neither measurements nor conditions determine.
    following : Following or None
        Where there are unknowns.
    """

    caution = 1.0

    def __init__(self, physics, theta, wider, damping, random_state, rows, is_second=False):
        self.physics, self.activation, self.following = physics, wider.activation, None
        self.free_unknowns = []
        self.n_unknowns = len(physics.problem.unknowns)
        self.spaces = wider.beside(physics, theta)
        n = ROWS_PER_COLUMN * sum(place.stop - place.start for *_, place in self.spaces)
        points = points_for(physics, theta, n, random_state)
        unknowns = physics.trial_unknowns()
        looked_at = physics.discretization.source.sample(LOOKED_AT, "sobol", random_state)
        a, h, before, b = system(
            self.spaces, self.n_unknowns, lambda one: one.discretization.blocks(points, unknowns)
        )
        phi, of_unknowns, _, v = system(
            self.spaces, self.n_unknowns, lambda one: values_of(one, looked_at)
        )
        self.is_finite = _are_finite(a, h, b, phi)
        if not self.is_finite:
            return
        norm = torch.linalg.vector_norm
        self.residual_left = float(norm(b) / norm(before).clamp_min(1e-300))
        sizes = norm(a, dim=0)
        sizes[sizes == 0] = 1.0
        a, phi = a / sizes, phi / sizes
        # The error for the unknowns as they are, and how the solution follows them: A⁺ [r, A_η].
        targets = torch.cat([b.unsqueeze(1), h], dim=1)
        fitted = Qr([(a, targets)])
        damping *= fitted.square_norm
        if is_second:
            damping, self.caution = _plateau(fitted, phi, damping)
        solved = fitted.solve(0.0, damping)
        left = targets - a @ solved
        # Residuals that are out of reach come from an error of about the same size as the others.
        self.unreached = float(norm(left[:, 0]))
        beyond = self.unreached / max(float(norm(b)), 1e-300)
        solution = solved[:, 0] / np.sqrt(1.0 - min(beyond, MOST_LEFT) ** 2)
        follow, moved = solved[:, 1:], of_unknowns - phi @ solved[:, 1:]
        change = solution.new_zeros(self.n_unknowns)
        information = met = None
        if self.n_unknowns:
            measured = None
            if rows is not None:
                bm, hm, _, d = system(
                    self.spaces, self.n_unknowns, lambda one: _measurements(one, rows)
                )
                bm = bm / sizes
                seen, d = hm - bm @ follow, d - bm @ solution
                self.is_finite = _are_finite(seen, d)
                if not self.is_finite:
                    return
                change, measured = FITS[rows.loss](seen, d)
                met = to_numpy(d + seen @ change)
                information = len(d) * seen.T @ seen
            else:
                change = self._told_by_conditions(left[:, 1:], left[:, 0], norm(h, dim=0))
        fields, shape = physics.problem.fields, (len(physics.problem.fields), len(looked_at))
        e = (moved @ change - phi @ solution).reshape(shape)
        scale = norm(v.reshape(shape) + e, dim=1)
        # A field that is zero is measured by the size that it could have.
        sizes_of_fields = torch.as_tensor(physics.field_sizes, **physics.kind)
        scale = torch.where(scale > 0, scale, sizes_of_fields)
        # No error is below rounding.
        relative = to_numpy((norm(e, dim=1) / scale).clamp_min(torch.finfo(a.dtype).eps))
        self.relative = dict(zip(fields, map(float, relative), strict=True))

        relative_phi = (phi.reshape(*shape, -1) / scale[:, None, None]).flatten(0, 1)
        changes = fitted.whitened(relative_phi, damping)
        self.is_finite = _are_finite(solution, changes, change)
        if not self.is_finite:
            return
        self.amplification, largest = largest_singular_value(changes)
        if self.amplification >= UNDETERMINED:
            directions = fitted.whitened(torch.eye(len(sizes), **physics.kind), damping)
            told = confirmed(changes, self._elsewhere(n, random_state) / sizes @ directions)
            if told < CONFIRMED:
                self.amplification = told
        self.free = _free(to_numpy(largest), physics.problem, looked_at)
        self.error = in_parts(
            self.spaces, -(solution + follow @ change) / sizes, change, self.activation
        )
        if not self.n_unknowns:
            return
        residuals = weights = None
        if rows is not None:
            weights = _weights(_measurements(physics, rows))
            residuals = to_numpy(measured) * np.sqrt(len(weights) / weights)
        self.following = Following(
            to_numpy(change),
            None if information is None else to_numpy(information),
            residuals,
            weights,
            met,
            to_numpy(moved.reshape(*shape, -1) / scale[:, None, None]),
            [in_parts(self.spaces, -one / sizes, None, self.activation) for one in follow.T],
        )

    def _elsewhere(self, n, random_state):
        """The columns at as many other points as there were."""
        points = spread_points(self.physics, n, random_state)
        unknowns = self.physics.trial_unknowns()
        columns, *_ = system(
            self.spaces, self.n_unknowns, lambda one: one.discretization.blocks(points, unknowns)
        )
        return columns

    def _told_by_conditions(self, left, residual, sizes):
        """The change of unknowns without measurements, from what the solution cannot follow.

        Where that is nothing they are free, with an infinite change.
        """
        sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
        u, s, vt = torch.linalg.svd(left / sizes, full_matrices=False)
        told = s > TELLS
        change = -vt[told].T @ ((u[:, told].T @ residual) / s[told])
        free = (vt[~told].abs() > TELLS).any(0)
        self.free_unknowns = [
            name
            for name, is_free in zip(self.physics.problem.unknowns, free, strict=True)
            if is_free
        ]
        return change / sizes


def system(spaces, n_unknowns, blocks_of):
    """Columns of both spaces side by side, of the unknowns, the residual at θ and that of v.

    A space is (physics, θ, slice of its parameters); ``blocks_of`` gives the rows for a physics.
    """
    columns, residuals = [], []
    for physics, theta, place in spaces:
        iterate = physics.objective(blocks_of(physics)).at(theta)
        if place == physics.residuals.output_parameters:
            chunks = list(iterate.operator.output_chunks(iterate.residual))
        else:
            chunks = [(rows[:, place], None) for _, rows in iterate.operator.rows()]
        columns.append(torch.cat([rows for rows, _ in chunks]))
        residuals.append(iterate.residual)
    # The unknowns move v, whose physics is the second.
    of_unknowns = columns[0].new_empty(len(columns[0]), n_unknowns)
    for number in range(n_unknowns):
        along = torch.zeros_like(theta)
        along[len(theta) - n_unknowns + number] = 1.0
        of_unknowns[:, number] = iterate.operator.apply(along)
    return torch.cat(columns, dim=1), of_unknowns, *residuals


def in_parts(spaces, solution, change, activation):
    """A vector of both spaces in units of the networks, with a change of unknowns or None."""
    parts = solution.split([place.stop - place.start for *_, place in spaces])
    found = []
    for (physics, theta, place), part in zip(spaces, parts, strict=True):
        along = torch.zeros_like(theta)
        along[place] = part
        found.append(physics.residuals.network(along))
    wider, theta, _ = spaces[1]
    return {
        "direction": to_numpy(found[0]),
        "fresh": to_numpy(wider.residuals.network(theta) + found[1]),
        "activation": activation,
        "unknowns": np.zeros(0) if change is None else to_numpy(change),
    }


def _solved(a, b):
    """−A⁺ b; directions that A does not see stay."""
    u, s, vt = torch.linalg.svd(a, full_matrices=False)
    seen = s > torch.finfo(a.dtype).eps * len(a) * s.max().clamp_min(1e-300)
    return -vt[seen].T @ ((u[:, seen].T @ b) / s[seen])


def least_squares(a, b):
    """The x with the smallest squares of b + A x, and these residuals."""
    x = _solved(a, b)
    return x, b + a @ x


def huber(a, b):
    """Huber's M-estimate of x in b + A x, and residuals whose squares tell its covariance.

    The scale is the median of the sizes, in units of a normal distribution's; equations by weights
    that are found again (Huber and Ronchetti, 2009, chapter 7). The residuals are ψ(r / s) s / mean
    ψ′: their mean square is the variance that takes the place of the noise's.
    """
    x, r = least_squares(a, b)
    for _ in range(REWEIGHTED):
        scale = (r.abs().median() / NORMAL_MEDIAN).clamp_min(TINY * r.abs().max()).clamp_min(1e-300)
        root = (TUNING * scale / r.abs().clamp_min(1e-300)).clamp_max(1.0).sqrt()
        x = _solved(a * root.unsqueeze(1), b * root)
        r = b + a @ x
    inside = (r.abs() <= TUNING * scale).to(r.dtype).mean().clamp_min(0.5)
    return x, r.clamp(-TUNING * scale, TUNING * scale) / inside


FITS = {"squared": least_squares, "huber": huber}


def _plateau(fitted, phi, first):
    """The λ from which on its size does not matter, and the size of e there beside that at first.

    Fresh neurons fit what is left of the residuals with large coefficients: with growing λ these
    vanish, and the e that they hide stays. Where there is no such λ it is the first one.
    """
    spectral, sizes = fitted.spectral(), []
    dampings = [first * STEP**k for k in range(STEPS)]
    for damping in dampings:
        solved = spectral.solve(0.0, damping)[:, 0]
        sizes.append(max(float(torch.linalg.vector_norm(phi @ solved)), 1e-300))
    for k in range(STEPS - FLAT + 1):
        some = sizes[k : k + FLAT]
        if max(some) < WITHIN * min(some):
            return dampings[k], sizes[0] / sizes[k]
    return first, 1.0


def largest_singular_value(a):
    """The largest singular value of A and its left vector, by the smaller of the Gram matrices."""
    is_tall = len(a) > a.shape[1]
    squares, vectors = torch.linalg.eigh(a.T @ a if is_tall else a @ a.T)
    size, vector = squares[-1].clamp_min(0.0).sqrt(), vectors[:, -1]
    return float(size), a @ vector / size.clamp_min(1e-300) if is_tall else vector


def confirmed(changes, others):
    """The largest singular value of the changes, beside those of the residuals at more points.

    A narrow neuron between the points of A is free there, whatever the problem determines.

    Parameters
    ----------
    changes, others : torch.Tensor of shape (m, P) and (n, P)
        Changes of the solution, and of the residuals at other points, for directions that change
        those of the first points by one.
    """
    _, s, vt = torch.linalg.svd(changes, full_matrices=False)
    free = s >= UNDETERMINED
    seen = others @ vt[free].T
    at_first = torch.eye(seen.shape[1], dtype=s.dtype, device=s.device)
    upper = torch.linalg.qr(torch.cat([at_first, seen]) / np.sqrt(2.0), mode="r").R
    found = torch.linalg.solve_triangular(upper, torch.diag(s[free]), upper=True, left=False)
    return largest_singular_value(found)[0]


def _are_finite(*tensors):
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _tangent(physics):
    """Which parameters of the network span the tangent space: all, or those of the last layer."""
    model = physics.model
    if isinstance(model, FullyConnected):
        most = MOST_OF_ONE if len(model.layout) == 2 else MOST_OF_SEVERAL
        if model.n_parameters > most:
            return physics.residuals.output_parameters
    return slice(0, model.n_parameters)


def points_for(physics, theta, n, random_state):
    """As those of a fit with n interior ones, half of these where the residual is large.

    The conditions have as many as belong to n: between few of them fresh neurons would be free.
    """
    discretization, n_boundary = physics.discretization, physics.n_boundary("auto", n)
    points = discretization.sample(1, n_boundary, "sobol", random_state)
    X = discretization.adapted(physics.residuals, theta, n, random_state)
    return [([X], None, None), *points[1:]]


def spread_points(physics, n, random_state):
    """As many spread points as those of :func:`points_for`."""
    given = n, physics.n_boundary("auto", n), "sobol", random_state
    return physics.discretization.sample(*given)


def values_of(physics, X, along=()):
    """Blocks of the values of each field at points, or of derivatives in coordinates."""
    fields, unknowns = physics.problem.fields, physics.trial_unknowns()
    given = X, np.zeros((len(X), len(fields))), np.ones(len(X)), 1.0, unknowns
    conditions = None
    if along:
        conditions = [Observed(_derivative(number, along)) for number in range(len(fields))]
    return physics.discretization.observations(*given, conditions)


def _derivative(number, along):
    """What observes a derivative of the field of this number."""
    return Observe(lambda *arguments: arguments[number].d(*along))


def _measurements(physics, rows):
    """Blocks of measurements whose weights have the sum one."""
    given = rows.X, rows.y, rows.weight
    return physics.discretization.measurements(*given, 1.0, physics.trial_unknowns())


def _weights(blocks):
    """Those of their rows, with the mean one."""
    weights = torch.cat([block.row_weights.reshape(-1) for block in blocks])
    return to_numpy(weights * len(weights))


def _free(values, problem, X):
    """What is free, from a change of the solution at points that changes no residual."""
    values = values.reshape(len(problem.fields), len(X))
    norms = np.linalg.norm(values, axis=1)
    number = int(norms.argmax())
    column, field = values[number], problem.fields[number]
    if abs(column.mean()) * np.sqrt(len(column)) > CONSTANT * norms[number]:
        return f"{field} is determined up to a constant"
    place = X[int(np.abs(column).argmax())]
    names = (*problem.domain.names, *problem.inputs)
    where = ", ".join(f"{name} = {x:.3g}" for name, x in zip(names, place, strict=True))
    return f"{field} is free most of all near {where}"
