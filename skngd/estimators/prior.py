"""Fields that measurements alone determine get a prior, whose weight the evidence chooses.

Where conditions leave a field free and nobody measured it, as the coefficient q(x) of an inverse
problem, the noise of the measurements makes of it what it likes. Rows of smoothness join the
residuals, equation (Prior): √λ ∂²q/∂x_i². On the tangent space equation, conditions and prior say
together what is expected at the measurements, and with which covariance; λ and the noise are those
with which what was measured is most likely.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..optim.stopping import out_of_iterations
from ..pde.residuals.blocks import Collocation
from ..pde.residuals.bound import Stated
from ..pde.smoothness import Smoothness
from .candidates import joined
from .device import to_numpy
from .linearised import values_of

# log10 λ that are tried, the loss of −2 log evidence that a smoother field may have, and a share of
# the evidence that is nothing.
GRID, HARDLY, NEGLIGIBLE = np.arange(-15.0, 0.5, 1.0), 1.0, 1e-6
# What holds directions that neither equations nor the prior determine, beside ‖A‖².
DIFFUSE = 1e-13
# Iterations of each round, and the most rounds.
ITERATIONS, ROUNDS = 30, 8
# The weight of the measurements beside a prior.
MEASUREMENT_WEIGHT = 0.01
# log10 λ of the first round; the points of the prior, and their seed.
FIRST, POINTS, SEED = 0.0, 300, 20241130


def unobserved(problem, y):
    """The fields that nobody measured, a tuple."""
    pairs = zip(problem.fields, y.T, strict=True)
    return tuple(field for field, column in pairs if not np.isfinite(column).any())


def prior_blocks(physics, fields, weight=10.0**FIRST):
    """Rows of smoothness of these fields, with the weight λ."""
    discretization = physics.discretization
    n = max(POINTS, physics.n_interior("few"))
    X = discretization.source.sample(n, "sobol", np.random.RandomState(SEED))
    names = physics.problem.domain.names
    units = dict(zip(names, discretization.units_of_inputs(), strict=False))
    found = []
    for field in fields:
        number = list(physics.problem.fields).index(field)
        condition = Smoothness(field, units, weight)
        stated = Stated(physics.problem, condition)
        block = discretization.compiler.block(stated, [X], None, unknowns=physics.trial_unknowns())
        size = physics.field_sizes[number]
        found.append(block.divided(np.full(block.n_equations, size)))
    return found


@dataclass(frozen=True)
class Posterior:
    """What is known of θ behind a fit with a prior.

    Attributes
    ----------
    factor : torch.Tensor of shape (P, P)
        F with F Fᵀ its covariance around the end of the fit.
    variance : float
        Of a row of the measurements, as they are weighted in the fit.
    n_measured : int
    """

    factor: torch.Tensor
    variance: float
    n_measured: int

    @property
    def noise(self):
        """Standard deviation of a measurement, in units of its field."""
        return float(np.sqrt(self.variance * self.n_measured / MEASUREMENT_WEIGHT))

    def relative(self, physics, theta):
        """Standard deviation of each field, as a part of its size, in their order."""
        X = physics.discretization.source.sample(POINTS, "sobol", np.random.RandomState(SEED))
        iterate = physics.objective(values_of(physics, X)).at(theta)
        rows = torch.cat([rows for _, rows in iterate.operator.rows()])
        n = len(physics.problem.fields)
        spread = torch.linalg.matrix_norm((rows @ self.factor).view(n, len(X), -1))
        return to_numpy(spread / torch.linalg.vector_norm(iterate.residual.view(n, -1), dim=1))


class Evidence:
    """The evidence of λ at one θ, for measurements with an unknown noise.

    Parameters
    ----------
    physics : Physics
    theta : torch.Tensor of shape (P,)
    constraints, smooth, measured : list of Block
        Of equation and conditions, of the prior with λ = 1, and of the measurements.
    """

    def __init__(self, physics, theta, constraints, smooth, measured):
        self.n_parameters = len(theta)
        a, r = _rows(physics, theta, constraints)
        s, p = _rows(physics, theta, smooth)
        b, d = _rows(physics, theta, measured)
        self.n_measured = len(d)
        # A triangle has the same squares as the rows.
        self.constraint, self.prior, self.measured = map(_triangle, (a, s, b), (r, p, d))
        self.diffuse = DIFFUSE * float(torch.linalg.vector_norm(a)) ** 2

    def at(self, log_weight):
        """(−2 log evidence, variance, [R, f]): RᵀR = AᵀA + λ SᵀS + BᵀB, and −R⁻¹ f is the mean."""
        n = self.n_parameters
        rows = torch.cat([self.constraint, 10.0 ** (log_weight / 2) * self.prior])
        diffuse = torch.zeros(n, n + 1, dtype=rows.dtype, device=rows.device)
        diffuse.diagonal().fill_(self.diffuse**0.5)
        triangle = torch.linalg.qr(torch.cat([rows, diffuse]), mode="r")[1]
        both = torch.linalg.qr(torch.cat([triangle[:n], self.measured]), mode="r")[1]
        # Of what was measured, in units of the variance: the squares that it adds to the rest.
        variance = float(both[n:, n].square().sum()) / self.n_measured
        volumes = [one[:n, :n].diagonal().abs().log().sum() for one in (both, triangle)]
        minus = self.n_measured * np.log(max(variance, 1e-300))
        return minus + 2.0 * float(volumes[0] - volumes[1]), variance, both

    def best(self):
        """log10 λ: the largest that is hardly less likely than the most likely one."""
        values = np.array([self.at(x)[0] for x in GRID])
        likely = values <= values.min() + HARDLY
        return float(GRID[np.flatnonzero(likely)[-1]])

    def step(self, log_weight):
        """From θ to where it is expected with this λ."""
        n, triangle = self.n_parameters, self.at(log_weight)[2]
        return -torch.linalg.solve_triangular(triangle[:n, :n], triangle[:n, n:], upper=True)[:, 0]

    def posterior(self):
        """The :class:`Posterior` of θ.

        The weight is not known exactly either: of all weights, each as likely as the evidence says.
        """
        n, found = self.n_parameters, [self.at(x) for x in GRID]
        minus = np.array([one[0] for one in found])
        share = np.exp(-0.5 * (minus - minus.min()))
        share /= share.sum()
        unit = torch.eye(n, dtype=self.prior.dtype, device=self.prior.device)
        columns, steps = [], []
        for part, (_, variance, triangle) in zip(share, found, strict=True):
            if part < NEGLIGIBLE:
                continue
            root, right = triangle[:n, :n], triangle[:n, n:]
            inverse = torch.linalg.solve_triangular(root, torch.cat([unit, right], 1), upper=True)
            columns.append((part * variance) ** 0.5 * inverse[:, :n])
            steps.append((part, -inverse[:, n]))
        # Around θ, which is the mean for one of the weights.
        columns += [part**0.5 * step.unsqueeze(1) for part, step in steps]
        # A triangle with the same covariance.
        factor = torch.linalg.qr(torch.cat(columns, dim=1).T, mode="r")[1].T
        return Posterior(factor, float(share @ [one[1] for one in found]), self.n_measured)


def _rows(physics, theta, blocks):
    """Rows of the Jacobian and the residuals, scaled by the roots of their weights."""
    points = Collocation(blocks)
    record, root = physics.residuals.record(theta, points), points.weights().sqrt()
    return record.jacobian(root.unsqueeze(1)), record.value[:, 0] * root


def _triangle(rows, values):
    block = torch.cat([rows, values.unsqueeze(1)], dim=1)
    return torch.linalg.qr(block, mode="r")[1]


def settled(ground, result, minimized, max_iter):
    """Find λ and θ in turn: the joined result, and the :class:`Evidence` at its end.

    ``minimized(objective, theta, max_iter)`` makes iterations, at most ``max_iter`` in all.
    """
    physics, log_weight = ground.physics, FIRST
    constraints, smooth = ground.points.draw(), prior_blocks(physics, ground.free_fields, 1.0)

    def evidence():
        return Evidence(physics, result.theta, constraints, smooth, ground.measured)

    found = None
    for number in range(ROUNDS):
        now, left = evidence(), max_iter - result.n_iter
        best = now.best()
        likely = now.at(best)[0]
        if number > 1 and likely > found[0] + HARDLY:
            # The network has become one that smoothness is cheap for.
            result.theta, best, now = found[1:]
            break
        if number:
            found = likely, result.theta, best, now
        is_settled = best == log_weight and result.stop != out_of_iterations(ITERATIONS)
        if left < 1 or result.stop.kind == "interrupted" or (is_settled and number):
            break
        # The least weight stands for none.
        fields = () if best == GRID[0] else ground.free_fields
        last = best == log_weight or not fields
        ground.smooth, log_weight = prior_blocks(physics, fields, 10.0**best), best
        made = minimized(
            ground.objective_on(constraints), result.theta, left if last else min(ITERATIONS, left)
        )
        result = joined(result, made)
    if best not in (log_weight, GRID[0]):
        # The weight that is most likely where the fit has ended.
        ground.smooth = prior_blocks(physics, ground.free_fields, 10.0**best)
        objective, moved = ground.objective_on(constraints), result.theta + now.step(best)
        if objective.at(moved).loss < objective.at(result.theta).loss:
            result.theta = moved
    if result.stop.kind == "budget":
        result.stop = out_of_iterations(max_iter)
    return result, evidence()


def told_of_prior(fields):
    """A sentence for ``stop_reason_``."""
    return (
        f" No condition determines {', '.join(fields)}: a prior of smoothness holds it, as far as "
        "the evidence asks for that."
    )
