"""What was measured, where it is not the fields themselves."""

from ..geometry.shown import shown
from .condition import Condition
from .expressions.places import as_tensor, residual_at
from .expressions.quantity import Quantity


class Observe:
    """A column of y in ``fit(X, y)``: a derivative of a field, a flux, a combination.

    Parameters
    ----------
    of : str or callable
        ``"u"``, ``"u.tt"``, or a function of the fields and the coordinates, then of coefficients
        by name, as a residual.
    name : str, default=None
        What messages and frames call the column. None: the word, or ``"observed"``.

    Raises
    ------
    ValueError
        If ``of`` is neither.

    See Also
    --------
    skngd.pde.Unknown : A coefficient that measurements tell.

    Examples
    --------
    An accelerometer and a gauge: y has two columns, NaN where one of them was not read.

    >>> from skngd.pde import Box, Observe, Problem
    >>> class String(Problem):
    ...     domain = Box(t=(0, 1), x=(0, 1))
    ...     observed = ("u", Observe("u.tt"))
    ...
    ...     def residual(self, u, t, x):
    ...         return u.tt - u.xx
    """

    def __init__(self, of, name=None):
        is_word = isinstance(of, str) and all(part.isidentifier() for part in of.split("."))
        if not ((is_word and of.count(".") < 2) or callable(of)):
            raise ValueError(
                f"Expected a field, a derivative such as 'u.tt', or a function of the fields and "
                f"coordinates, got {shown(of)}. Try Observe(lambda u, t, x: 2 * u.x)."
            )
        if name is not None and not isinstance(name, str):
            raise ValueError(
                f"Expected name to be a word or None, got {shown(name)}. Leave it out."
            )
        self.of, self.name = of, name or (of if is_word else "observed")

    def __repr__(self):
        return f"Observe({shown(self.of)}, name={self.name!r})"

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return (self.of, self.name) == (other.of, other.name)

    def __hash__(self):
        return hash((self.of, self.name))

    def fields(self, problem):
        """The fields that it tells of.

        Parameters
        ----------
        problem : Problem
            Whose fields they are.

        Returns
        -------
        fields : tuple of str
            Their names.
        """
        return (self.of.partition(".")[0],) if isinstance(self.of, str) else tuple(problem.fields)

    def at(self, place):
        """The quantity at the points of a place.

        Parameters
        ----------
        place : Place
            The points, and the fields there.

        Returns
        -------
        quantity : Quantity
            What is observed.
        """
        if not isinstance(self.of, str):
            return residual_at(self.of, place, self)
        field, _, derivative = self.of.partition(".")
        if field not in place.fields:
            raise ValueError(
                f"Expected one of the fields {tuple(place.fields)} in {self!r}, got {field!r}. "
                "Change it, such as to Observe('u.x')."
            )
        return getattr(place.fields[field], derivative) if derivative else place.fields[field]


class Observed(Condition):
    """What was observed: its quantity is y_i at x_i."""

    def __init__(self, observe, weight=1.0):
        super().__init__(None, None, weight, f"measurements {observe.name}")
        self.observe = observe

    def equations(self, places):
        (place,) = places
        target = place.target
        return [Quantity(as_tensor(self.observe.at(place), target)) - Quantity(target)]


def observed_of(problem):
    """An :class:`Observe` for each column of y: ``observed`` of the problem, or its fields."""
    given = problem.fields if problem.observed is None else problem.observed
    if not (isinstance(given, tuple | list) and given):
        raise ValueError(
            f"Expected observed of {type(problem).__name__} to be a tuple of Observe or names of "
            f"fields, got {shown(given)}. Give a tuple; one needs a comma: (Observe('u.x'),)."
        )
    found = [one if isinstance(one, Observe) else Observe(one) for one in given]
    for one in found:
        strange = set(one.fields(problem)) - set(problem.fields)
        if strange:
            raise ValueError(
                f"Expected observed of {type(problem).__name__} to tell of the fields "
                f"{tuple(problem.fields)}, got {one!r}. Change it, such as to Observe('u.x')."
            )
    return found
