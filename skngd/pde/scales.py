"""Of which fields and unknown coefficients an equation determines a multiple only."""

from itertools import product

import numpy as np
import torch

from .condition import Condition
from .residuals.bound import ranges_of
from .residuals.compile import Compiler
from .residuals.recording import Recording

# A factor by which unknowns are multiplied, and divided, for trial: whatever the units are, terms
# without them are what is left, and then what is lost.
SCALED = 1e-20
# Points of each condition at which it is tried.
N_TRIAL_POINTS = 4
# The most fields and unknowns of which groups are tried.
MOST = 5
KIND = {"dtype": torch.float64, "device": "cpu"}


class Scale(Condition):
    """A field of which only a multiple is determined is as large as it is expected, at one point.

    Or an unknown is what it is guessed to be, in its own unbounded parameter.

    Parameters
    ----------
    name : str
        Of the field or of the unknown.
    size : float
    """

    def __init__(self, name, size):
        super().__init__(name=f"scale {name}")
        self.of, self.size = name, size

    def equations(self, places):
        (place,) = places
        if self.of in place.fields:
            return [place.fields[self.of] / self.size - 1.0]
        return [place.problem.coefficients_by_name()[self.of] / self.size - 1.0]


class Trials:
    """The equation and the conditions of a problem that are not hard, to be called for trial."""

    def __init__(self, problem):
        self.problem, self.compiler = problem, Compiler(problem, None, None, KIND)
        self.random_state = np.random.RandomState(0)

    def __iter__(self):
        for stated in (self.compiler.equation, *self.compiler.conditions):
            if not stated.condition.hard or stated.condition.winds:
                yield stated, self.of(stated)

    def of(self, stated):
        """A :class:`Recording` of one of them at some points."""
        given = N_TRIAL_POINTS, "sobol", self.random_state
        sites, normals = stated.condition.sites(self.problem.domain, *given)
        sites = [self._with_inputs(site[:N_TRIAL_POINTS]) for site in sites]
        normals = None if normals is None else normals[:N_TRIAL_POINTS]
        return Recording(self.compiler.bound(stated, sites, normals))

    def _with_inputs(self, points):
        low, high = ranges_of(self.problem)[len(self.problem.domain.names) :].T
        columns = self.random_state.uniform(low, high, (len(points), len(low)))
        return np.hstack([points, columns])

    def starts(self):
        """First guesses of the unknowns, one where they are zero."""
        return [
            torch.tensor(float(unknown.start) or 1.0, dtype=torch.float64)
            for unknown in self.problem.unknowns.values()
        ]


def free_scales(problem, fields):
    """Groups of fields and unknowns that may be multiplied by any number.

    As k in (k u′)′ = 0, or a and f in u″ + a f = 0, one of which is divided.

    Parameters
    ----------
    problem : Problem
    fields : tuple of str
        Those that may be multiplied.

    Returns
    -------
    groups : list of tuple of str
        No group can be made of the others.
    """
    conditions, names = problem.with_numbers().conditions, (*fields, *problem.unknowns)
    hard = (one for one in conditions if one.hard and not one.winds)
    if not fields or len(names) > MOST or any(one.field in (None, *fields) for one in hard):
        return []
    trials, found = Trials(problem), []
    recorded, plain = [trial for _, trial in trials], trials.starts()
    chosen = [np.array(powers) for powers in product((0, 1, -1), repeat=len(names))]
    chosen = [one for one in chosen if one.any() and one[one != 0][0] > 0]
    for powers in sorted(chosen, key=np.count_nonzero):
        if not powers[: len(fields)].any():
            continue
        independent = np.linalg.matrix_rank(np.array([*found, powers])) > len(found)
        if independent and _may_be_scaled(recorded, plain, fields, powers):
            found.append(powers)
    return [tuple(np.array(names)[powers != 0].tolist()) for powers in found]


def _may_be_scaled(trials, plain, fields, powers):
    """Whether fields and unknowns times powers of any number solve the same problem."""
    for by in (SCALED, 1 / SCALED):
        of_fields = {name: by ** int(p) for name, p in zip(fields, powers, strict=False)}
        pairs = zip(plain, powers[len(fields) :], strict=True)
        scaled = [value * by ** int(p) for value, p in pairs]
        if not all(is_multiplied(trial, plain, scaled, of_fields) for trial in trials):
            return False
    return True


def refuse_common_factor(problem, trials, leaves):
    """Refuse unknowns by whose common factor each row is multiplied, or stays as it is."""
    hard = any(c.hard and not c.winds for c in problem.with_numbers().conditions)
    if not leaves or hard:
        return
    names, plain, groups = list(problem.unknowns), Trials(problem).starts(), set()
    with torch.enable_grad():
        for trial in trials:
            for row in trial.rows(leaves):
                groups.add(frozenset(depends_on([row], leaves)))
    for group in sorted(filter(None, groups), key=len, reverse=True):
        tried = [
            [value * by if number in group else value for number, value in enumerate(plain)]
            for by in (SCALED, 1 / SCALED)
        ]
        if all(is_multiplied(trial, plain, other) for trial in trials for other in tried):
            told = ", ".join(names[number] for number in sorted(group))
            raise ValueError(
                f"Expected an equation or condition of {type(problem).__name__} that determines "
                f"{told}, got only terms that contain {'it' if len(group) == 1 else 'them'}: "
                "multiplied by any number the unknown coefficients solve the same problem. Give "
                "one of them as a number, or divide the equation by it."
            )


def is_multiplied(trial, plain, scaled, of_fields=None):
    """Whether other unknowns, and fields times numbers, only multiply each row by a number."""
    pairs, of_fields = [], of_fields or {}
    for _ in range(2):
        # Other derivatives of the fields.
        trial.jets = {}
        with torch.no_grad():
            before = trial.rows(plain)
            jets = trial.jets
            trial.jets = {key: of_fields.get(key[1], 1.0) * jet for key, jet in jets.items()}
            rows = before, trial.rows(scaled)
        pairs.append([[torch.as_tensor(_number(row)).reshape(-1) for row in of] for of in rows])
    for number in range(len(pairs[0][0])):
        before, after = (torch.cat([pair[which][number] for pair in pairs]) for which in (0, 1))
        factor = (after @ before) / (before @ before) if bool(before.any()) else before.new_ones(())
        if not torch.allclose(after, factor * before, rtol=1e-9, atol=0.0):
            return False
    return True


def _number(row):
    return getattr(row, "tensor", row)


def depends_on(rows, leaves):
    """The numbers of the leaves that rows depend on."""
    tensors = [getattr(row, "tensor", None) for row in rows]
    sums = [tensor.sum() for tensor in tensors if tensor is not None and tensor.requires_grad]
    if not (sums and leaves):
        return set()
    gradients = torch.autograd.grad(sum(sums), leaves, allow_unused=True, retain_graph=True)
    return {number for number, gradient in enumerate(gradients) if gradient is not None}
