"""Domains that cannot be, and questions that have no answer, are refused with advice."""

import numpy as np
import pytest
from domain_cases import CLOUD, DOMAINS, PI, SQUARE
from messages import assert_advises

from skngd.geometry.ball import Ball
from skngd.geometry.box import Box, Interval
from skngd.geometry.combinations import Product
from skngd.geometry.points import Points
from skngd.geometry.shapes import Disk, Polygon

PENTAGRAM = [(np.cos(a), np.sin(a)) for a in 4 * PI / 5 * np.arange(5)]


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: Box(), "at least one coordinate", "got none"),
        (lambda: Box(x=(1, 0)), "low < high for x", r"got \(1, 0\)"),
        (lambda: Box(x=(1, 1)), "low < high for x", r"got \(1, 1\)"),
        (lambda: Box(x=(0, np.inf)), "two finite numbers .* for x", "inf"),
        (lambda: Box(x=(np.nan, 1)), "two finite numbers .* for x", "nan"),
        (lambda: Box(x=(-1e308, 1e308)), "two finite numbers", "1e"),
        (lambda: Box(x=1), "two finite numbers", "got 1"),
        (lambda: Box(x=(0, 1, 2)), "two finite numbers", r"got \(0, 1, 2\)"),
        (lambda: Box(x="ab"), "two finite numbers", "got 'ab'"),
        (lambda: Box(**{"x y": (0, 1)}), "arguments of a function", "got 'x y'"),
        (lambda: Box(**{"lambda": (0, 1)}), "arguments of a function", "got 'lambda'"),
        (lambda: Box(x=(0, 1), face=(0, 1)), "face, the name of the", r"got \(0, 1\)"),
        (lambda: Interval(1, 0), "low < high for x", r"got \(1, 0\)"),
        (lambda: Interval(0, 1, 3), "arguments of a function", "got 3"),
        (lambda: Disk(radius=0), "positive radius", "got 0"),
        (lambda: Disk(radius=np.inf), "finite radius", "got inf"),
        (lambda: Disk(center=(0, 0, 0)), "finite center", r"got \(0, 0, 0\)"),
        (lambda: Disk(center=None), "finite center", "got None"),
        (lambda: Disk(names=("x", "x")), "2 different names", r"got \('x', 'x'\)"),
        (lambda: Disk(names="x"), "2 different names", r"got \('x',\)"),
        (lambda: Disk(face=None), "face, the name of the boundary", "got None"),
        (lambda: Polygon([(0, 0), (1, 0)]), "at least 3 vertices", "got 2"),
        (lambda: Polygon([(0, 0), (1, 0), (0, 0)]), "at least 3 vertices", "got 2"),
        (lambda: Polygon([(0, 0), (1, 1), (2, 2)]), "with an area", "area 0"),
        (lambda: Polygon([(0, 0), (1, 0), (1, 0), (0, 1)]), "vertices that differ", r"\[1.0, 0.0"),
        (lambda: Polygon([(0, 0), (1, np.nan), (0, 1)]), "finite vertices", "nan"),
        (lambda: Polygon([0, 1, 2]), "finite vertices", r"\[0, 1, 2\]"),
        (lambda: Polygon(PENTAGRAM), "sides do not cross", "meets side"),
        (lambda: Polygon([(0, 0), (2, 0), (2, 2), (1, 0), (0, 2)]), "do not cross", "meets side"),
        (lambda: SQUARE - Disk(radius=9), "leaves something of the first", "covers Box"),
        (lambda: Disk() - Disk(face="same"), "leaves something of the first", "covers Disk"),
        (lambda: Disk() - Disk(radius=0.5), "names of their own", r"\['boundary'\] twice"),
        (lambda: SQUARE | Box(x=(1, 2), y=(0, 1)), "names of their own", "'x.min'"),
        (lambda: Disk() * Disk(names=("z", "w")), "names of their own", "'boundary'"),
        (lambda: SQUARE * Disk(), "different coordinates", r"\['x', 'y'\] in both"),
        (lambda: SQUARE - Disk(names=("y", "x")), "the same order", r"\('y', 'x'\)"),
        (lambda: Box(t=(0, 1)) - Disk(), "the same coordinates", r"\('t',\)"),
        (lambda: SQUARE | CLOUD, "domains such as Box", "Points"),
        (lambda: Product(SQUARE, 3), "domains such as Box", "got 3"),
        (lambda: Points([0.1, 0.2], "x"), r"shape \(n, d\) for X", r"shape \(2,\)"),
        (lambda: Points([], "x"), r"shape \(n, d\) for X", r"shape \(0,\)"),
        (lambda: Ball((0,)), "two or more coordinates", r"got \[0.0\]"),
        (lambda: Ball((0, 0, 0), 0), "positive radius", "got 0"),
        (lambda: Ball((0,) * 4), "4 different names", r"got \('x', 'y', 'z'\)"),
        (lambda: Points([[0, 1]], "x"), "2 different names", r"got \('x',\)"),
        (lambda: Points([[np.inf], [1]], "x"), "finite numbers for X", "in row 0"),
        (lambda: Points([[1], [1]], "x"), "differ in each coordinate", "only x = 1"),
        (
            lambda: Points([[0], [1]], "x", {"wall": [0, 1]}),
            r"shape \(n, 1\) for face 'wall'",
            r"shape \(2,\)",
        ),
        (
            lambda: Points([[0], [1]], "x", {"wall": ([[0], [1]], [[1], [0]])}),
            "normal other than 0",
            "got 1 for 2 points",
        ),
        (
            lambda: Points([[0], [1]], "x", {"wall": ([[0], [1]], [[1]])}),
            "normal other than 0",
            "got 1 for 2 points",
        ),
    ],
)
def test_constructors_refuse(make, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        make()
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize(
    ("ask", "expected", "came"),
    [
        (lambda: SQUARE.sample(0), "at least 1", "got 0"),
        (lambda: SQUARE.boundary(-1), "at least 1", "got -1"),
        (lambda: Interval().boundary(0), "at least 1", "got 0"),
        (lambda: SQUARE.pairs(0, "x"), "at least 1", "got 0"),
        (lambda: SQUARE.sample(9, "random"), "sampler to be one of", "got 'random'"),
        (lambda: Interval().boundary(9, sampler="random"), "sampler to be", "got 'random'"),
        (lambda: SQUARE.sample(9, "gauss"), "one dimension", "got 2"),
        (lambda: SQUARE.sample((3, 3)), "a number for sampler='sobol'", r"got \(3, 3\)"),
        (lambda: Disk().sample((3, 3, 3), "grid"), "each of the 2 directions", r"\(3, 3, 3\)"),
        (lambda: DOMAINS["pipe"].sample((1, 1, 1), "grid"), "points inside", r"none .*\(1, 1, 1\)"),
        (lambda: DOMAINS["two intervals"].sample(9, "gauss"), "undivided interval", "cut out"),
        (lambda: SQUARE.boundary(9, "z"), r"faces .* 'x.min'", "got 'z'"),
        (lambda: SQUARE.boundary(9, ("x", "t")), "faces", r"got \('x', 't'\)"),
        (lambda: SQUARE.boundary(9, ()), "faces", r"got \(\)"),
        (lambda: SQUARE.boundary(9, 3), "faces", "got 3"),
        (lambda: SQUARE.boundary_measure("z"), "faces", "got 'z'"),
        (lambda: SQUARE.pairs(9, "z"), "on to be a coordinate", "got 'z'"),
        (lambda: SQUARE.pairs(9, "x.min"), "on to be a coordinate", "got 'x.min'"),
        (lambda: Disk().pairs(9, "x"), "a Box, or a product with one", "got Disk"),
        (lambda: (Box(t=(0, 1)) * Disk()).pairs(9, "x"), "product with one", "got Disk"),
        (lambda: (SQUARE - Disk(radius=0.5)).pairs(9, "x"), "product with one", "Difference"),
        (lambda: SQUARE.contains([0.5, 0.5]), r"shape \(n, 2\)", r"shape \(2,\)"),
        (lambda: SQUARE.contains([[0.5]]), r"columns \('x', 'y'\)", r"shape \(1, 1\)"),
        (lambda: CLOUD.boundary_measure(), "faces have a measure", "got Points"),
        (lambda: CLOUD.quadrature(), "quadrature weights", "got Points"),
        (lambda: SQUARE.quadrature(over="z"), "over to name coordinates", "got 'z'"),
        (lambda: SQUARE.quadrature(0), "at least 1", "got 0"),
        (lambda: Disk().quadrature(over="x"), r"over to name all of \('x', 'y'\)", r"\('x',\)"),
        (lambda: (Disk() | Box(x=(0, 2), y=(0, 2), face="w")).distance([[0, 0]]), "dist", "Union"),
        (lambda: CLOUD.distance([[0, 0]], "x.min"), "smooth distance", "got 'x.min'"),
        (lambda: CLOUD.boundary(9, "y"), "faces", "got 'y'"),
        (lambda: CLOUD.pairs(9, "x"), "a Box", "got Points"),
        (lambda: Points([[0], [1]], "x").boundary(9), "points on the boundary", "got none"),
    ],
)
def test_questions_are_refused(ask, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        ask()
    assert_advises(caught.value, expected, came)


def test_only_domains_combine():
    for operation in ("__sub__", "__or__", "__mul__"):
        assert getattr(SQUARE, operation)(3) is NotImplemented
