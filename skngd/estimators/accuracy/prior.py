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

from ...optim.stopping import out_of_iterations
from ...pde.observe import observed_of
from ...pde.residuals.bound import Stated
from ...pde.scales import Scale
from ...pde.smoothness import Smoothness
from ..device import to_numpy
from .error import corrected, wider_at
from .linearised import ROWS_PER_COLUMN, in_parts, points_for, system, values_of

# log10 λ that are tried, the loss of −2 log evidence that a smoother field may have, and a share of
# the evidence that is nothing.
GRID, HARDLY, NEGLIGIBLE = np.arange(-15.0, 0.5, 1.0), 1.0, 0.01
# What holds directions that neither equations nor the prior determine, beside ‖A‖².
DIFFUSE = 1e-13
# Iterations of each round, and the most rounds.
ITERATIONS, ROUNDS = 30, 8
# Fresh neurons, their bandwidth, and points at which the answer and the end are compared.
N_FRESH, BANDWIDTH, N_HELD_OUT = 100, 1.0, 400
# The weight of the measurements beside a prior.
MEASUREMENT_WEIGHT = 0.01
# log10 λ of the first round; the points of the prior, and their seed.
FIRST, POINTS, SEED = 0.0, 400, 20241130


def unobserved(problem, y):
    """The fields that nobody measured, a tuple."""
    pairs = zip(observed_of(problem), y.T, strict=True)
    seen = [one.fields(problem) for one, column in pairs if np.isfinite(column).any()]
    return tuple(field for field in problem.fields if not any(field in told for told in seen))


def prior_blocks(physics, fields, weight=10.0**FIRST, n=POINTS):
    """Rows of smoothness of these fields at n points, with the weight λ."""
    discretization = physics.discretization
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


def scale_blocks(physics, groups):
    """A row for each group of :func:`free_scales`: one of it is as large as it is expected.

    A prior of smoothness would make it zero otherwise, and then the equation says nothing.
    """
    problem, found, held = physics.problem, [], set()
    X = physics.discretization.source.sample(POINTS, "sobol", np.random.RandomState(SEED))
    # The point in the middle of the domain.
    middle = X[[np.linalg.norm((X - X.mean(axis=0)) / np.ptp(X, axis=0), axis=1).argmin()]]
    unknowns = physics.trial_unknowns()
    sizes = dict(zip(problem.fields, physics.field_sizes, strict=True))
    sizes |= {n: float(x) or 1.0 for n, x in zip(problem.unknowns, unknowns, strict=True)}
    for group in groups:
        # An unknown keeps its bounds, and the sign that goes with them.
        name = next(name for name in reversed(group) if name not in held)
        held.add(name)
        stated = Stated(problem, Scale(name, sizes[name]))
        compiler = physics.discretization.compiler
        found.append(compiler.block(stated, [middle], None, unknowns=unknowns))
    return found


@dataclass(frozen=True)
class Posterior:
    """What is known behind a fit with a prior.

    Attributes
    ----------
    factor : torch.Tensor of shape (p, p)
        F with F Fᵀ the covariance on the richer space, around the answer.
    variance : float
        Of a row of the measurements, as they are weighted in the fit.
    evidence : Evidence
    """

    factor: torch.Tensor
    variance: float
    evidence: object

    @property
    def noise(self):
        """Standard deviation of a measurement, in units of its field."""
        return float(np.sqrt(self.variance * self.evidence.n_measured / MEASUREMENT_WEIGHT))

    @property
    def of_unknowns(self):
        """The rows of F that belong to the unknowns, shape (q, p)."""
        return to_numpy(self.factor[len(self.factor) - self.evidence.n_unknowns :])

    def relative(self, physics):
        """Standard deviation of each field, as a part of its size, in their order."""
        X = physics.discretization.source.sample(POINTS, "sobol", np.random.RandomState(SEED))
        rows, values = self.evidence.rows_of(lambda one: values_of(one, X))
        n = len(physics.problem.fields)
        spread = (rows * self.evidence.scale) @ self.factor
        spread = torch.linalg.matrix_norm(spread.view(n, len(X), -1))
        return to_numpy(spread / torch.linalg.vector_norm(values.view(n, -1), dim=1))

    def kept(self, is_open):
        """What predictions need, in NumPy; ``is_open`` says which fields nothing determines."""
        spaces, n = self.evidence.spaces, self.evidence.n_unknowns
        (physics, _, place), (wider, theta, _) = spaces
        m, end = place.stop - place.start, len(self.factor) - n
        direction = self.factor.new_zeros(physics.model.n_parameters + n, self.factor.shape[1])
        direction[place] = self.factor[:m]
        return {
            "direction": physics.in_own_units(direction)[: physics.model.n_parameters],
            "last": to_numpy(self.factor[m:end]),
            "unknowns": self.of_unknowns,
            "fresh": to_numpy(wider.residuals.network(theta)),
            "activation": self.evidence.activation,
            "is_open": np.array(is_open),
        }


class Evidence:
    """The evidence of λ, linearised at one θ, on the tangent space and some fresh neurons.

    The tangent space alone would not do: a network that follows the prior has none in which the
    prior costs anything.

    Parameters
    ----------
    ground : Ground
    theta : torch.Tensor of shape (P,)
    activation : str
        Of the fresh neurons.
    """

    def __init__(self, ground, theta, activation):
        physics, random_state = ground.physics, np.random.RandomState(SEED)
        self.activation, self.n_unknowns = activation, len(physics.problem.unknowns)
        # A network that follows the prior says nothing of bandwidths.
        fresh = N_FRESH, random_state, None, BANDWIDTH
        wider = wider_at(physics, theta, activation, *fresh)
        self.spaces = wider.beside(physics, theta)
        n = ROWS_PER_COLUMN * sum(place.stop - place.start for *_, place in self.spaces)
        points, unknowns = points_for(physics, theta, n, random_state), physics.trial_unknowns()
        self.scale = None
        a, r = self.rows_of(
            lambda one: one.discretization.blocks(points, unknowns) + ground.scales_for(one)
        )
        self.scale = torch.linalg.vector_norm(a, dim=0)
        self.scale[self.scale == 0] = 1.0
        s, p = self.rows_of(lambda one: prior_blocks(one, ground.free_fields, 1.0))
        b, d = self.rows_of(lambda one: ground.measurements_for(one))
        self.n_measured, self.n_parameters = len(d), a.shape[1]
        # A triangle has the same squares as the rows.
        rows = (a / self.scale, s, b), (r, p, d)
        self.constraint, self.prior, self.measured = map(_triangle, *rows)
        self.diffuse = DIFFUSE * self.n_parameters

    def rows_of(self, blocks_of):
        """Columns of both spaces and of the unknowns, in units of the scale; the values of v."""
        columns, of_unknowns, _, values = system(self.spaces, self.n_unknowns, blocks_of)
        rows = torch.cat([columns, of_unknowns], dim=1)
        rows = rows if self.scale is None else rows / self.scale
        # An objective divides its weights by their sum.
        total = sum(block.row_weights.sum() for block in blocks_of(self.spaces[0][0])) ** 0.5
        return total * rows, total * values

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
        """What is added to v for what is expected with this λ."""
        n, triangle = self.n_parameters, self.at(log_weight)[2]
        return -torch.linalg.solve_triangular(triangle[:n, :n], triangle[:n, n:], upper=True)[:, 0]

    def parts(self, step):
        """A step as a correction; see :func:`in_parts`."""
        step, n = step / self.scale, len(step) - self.n_unknowns
        return in_parts(self.spaces, step[:n], step[n:], self.activation)

    def posterior(self, answer):
        """The :class:`Posterior` around v with a step that was added.

        The weight is not known exactly either: of all weights, each as likely as the evidence says.
        """
        n, found = self.n_parameters, [self.at(x) for x in GRID]
        minus = np.array([one[0] for one in found])
        share = np.exp(-0.5 * (minus - minus.min()))
        share /= share.sum()
        unit = torch.eye(n, dtype=self.prior.dtype, device=self.prior.device)
        columns = []
        for part, (_, variance, triangle) in zip(share, found, strict=True):
            if part < NEGLIGIBLE:
                continue
            root, right = triangle[:n, :n], triangle[:n, n:]
            inverse = torch.linalg.solve_triangular(root, torch.cat([unit, right], 1), upper=True)
            columns.append((part * variance) ** 0.5 * inverse[:, :n])
            columns.append(part**0.5 * (-inverse[:, n] - answer).unsqueeze(1))
        # A triangle with the same covariance.
        factor = torch.linalg.qr(torch.cat(columns, dim=1).T, mode="r")[1].T
        factor = factor / self.scale.unsqueeze(1)
        return Posterior(factor, float(share @ [one[1] for one in found]), self)


def _triangle(rows, values):
    block = torch.cat([rows, values.unsqueeze(1)], dim=1)
    return torch.linalg.qr(block, mode="r")[1]


def settled(ground, result, minimized, max_iter, activation):
    """Find λ and θ in turn: the joined result, the :class:`Evidence` at its end, and its λ.

    ``minimized(objective, theta, max_iter)`` makes iterations, at most ``max_iter`` in all.
    """
    physics, log_weight, constraints = ground.physics, FIRST, ground.points.draw()
    for number in range(ROUNDS):
        evidence, left = Evidence(ground, result.theta, activation), max_iter - result.n_iter
        best = evidence.best()
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
        result = made.after(result)
    if result.stop.kind == "budget":
        result.stop = out_of_iterations(max_iter)
    return result, Evidence(ground, result.theta, activation)


def answered(ground, theta, evidence):
    """The step that is added to the end of a fit, in parts or None, and the :class:`Posterior`.

    It is added where it lowers the squares of all residuals, those of the prior included.
    """
    physics, best = ground.physics, evidence.best()
    step, weight = evidence.step(best), 10.0**best
    if best == GRID[0]:
        # The fit had no prior at its end.
        return None, evidence.posterior(torch.zeros_like(step))

    def squares(one, at):
        points = points_for(physics, theta, N_HELD_OUT, np.random.RandomState(SEED + 1))
        blocks = one.discretization.blocks(points, physics.trial_unknowns())
        blocks = blocks + ground.scales_for(one)
        blocks = blocks + prior_blocks(one, ground.free_fields, weight)
        return one.objective(blocks + ground.measurements_for(one)).at(at).loss

    parts = evidence.parts(step)
    network, inner = physics.residuals.network(theta), theta[physics.model.n_parameters :]
    wide, fresh, inner = corrected(physics, network, parts, inner)
    if not squares(wide, wide.residuals.internal(fresh, inner.tolist())) < squares(physics, theta):
        parts, step = None, torch.zeros_like(step)
    return parts, evidence.posterior(step)
