"""Normals point outward, measures are exact, faces share points by measure, pairs are opposite."""

import numpy as np
import pytest
from domain_cases import CASES, DOMAINS, PI, SQUARE, TRIANGLE, every_domain, every_sampler, sizes
from numpy.testing import assert_allclose, assert_array_equal

from skngd.geometry.ball import Ball
from skngd.geometry.box import Box, Interval
from skngd.geometry.shapes import Disk, Polygon


def at_vertices(domain, points):
    """A normal at a corner of a polygon is that of one of its sides, and means little."""
    if not isinstance(domain, Polygon):
        return np.zeros(len(points), bool)
    gaps = points[:, np.newaxis] - np.array(domain.vertices)
    return np.linalg.norm(gaps, axis=2).min(axis=1) < 1e-9


# boundary


@pytest.mark.parametrize(("domain", "volume", "area", "rtol"), CASES.values(), ids=CASES)
def test_measures(domain, volume, area, rtol):
    assert_allclose(domain.measure, volume, rtol=rtol)
    assert_allclose(domain.boundary_measure(domain.faces), area, rtol=rtol)


@every_domain
@every_sampler
def test_normals_are_unit_vectors_that_point_outward(domain, sampler):
    points, normals, faces = domain.boundary(200, domain.faces, sampler, random_state=0)
    assert points.shape == normals.shape == (len(faces), len(domain.names))
    assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-14)
    assert domain.contains(points).all()
    step = 1e-6 * sizes(domain) * normals
    smooth = ~at_vertices(domain, points)
    assert domain.contains((points - step)[smooth]).all()
    assert not domain.contains((points + step)[smooth]).any()


@every_domain
def test_divergence_theorem(domain):
    # |Ω| = ∮ x_k n_k for each coordinate: points, normals and measures belong together
    n = 2000
    points, normals, faces = domain.boundary(n, domain.faces, "sobol", random_state=0)
    center = domain.bounds.mean(axis=1)
    integral = np.zeros(len(domain.names))
    for face in np.unique(faces):
        rows = faces == face
        mean = ((points - center) * normals)[rows].mean(axis=0)
        integral += domain.boundary_measure(str(face)) * mean
    assert_allclose(integral, domain.measure, rtol=0.02)


@every_domain
@pytest.mark.parametrize("sampler", ["uniform", "sobol", "latin"])
def test_faces_share_points_by_measure(domain, sampler):
    n = 500
    points, _, faces = domain.boundary(n, domain.faces, sampler, random_state=0)
    if len(domain.names) == 1:
        assert len(points) == len(np.unique(points)) == domain.boundary_measure()
        return
    assert len(points) == n
    total = domain.boundary_measure(domain.faces)
    for face in np.unique(faces):
        share = n * domain.boundary_measure(str(face)) / total
        assert abs(np.sum(faces == face) - share) <= max(1, len(np.unique(faces)) - 1)


@every_domain
def test_a_name_stands_for_the_faces_that_begin_with_it(domain):
    for face in domain.faces:
        found = np.unique(domain.boundary(40, face, random_state=0)[2])
        expected = [f for f in domain.faces if f.startswith(f"{face}.")] or [face]
        assert sorted(found) == sorted(expected)


def test_time_is_no_boundary_unless_there_is_nothing_else():
    assert set(Box(t=(0, 1), x=(0, 1)).boundary(20)[2]) == {"x.min", "x.max"}
    assert set((Box(t=(0, 1)) * Disk()).boundary(20)[2]) == {"boundary"}
    assert set(Interval(0, 1, "t").boundary(20)[2]) == {"t.min", "t.max"}
    assert Box(t=(0, 1), x=(0, 2)).boundary_measure() == 2


def test_ends_of_an_interval_are_there_once():
    points, normals, faces = Interval(0, 2).boundary(1000)
    assert_array_equal(points, [[0], [2]])
    assert_array_equal(normals, [[-1], [1]])
    assert_array_equal(faces, ["x.min", "x.max"])
    assert_array_equal(Interval(0, 2).boundary(5, "x.max", "gauss")[0], [[2]])


def test_perimeter_of_a_square_is_that_of_the_grid_with_its_corners_once():
    points, normals, faces = SQUARE.boundary(116, sampler="grid")
    line = np.linspace(0, 1, 30)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    rim = grid[np.any((grid == 0) | (grid == 1), axis=1)]
    assert len(rim) == 116
    assert_allclose(
        points[np.lexsort(points.round(9).T)], rim[np.lexsort(rim.round(9).T)], atol=1e-14
    )
    assert_array_equal(np.unique(faces, return_counts=True)[1], [29] * 4)
    assert_array_equal(normals[(points == [0.0, 1.0]).all(axis=1)], [[-1, 0]])


@pytest.mark.parametrize("domain", [Box(x=(0, 3), y=(0, 1)), Disk(), TRIANGLE])
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_grid_around_a_domain_has_equal_distances(domain, n):
    points, _, _ = domain.boundary(n, sampler="grid")
    assert len(np.unique(points.round(9), axis=0)) == n
    if n == 60:
        gaps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
        at_most = domain.boundary_measure() / n * (1 + 1e-12)
        assert gaps.max() <= at_most
        assert np.isclose(gaps, gaps.max(), rtol=1e-9).sum() >= 57


def test_grid_on_one_side_has_both_ends():
    points, _, _ = Box(t=(0, 1), x=(-1, 1)).boundary(5, "t.min", "grid")
    assert_allclose(points, [[0, -1], [0, -0.5], [0, 0], [0, 0.5], [0, 1]])
    assert_allclose(SQUARE.boundary(1, "x.min", "grid")[0], [[0, 0.5]])


def test_grid_on_a_surface():
    points, _, faces = Box(x=(0, 1), y=(0, 1), z=(0, 1)).boundary(6 * 16, sampler="grid")
    assert_array_equal(np.unique(faces, return_counts=True)[1], [16] * 6)
    assert len(np.unique(points, axis=0)) == 96


def test_every_face_gets_a_point_if_there_are_enough():
    box = Box(x=(0, 1), y=(0, 1e-6))
    assert len(set(box.boundary(4)[2])) == 4
    assert set(box.boundary(2)[2]) == {"y.min", "y.max"}


def test_walls_between_two_parts_are_no_boundary():
    joined = Interval(0, 1) | Interval(1, 3, face="right")
    assert_array_equal(np.sort(joined.boundary(9)[0], axis=0), [[0], [3]])
    upper = DOMAINS["L as a union"].boundary(500, "upper", random_state=0)[0]
    assert (upper[:, 1] > 1).all()
    assert_allclose(DOMAINS["L as a union"].boundary_measure("upper"), 3)


def test_faces_that_are_cut_away_are_gone():
    half = Box(x=(0, 2), y=(0, 1)) - Box(x=(1, 3), y=(-1, 2), face="cut")
    assert "x.max" not in half.faces
    assert_allclose(half.boundary_measure("cut"), 1, rtol=1e-3)
    points, normals, _ = half.boundary(10, "cut", random_state=0)
    assert_allclose(points[:, 0], 1)
    assert_allclose(normals, [[1, 0]] * 10)


def test_a_hole_smaller_than_the_step_to_its_side_would_be_is_found():
    plate = Box(x=(0, 1e3), y=(0, 1e3)) - Disk((1, 1), 1e-3, face="hole")
    points, normals, _ = plate.boundary(50, "hole")
    assert_allclose(normals, -(points - 1) / 1e-3, atol=1e-9)


def test_combinations_combine():
    ring = Disk(radius=2) - Disk(radius=1, face="inner")
    cut = ring - Box(x=(0, 3), y=(-3, 3), face="cut")
    assert_allclose(cut.measure, 3 * PI / 2, rtol=1e-3)
    assert_allclose([cut.boundary_measure(f) for f in cut.faces], [2 * PI, PI, 2], rtol=1e-3)
    assert cut.sample(100, random_state=0)[:, 0].max() < 0


# pairs


@pytest.mark.parametrize(
    ("domain", "on"),
    [
        (Box(t=(0, 1), x=(-1, 1)), "x"),
        (Box(x=(0, 1), y=(0, 2), z=(0, 3)), "y"),
        (Box(t=(0, 1)) * Box(x=(-1, 1)), "x"),
        (Disk() * Interval(0, 5, "z"), "z"),
        (Interval(0, 5, "z") * TRIANGLE, "z"),
    ],
    ids=repr,
)
@every_sampler
def test_pairs_differ_in_one_coordinate_only(domain, on, sampler):
    low, high = domain.pairs(40, on, sampler, random_state=0)
    k = domain.names.index(on)
    assert len(low) == len(high) <= 40
    assert len(low) == 40 or sampler == "grid"
    assert_array_equal(low[:, k], domain.bounds[k, 0])
    assert_array_equal(high[:, k], domain.bounds[k, 1])
    assert_array_equal(np.delete(low, k, axis=1), np.delete(high, k, axis=1))
    assert domain.contains(low).all()


def test_pairs_of_an_interval():
    low, high = Interval(0, 2).pairs(10, "x")
    assert (low.tolist(), high.tolist()) == ([[0]], [[2]])


# distance and quadrature


HEIGHTS = {
    **{name: DOMAINS[name] for name in ("rectangle", "disk", "ball", "triangle", "pipe", "arrow")},
    "L": DOMAINS["L"],
    "polygon of many sides": Polygon(
        [(np.cos(a), np.sin(a)) for a in np.linspace(0, 6, 40, endpoint=False)]
    ),
    "bar": Box(x=(0, 1), y=(0, 3), face="edge"),
    "box in a cube": Box(x=(-1, 1), y=(-1, 1), z=(-1, 1))
    - Box(x=(0, 0.5), y=(0, 0.5), z=(0, 0.5), face="hole"),
    "ball in a cube": Box(x=(-2, 2), y=(-2, 2), z=(-2, 2)) - Ball(face="hole"),
    "triangular hole": Disk(radius=5) - Polygon([(0, 0), (1, 0), (0, 1)], face="hole"),
}


@pytest.mark.parametrize("domain", HEIGHTS.values(), ids=HEIGHTS)
def test_distance_vanishes_on_its_face_alone_and_grows_inward(domain):
    inside = domain.sample(500, random_state=0)
    for face in domain.face_names():
        points, normals, _ = domain.boundary(50, face, random_state=0)
        assert_allclose(domain.distance(points, face), 0, atol=1e-12)
        assert (domain.distance(inside, face) > 0).all()
        size = sizes(domain).min()
        slope = domain.distance(points - 1e-6 * size * normals, face) / 1e-6
        smooth = ~at_vertices(domain, points)
        assert (slope[smooth] > 0.01).all()


def monomial(X, powers):
    return np.prod(X**powers, axis=1)


@pytest.mark.parametrize(
    ("name", "rtol"),
    [(name, 1e-12) for name in ("rectangle", "cuboid", "disk", "ball", "triangle", "cylinder")]
    + [("4-D ball in time", 1e-12), ("L", 2e-3), ("arrow", 2e-3), ("5-D", 2e-3)],
)
def test_quadrature_is_exact_for_polynomials(name, rtol):
    # against the mean on many even points, and the same rule with more points
    domain, n = DOMAINS[name], 6 if "4-D" in name else None
    X, weights = domain.quadrature(n)
    assert domain.contains(X).all()
    assert_allclose(weights.sum(), domain.measure, rtol=1e-12)
    powers = 2 + np.arange(len(domain.names)) % 2
    even = domain.sample(2**13, random_state=1)
    expected = domain.measure * monomial(even, powers).mean()
    scale = domain.measure * np.abs(monomial(even, powers)).mean()
    assert abs(weights @ monomial(X, powers) - expected) <= 0.05 * scale
    if rtol < 1e-6:
        finer, of_finer = domain.quadrature(n + 2 if n else 11)
        again = of_finer @ monomial(finer, powers)
        assert_allclose(weights @ monomial(X, powers), again, rtol=rtol, atol=1e-13 * scale)


def test_known_integrals():
    X, weights = Disk((1, 2), 3).quadrature()
    # ∫ x² = |Ω| (c² + R²/4) in a disk, |Ω| (c² + R²/5) in a ball
    assert_allclose(weights @ X**2, 9 * PI * (np.array([1, 4]) + 9 / 4), rtol=1e-13)
    X, weights = Ball((1, 2, 0), 3).quadrature()
    assert_allclose(weights @ X**2, 36 * PI * (np.array([1, 4, 0]) + 9 / 5), rtol=1e-13)
    X, weights = TRIANGLE.quadrature()
    assert_allclose(weights @ X, [6 * 1, 6 * 4 / 3], rtol=1e-13)
    pipe = Box(t=(0, 1), s=(0, 3)) * Disk()
    assert_allclose(pipe.quadrature(over=("s", "t"))[1].sum(), 3, rtol=1e-13)
    X, weights = pipe.quadrature(5, over=("y", "x", "s"))
    assert X.shape == (5 * 50, 3)
    assert_allclose(weights @ (X[:, 0] * X[:, 1] ** 2), 4.5 * PI / 4, rtol=1e-13)
