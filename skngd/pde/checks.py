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
from .expressions.places import misplaced
from .expressions.signatures import signature_of
from .problem import FunctionProblem, Problem
from .scales import KIND, Trials, depends_on, refuse_common_factor

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
    names = signature_of(function).positional[: len(wanted)]
    if misplaced(names, wanted, wanted):
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
    leaves = [
        torch.tensor(float(unknown.start), **KIND).requires_grad_()
        for unknown in problem.unknowns.values()
    ]
    tried = Trials(problem)
    found, trials = set(), []
    with torch.enable_grad():
        for stated, trial in tried:
            condition = stated.condition
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
            found |= depends_on(rows, leaves)
            trials.append(trial)
    refuse_common_factor(problem, trials, leaves)
    of_values = set().union(*(ansatz.unknowns for ansatz in tried.compiler.ansatz.values()))
    for number, unknown in enumerate(problem.unknowns):
        if number not in found and unknown not in of_values:
            raise ValueError(
                f"Expected the unknown coefficient {unknown!r} in the equation or in a condition "
                f"of {type(problem).__name__}, got none that changes smoothly with it. Give it as "
                "a number, or use it."
            )


def needs_conditions(problem):
    """Whether the equation differentiates: an integral equation tells its solution alone."""
    trials = Trials(problem)
    trial = trials.of(trials.compiler.equation)
    trial.rows(torch.tensor([float(one.start) for one in problem.unknowns.values()], **KIND))
    return any(index for asked in trial.requested.values() for _, index in asked)
