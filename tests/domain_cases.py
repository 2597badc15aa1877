"""Domains of known measure, for the tests of their points and of their boundary."""

import numpy as np
import pytest

from skngd.geometry.ball import Ball
from skngd.geometry.box import Box, Interval
from skngd.geometry.points import Points
from skngd.geometry.sampling import SAMPLERS
from skngd.geometry.shapes import Disk, Polygon

PI = np.pi
SQUARE = Box(x=(0, 1), y=(0, 1))
TRIANGLE = Polygon([(0, 0), (3, 0), (0, 4)])
ARROW = Polygon([(0, 0), (2, -1), (1, 0), (2, 1)], names=("y", "z"), face="edge")

# name: domain, |Ω|, |∂Ω| (all faces), relative accuracy of the two
CASES = {
    "interval": (Interval(-1, 2), 3, 2, 1e-14),
    "rectangle": (Box(x=(0, 2), y=(-1, 0)), 2, 6, 1e-14),
    "long times": (Box(t=(0, 1e6), x=(0, 1e-3)), 1e3, 2e6 + 2e-3, 1e-14),
    "far away": (Box(x=(1e6, 1e6 + 1), y=(0, 1)), 1, 4, 1e-14),
    "cuboid": (Box(x=(0, 1), y=(0, 2), z=(0, 3)), 6, 22, 1e-14),
    "5-D": (Box(**{f"x{k}": (0, 1) for k in range(5)}), 1, 10, 1e-14),
    "disk": (Disk((1, -2), 3), 9 * PI, 6 * PI, 1e-14),
    "ball": (Ball((1, -2, 0), 3), 36 * PI, 36 * PI, 1e-14),
    "4-D ball in time": (
        Box(t=(0, 2)) * Ball((0,) * 4, 1, ("a", "b", "c", "d")),
        PI**2,
        2 * 2 * PI**2 + PI**2,
        1e-14,
    ),
    "triangle": (TRIANGLE, 6, 12, 1e-14),
    "arrow": (ARROW, 1, 2 * 5**0.5 + 2 * 2**0.5, 1e-14),
    "plate with a hole": (
        Box(x=(-1, 1), y=(-1, 1)) - Disk(radius=0.5),
        4 - PI / 4,
        8 + PI,
        1e-14,
    ),
    "L": (
        Box(x=(0, 2), y=(0, 2)) - Box(x=(1, 2), y=(1, 2), face="notch"),
        3,
        8,
        1e-14,
    ),
    "L as a union": (
        Box(x=(0, 2), y=(0, 1)) | Box(x=(0, 1), y=(1, 2), face="upper"),
        3,
        8,
        1e-14,
    ),
    "square cut by a disk": (SQUARE - Disk(radius=0.75), 1 - PI * 9 / 64, 2.5 + PI * 3 / 8, 1e-3),
    "half disk": (
        Disk() - Box(x=(-2, 2), y=(-2, 0), face="cut"),
        PI / 2,
        PI + 2,
        1e-3,
    ),
    "two disks": (Disk() | Disk((3, 0), face="right"), 2 * PI, 4 * PI, 1e-14),
    "lens shape": (
        Disk(face="left") | Disk((1, 0), face="right"),
        2 * PI - (2 * PI / 3 - 3**0.5 / 2),
        2 * (2 * PI - 2 * PI / 3),
        1e-3,
    ),
    "two intervals": (Interval(0, 3) - Interval(1, 2, face="gap"), 2, 4, 1e-14),
    "cylinder": (Box(t=(0, 2)) * Disk(), 2 * PI, 2 * PI + 4 * PI, 1e-14),
    "prism": (TRIANGLE * Interval(0, 2, "z"), 12, 24 + 12, 1e-14),
    "pipe": (
        Box(t=(0, 1)) * (Disk(radius=2) - Disk(radius=1, face="inner")),
        3 * PI,
        6 * PI + 6 * PI,
        1e-14,
    ),
}
DOMAINS = {name: case[0] for name, case in CASES.items()}
CLOUD = Points(
    [[0.1, 0.2], [0.5, 0.9]],
    names=("t", "x"),
    boundary={"x.min": [[0, 0], [1, 0]], "t.min": ([[0, 0.5]], [[-2, 0]])},
)
every_domain = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
every_value = pytest.mark.parametrize("domain", [*DOMAINS.values(), CLOUD], ids=[*DOMAINS, "cloud"])
every_sampler = pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "gauss"])


def sizes(domain):
    return np.ptp(domain.bounds, axis=1)
