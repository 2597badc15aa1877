"""How a network sees the points of a problem."""

from typing import NamedTuple

from .circles import periodic_axes
from .holes import ROOM, Hole, holes_of


class View(NamedTuple):
    """What a network sees in the place of coordinates, and beside them.

    Attributes
    ----------
    circles : tuple of int
        Numbers of the coordinates that it sees as cosine and sine.
    holes : tuple of Hole
        Those whose potentials are further inputs.
    """

    circles: tuple[int, ...] = ()
    holes: tuple[Hole, ...] = ()


def view_of(problem, has_holes=False, is_free=False):
    """How a network sees a problem.

    Parameters
    ----------
    problem : Problem
    has_holes : bool, default=False
        Whether it sees the disks and balls that are left out of the domain, all or, if there are
        very many, none.
    is_free : bool, default=False
        As for :func:`periodic_axes`.
    """
    circles, holes = periodic_axes(problem, is_free), ()
    if has_holes:
        # The potentials are not periodic.
        holes = [one for one in holes_of(problem.domain) if not set(one.axes) & set(circles)]
    return View(circles, tuple(holes) if len(holes) <= ROOM else ())
