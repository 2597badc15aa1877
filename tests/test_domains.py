"""Points lie inside and are spread evenly; domains are values that do not change."""

import pickle
from copy import copy, deepcopy

import numpy as np
import pytest
from domain_cases import (
    CLOUD,
    PI,
    SQUARE,
    TRIANGLE,
    every_domain,
    every_sampler,
    every_value,
    sizes,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import qmc

from skngd import geometry
from skngd.geometry.box import Box, Interval
from skngd.geometry.combinations import Difference, Product, Union
from skngd.geometry.points import Points
from skngd.geometry.shapes import Disk, Polygon

# inside


@every_domain
@every_sampler
@pytest.mark.parametrize("n", [1, 50, 300])
def test_points_lie_inside(domain, sampler, n):
    points = domain.sample(n, sampler, random_state=0)
    assert points.shape[1] == len(domain.names)
    assert len(points) == n or (sampler == "grid" and 1 <= len(points) <= n)
    assert domain.contains(points, tol=0).all()
    assert (points > domain.bounds[:, 0]).all()
    assert (points < domain.bounds[:, 1]).all()


@every_domain
def test_points_are_spread_evenly(domain):
    # each half of the bounding box gets its share of the points, that of independent points
    middle = domain.bounds.mean(axis=1)
    even = np.mean(domain.sample(2000, "sobol", 0) > middle, axis=0)
    independent = np.mean(domain.sample(20000, "uniform", 1) > middle, axis=0)
    assert_allclose(even, independent, atol=0.02)


def test_points_of_a_disk_keep_a_low_discrepancy():
    # r² and the angle of even points in a disk are even points of a square
    def discrepancy(sampler, seed):
        x, y = Disk().sample(256, sampler, seed).T
        return qmc.discrepancy(np.stack([x**2 + y**2, np.arctan2(y, x) / (2 * PI) + 0.5], axis=1))

    for seed in range(5):
        assert discrepancy("sobol", seed) < discrepancy("uniform", seed) / 2


@every_domain
def test_a_random_state_is_advanced_and_a_seed_repeats(domain):
    random_state = np.random.RandomState(0)
    draws = [domain.sample(50, random_state=random_state) for _ in range(2)]
    assert not np.isin(draws[1], draws[0]).any()
    assert_array_equal(domain.sample(50, random_state=0), draws[0])
    again = [domain.boundary(50, random_state=0)[0] for _ in range(2)]
    assert_array_equal(*again)


def test_grid_of_784_is_the_inside_of_a_grid_of_30_by_30():
    inner = np.linspace(0, 1, 30)[1:-1]
    expected = np.stack(np.meshgrid(inner, inner, indexing="ij"), axis=-1).reshape(-1, 2)
    assert_allclose(SQUARE.sample(784, "grid"), expected, atol=1e-15)
    assert_allclose(SQUARE.sample((28, 28), "grid"), expected, atol=1e-15)
    assert SQUARE.sample((4, 7), "grid").shape == (28, 2)


def test_grid_of_a_disk_is_the_finest_that_fits():
    points = Disk().sample(300, "grid")
    assert 250 < len(points) <= 300
    spacing = np.diff(np.unique(points[:, 0].round(12)))
    assert_allclose(spacing, spacing[0])


def test_grid_reaches_into_a_thin_region():
    ring = Disk() - Disk(radius=0.99, face="inner")
    assert len(ring.sample(1, "grid")) == 1


def test_gauss_points_of_an_interval():
    points, _ = np.polynomial.legendre.leggauss(7)
    assert_allclose(Interval(0, 2).sample(7, "gauss")[:, 0], 1 + points, atol=1e-14)


def test_contains_is_closed_and_relative_to_the_size():
    for size in (1e-6, 1, 1e6):
        box = Box(x=(0, size), y=(0, 1))
        X = [[0, 0], [size, 1], [-1e-11 * size, 0.5], [1e-7 * -size, 0.5], [np.nan, 0.5]]
        assert_array_equal(box.contains(X), [True, True, True, False, False])
        assert_array_equal(box.contains([[0, 0.5], [size / 2, 0.5]], tol=-1e-6), [False, True])


@every_domain
def test_contains_matches_the_measure(domain):
    d = len(domain.names)
    U = qmc.Sobol(d, seed=0).random_base2(13)
    share = domain.contains(domain.bounds[:, 0] + U * sizes(domain)).mean()
    assert_allclose(share * sizes(domain).prod(), domain.measure, rtol=0.02)


# values


@every_value
def test_description_pickle_and_copy_give_an_equal_domain(domain):
    pickled = pickle.loads(pickle.dumps(domain))
    for again in (eval(repr(domain), vars(geometry)), pickled, copy(domain), deepcopy(domain)):
        assert again == domain
        assert hash(again) == hash(domain)
        assert again.faces == domain.faces
        assert again.measure == domain.measure
        assert_array_equal(again.bounds, domain.bounds)
        assert_array_equal(again.sample(5, random_state=0), domain.sample(5, random_state=0))


@every_value
def test_domains_do_not_change(domain):
    with pytest.raises(AttributeError, match=r"does not change.*Make a new one"):
        domain.names = ("a",)
    with pytest.raises(AttributeError, match="does not change"):
        del domain.names
    with pytest.raises(ValueError, match="read-only"):
        domain.bounds[0, 0] = 7


def test_operators_make_the_combinations():
    disk = Disk(radius=0.5)
    assert SQUARE - disk == Difference(SQUARE, disk)
    assert SQUARE | disk == Union(SQUARE, disk)
    assert Box(t=(0, 1)) * disk == Product(Box(t=(0, 1)), disk)


def test_what_is_equal():
    assert Interval(0, 1) == Box(x=(0, 1)) == Box(x=[0.0, 1.0]) == Box(x=np.array([0, 1]))
    assert Box(t=(0, 1)) * Box(x=(0, 2)) == Box(t=(0, 1), x=(0, 2))
    assert Polygon([(0, 0), (3, 0), (0, 4), (0, 0)]) == TRIANGLE
    different = [
        SQUARE,
        Box(y=(0, 1), x=(0, 1)),
        Box(x=(0, 1), y=(0, 2)),
        Box(x=(0, 1), y=(0, 1), face="wall"),
        Disk(),
        Disk(radius=2),
        SQUARE - Disk(),
        Disk() - SQUARE,
        Disk() | SQUARE,
        "SQUARE",
    ]
    for i, one in enumerate(different):
        for other in different[i + 1 :]:
            assert one != other


# the user's own points


def test_own_points_come_back_as_they_are():
    for n in (1, 2, 1000):
        assert_array_equal(CLOUD.sample(n, "sobol", 0), [[0.1, 0.2], [0.5, 0.9]])
    points, normals, faces = CLOUD.boundary(1000, ("t", "x"))
    assert_array_equal(points, [[0, 0], [1, 0], [0, 0.5]])
    assert_array_equal(normals, [[np.nan] * 2, [np.nan] * 2, [-1, 0]])
    assert_array_equal(faces, ["x.min", "x.min", "t.min"])
    assert_array_equal(CLOUD.boundary(1)[2], ["x.min"] * 2)
    assert_array_equal(CLOUD.boundary(1, "t")[1], [[-1, 0]])


def test_own_points_know_their_bounding_box():
    assert_array_equal(CLOUD.bounds, [[0, 1], [0, 0.9]])
    assert CLOUD.measure == 0.9
    assert_array_equal(CLOUD.contains([[0.9, 0.9], [0.9, 1]]), [True, False])


def test_own_points_are_copied():
    X = np.random.default_rng(0).random((5, 2))
    cloud = Points(X, names=("x", "y"))
    before = X.copy()
    X[:] = 0
    cloud.sample(1)[:] = 0
    assert_array_equal(cloud.sample(1), before)


# Products with points


ANGLES = np.linspace(0, 2 * np.pi, 12, endpoint=False)
RIM = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
RIMMED = Points(0.8 * RIM, ("x", "y"), boundary={"wall": (RIM, RIM), "bare": 0.9 * RIM})


@pytest.mark.parametrize(
    ("domain", "columns"),
    [(Box(t=(0, 2)) * RIMMED, [1, 2]), (RIMMED * Box(t=(0, 2)), [0, 1])],
    ids=["time first", "points first"],
)
def test_product_with_points(domain, columns):
    X = domain.sample(200, random_state=0)
    assert X.shape == (200, 3)
    assert domain.contains(X).all()
    found = {tuple(row) for row in X[:, columns].round(9)}
    assert found == {tuple(row) for row in (0.8 * RIM).round(9)}
    time = np.delete(X, columns, axis=1)
    assert_allclose(time.mean(), 1.0, atol=0.05)
    assert set(domain.faces) == {"t", "t.min", "t.max", "wall", "bare"}
    points, normals, faces = domain.boundary(60, "wall", random_state=0)
    assert_allclose(normals[:, columns], points[:, columns])
    assert_allclose(np.delete(normals, columns, axis=1), 0)
    assert set(faces) == {"wall"}
    assert np.isnan(domain.boundary(60, "bare")[1][:, columns]).all()
    start = domain.boundary(60, "t.min", random_state=0)[0]
    assert {tuple(row) for row in start[:, columns].round(9)} <= found


def test_what_a_product_with_points_refuses():
    domain = Box(t=(0, 2)) * RIMMED
    with pytest.raises(ValueError, match="a measure"):
        domain.boundary_measure("wall")
    with pytest.raises(ValueError, match="on no grid"):
        domain.sample(10, "grid")
    many = Points(np.random.RandomState(0).rand(1500, 3), ("x", "y", "z"))
    with pytest.raises(ValueError, match="products only") as caught:
        Box(x=(0, 1), y=(0, 1), z=(0, 1)) - many
    assert len(str(caught.value)) < 400
    assert len(repr(Box(t=(0, 1)) * many)) < 400
