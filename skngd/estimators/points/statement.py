"""What is said of a problem before it is solved."""

from ...pde.agreement import NO_SOLUTION, contradictions
from ...pde.checks import needs_conditions
from ...pde.initial_values import lacks_its_start
from ...pde.jumps import naive_coefficients
from ..callers import warn


def refuse_untold(problem, y):
    """Refuse unknown coefficients of which neither measurements nor conditions tell anything."""
    if problem.unknowns and y is None and not problem.with_numbers().conditions:
        raise ValueError(
            f"Expected measurements for the unknown coefficients {list(problem.unknowns)}, "
            "fit(X, y), or conditions that determine them, as an eigenvalue; got neither. Give the "
            "coefficients as numbers, or add conditions."
        )


def warn_of_the_problem(problem, y):
    """Say what is wrong with a problem before it is solved.

    Returns
    -------
    has_none, contradicts : bool
        Whether nothing solves it, and whether conditions contradict each other where they meet.
    """
    name = type(problem).__name__
    is_bare = not problem.with_numbers().conditions and y is None
    if is_bare and needs_conditions(problem):
        warn(
            f"{name} has no conditions and no measurements: its solution is not unique, and the "
            "one that comes out depends on random_state. Give it conditions, such as Dirichlet()."
        )
    if y is None and lacks_its_start(problem):
        warn(
            f"{name} says nothing of its solution at the start of t: it is not unique there. Add "
            "Initial(), one for each field, and one for each derivative in t below the highest."
        )
    told = contradictions(problem)
    for sentence in [*told, *naive_coefficients(problem)]:
        warn(sentence)
    return any(NO_SOLUTION in sentence for sentence in told), bool(told)
