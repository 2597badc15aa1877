"""Checks of a problem before it is solved."""

import inspect
from keyword import iskeyword

import numpy as np
import torch

from ..geometry.domain import Domain
from ..geometry.shown import shown
from .coefficients import Input, Unknown
from .condition import Condition
from .conditions import Equation, Interior
from .problem import FunctionProblem, Problem
from .residuals.bound import ranges_of
from .residuals.compile import Compiler
from .residuals.recording import Recording

# Points of each condition at which it is tried.
N_TRIAL_POINTS = 4
# A factor by which unknowns are multiplied, and divided, for trial: whatever the units are, terms
# without them are what is left, and then what is lost.
SCALED = 1e-20
# Columns of history_ that the solver fills.
COLUMNS = (
    *("start", "time", "loss", "monitored_loss", "equation", "step_size", "beta", "damping"),
    *("n_trials", "rank", "condition", "kept"),
)


def check_problem(problem):
    """Refuse what is not a problem, or does not fit together: TypeError or ValueError."""
    if isinstance(problem, type) or not isinstance(problem, Problem):
        called = f" Call it: {problem.__name__}()." if isinstance(problem, type) else ""
        raise TypeError(
            "Expected problem to be an instance of a class derived from skngd.pde.Problem, got "
            f"{shown(problem)}.{called or ' Use Problem.from_function for a function.'}"
        )
    name = type(problem).__name__
    if not isinstance(problem.domain, Domain):
        raise ValueError(
            f"Expected {name}.domain to be a domain such as Box(t=(0, 1), x=(-1, 1)), got "
            f"{shown(problem.domain)}. Set it as a class attribute or a property."
        )
    _check_fields(problem.fields, problem.domain.names, name)
    clash = set(problem.inputs) & {*problem.domain.names, *problem.fields}
    if clash:
        raise ValueError(
            f"Expected coefficients of {name} with other names than its coordinates and fields, "
            f"got {sorted(clash)} twice. Give one of the two another name."
        )
    _check_conditions(problem, name)
    _check_arguments(problem, name)
    _check_columns(problem, name)
    _check_contents(problem)


def _check_fields(fields, coordinates, name):
    if (
        not isinstance(fields, (tuple, list))
        or not fields
        or not all(isinstance(field, str) for field in fields)
        or len(set(fields)) != len(fields)
    ):
        raise ValueError(
            f"Expected {name}.fields to be a tuple of different names such as ('u', 'v'), got "
            f"{shown(fields)}. Give one name for each component of the solution."
        )
    for field in fields:
        if field in coordinates:
            raise ValueError(
                f"Expected {name}.fields with other names than the coordinates "
                f"{tuple(coordinates)}, got {field!r} in {tuple(fields)}. Change one of the two, "
                "such as fields = ('w',)."
            )
        if not field.isidentifier() or iskeyword(field):
            raise ValueError(
                f"Expected names of fields that can be arguments of a function, got {field!r} in "
                f"{name}.fields. Try 'u'."
            )
    if "tensor" in coordinates:
        raise ValueError(
            f"Expected names of coordinates of {name} that are not taken, as 'tensor' is: "
            f"{fields[0]}.tensor is no derivative, got {tuple(coordinates)}. Change it."
        )


def _check_conditions(problem, name):
    conditions = problem.with_numbers().conditions
    wanted = (
        f"Expected {name}.conditions to be a tuple of Condition, such as (Dirichlet(0.0),), got"
    )
    if not isinstance(conditions, (tuple, list)):
        raise ValueError(
            f"{wanted} {shown(conditions)}. Give () for none; one needs a comma: (..., )."
        )
    for condition in conditions:
        if isinstance(condition, type):
            raise ValueError(
                f"{wanted} the class {condition.__name__}. Call it: {condition.__name__}(...)."
            )
        if not isinstance(condition, Condition):
            raise ValueError(
                f"{wanted} {shown(condition)} in it. Use Dirichlet, Initial or another."
            )
        condition.check_field(problem.fields)
        for what, value in vars(condition).items():
            if isinstance(value, (Unknown, Input)):
                raise ValueError(
                    f"Expected numbers or functions in {condition!r} of {name}, got {what}="
                    f"{value!r}. Make it a coefficient: an argument of {name}.__init__, stored as "
                    f"self.C, and here a function that takes it, such as {what}=lambda x, C: C."
                )


def _check_arguments(problem, name):
    fields, coordinates = list(problem.fields), list(problem.domain.names)
    wanted, given, function = [*fields, *coordinates], {}, problem.residual
    if isinstance(problem, FunctionProblem):
        given, function = problem.coefficients_by_name(), problem.function
    sentence = (
        f"Expected {name}.residual to take the fields and the coordinates, ({', '.join(wanted)})"
        f"{f', and then the coefficients {tuple(given)}' if given else ''}, got"
    )
    try:
        signature = inspect.signature(function)
        signature.bind(*wanted, **given)
    except TypeError as error:
        raise ValueError(f"{sentence} another signature: {error}. Change its arguments.") from error
    except ValueError:  # a function of another language does not tell
        return
    names = list(signature.parameters)[: len(wanted)]
    for part in (slice(None), slice(len(fields)), slice(len(fields), None)):
        if names[part] != wanted[part] and sorted(names[part]) == sorted(wanted[part]):
            raise ValueError(
                f"{sentence} them in the order ({', '.join(names)}). They come in the order of "
                "fields and of the domain, whatever they are called: change one of the two."
            )


def _check_columns(problem, name):
    for condition in problem.with_numbers().conditions:
        if condition.name in COLUMNS and not isinstance(condition, Interior):
            raise ValueError(
                f"Expected another name of a condition of {name} than the columns {COLUMNS} of "
                f"history_, got name={condition.name!r}. Change it."
            )
    labels = [condition.label() for condition in problem.with_numbers().conditions]
    # An unknown that is called beta, as rates are, takes the place of the momentum's column.
    taken = [column for column in (*COLUMNS, *labels) if column != "beta"]
    for unknown in problem.unknowns:
        if unknown in taken:
            raise ValueError(
                f"Expected another name of an unknown coefficient of {name} than the columns of "
                f"history_, {tuple(taken)}, got {unknown!r}. Change it."
            )


def _check_contents(problem):
    """Refuse equations without fields, and unknowns that occur nowhere."""
    kind = {"dtype": torch.float64, "device": "cpu"}
    compiler = Compiler(problem, None, None, kind)
    leaves = [
        torch.tensor(float(unknown.start), **kind).requires_grad_()
        for unknown in problem.unknowns.values()
    ]
    random_state = np.random.RandomState(0)
    found, trials = set(), []
    with torch.enable_grad():
        for stated in (compiler.equation, *compiler.conditions):
            condition = stated.condition
            if condition.hard and not condition.winds:
                continue
            sites, normals = condition.sites(problem.domain, N_TRIAL_POINTS, "sobol", random_state)
            sites = [_with_inputs(problem, site[:N_TRIAL_POINTS], random_state) for site in sites]
            normals = None if normals is None else normals[:N_TRIAL_POINTS]
            trial = Recording(compiler.bound(stated, sites, normals))
            try:
                rows = trial.rows(leaves)
            except ValueError:  # said where the number of points is the one that is asked for
                return
            has_array = any(isinstance(row, np.ndarray) and row.ndim for row in rows)
            has_field = has_array or any(trial.requested.values())
            if isinstance(condition, Equation) and not has_field:
                raise ValueError(
                    f"Expected {stated.name()} to contain one of the fields "
                    f"{tuple(problem.fields)} or its derivatives, got none. Check its arguments, "
                    f"which are ({', '.join((*problem.fields, *problem.domain.names))}) in this "
                    "order."
                )
            found |= _depends_on(rows, leaves)
            trials.append((trial, rows))
    _refuse_common_factor(problem, [trial for trial, _ in trials], leaves)
    of_values = set().union(*(ansatz.unknowns for ansatz in compiler.ansatz.values()))
    for number, unknown in enumerate(problem.unknowns):
        if number not in found and unknown not in of_values:
            raise ValueError(
                f"Expected the unknown coefficient {unknown!r} in the equation or in a condition "
                f"of {type(problem).__name__}, got none that changes smoothly with it. Give it as "
                "a number, or use it."
            )


def needs_conditions(problem):
    """Whether the equation differentiates: an integral equation tells its solution alone."""
    requested = asked_of(problem)[0].values()
    return any(index for asked in requested for _, index in asked)


def asked_of(problem):
    """What the equation, and then each condition, ask for: see ``requested`` of Recording."""
    compiler = Compiler(problem, None, None, {"dtype": torch.float64, "device": "cpu"})
    starts = [float(unknown.start) for unknown in problem.unknowns.values()]
    random_state, found = np.random.RandomState(0), []
    for stated in (compiler.equation, *compiler.conditions):
        sites, normals = stated.condition.sites(
            problem.domain, N_TRIAL_POINTS, "sobol", random_state
        )
        sites = [_with_inputs(problem, site[:N_TRIAL_POINTS], random_state) for site in sites]
        normals = None if normals is None else normals[:N_TRIAL_POINTS]
        trial = Recording(compiler.bound(stated, sites, normals))
        trial.rows(torch.tensor(starts, dtype=torch.float64))
        found.append(trial.requested)
    return found


def _refuse_common_factor(problem, trials, leaves):
    """Refuse unknowns by whose common factor each row is multiplied, or stays as it is."""
    hard = any(c.hard and not c.winds for c in problem.with_numbers().conditions)
    if not leaves or hard:
        return
    names, starts = list(problem.unknowns), [float(leaf.detach()) or 1.0 for leaf in leaves]
    plain, groups = [torch.tensor(start, dtype=torch.float64) for start in starts], set()
    with torch.enable_grad():
        for trial in trials:
            for row in trial.rows(leaves):
                groups.add(frozenset(_depends_on([row], leaves)))
    for group in sorted(filter(None, groups), key=len, reverse=True):
        tried = [
            [value * by if number in group else value for number, value in enumerate(plain)]
            for by in (SCALED, 1 / SCALED)
        ]
        if all(_is_multiplied(trial, plain, other) for trial in trials for other in tried):
            told = ", ".join(names[number] for number in sorted(group))
            raise ValueError(
                f"Expected an equation or condition of {type(problem).__name__} that determines "
                f"{told}, got only terms that contain {'it' if len(group) == 1 else 'them'}: "
                "multiplied by any number the unknown coefficients solve the same problem. Give "
                "one of them as a number, or divide the equation by it."
            )


def _is_multiplied(trial, plain, scaled):
    """Whether other unknowns only multiply each row of a condition by a number."""
    pairs = []
    for _ in range(2):
        # Other derivatives of the fields.
        trial.jets = {}
        with torch.no_grad():
            rows = [trial.rows(values) for values in (plain, scaled)]
        pairs.append([[torch.as_tensor(_number(row)).reshape(-1) for row in of] for of in rows])
    for number in range(len(pairs[0][0])):
        before, after = (torch.cat([pair[which][number] for pair in pairs]) for which in (0, 1))
        factor = (after @ before) / (before @ before) if bool(before.any()) else before.new_ones(())
        if not torch.allclose(after, factor * before, rtol=1e-9, atol=0.0):
            return False
    return True


def _number(row):
    return getattr(row, "tensor", row)


def _with_inputs(problem, points, random_state):
    low, high = ranges_of(problem)[len(problem.domain.names) :].T
    columns = random_state.uniform(low, high, (len(points), len(low)))
    return np.hstack([points, columns])


def _depends_on(rows, leaves):
    """The numbers of the leaves that rows depend on."""
    tensors = [getattr(row, "tensor", None) for row in rows]
    sums = [tensor.sum() for tensor in tensors if tensor is not None and tensor.requires_grad]
    if not (sums and leaves):
        return set()
    gradients = torch.autograd.grad(sum(sums), leaves, allow_unused=True)
    return {number for number, gradient in enumerate(gradients) if gradient is not None}
