"""Points of the unit cube, Gauss points, and points where a residual is."""

import numpy as np
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import qmc

from skngd.geometry.sampling import (
    SAMPLERS,
    as_generator,
    choose_by_residual,
    gauss_rule,
    unit_points,
)

RANDOM = [name for name in SAMPLERS if name not in ("grid", "gauss")]
every_random_sampler = pytest.mark.parametrize("sampler", RANDOM)


@every_random_sampler
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 7, 100])
def test_points_lie_in_the_unit_cube(sampler, d, n):
    points = unit_points(n, d, sampler, 0)
    assert points.shape == (n, d)
    assert points.min() >= 0
    assert points.max() <= 1


@every_random_sampler
def test_the_same_seed_gives_the_same_points(sampler):
    first = unit_points(50, 2, sampler, 3)
    assert_array_equal(unit_points(50, 2, sampler, 3), first)
    assert_array_equal(unit_points(50, 2, sampler, np.random.RandomState(3)), first)
    assert not np.isin(unit_points(50, 2, sampler, 4), first).any()


@every_random_sampler
@pytest.mark.parametrize("source", [np.random.RandomState, np.random.default_rng])
def test_one_source_gives_other_points_in_each_call(sampler, source):
    random_state = source(0)
    first, second = (unit_points(50, 2, sampler, random_state) for _ in range(2))
    assert not np.isin(second, first).any()


@every_random_sampler
def test_numpys_global_state_is_left_alone(sampler):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (unit_points(50, 2, sampler, None) for _ in range(2))
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert not np.isin(second, first).any()


def test_even_points_have_a_lower_discrepancy_than_independent_ones():
    for seed in range(5):
        uniform, sobol, latin = (
            qmc.discrepancy(unit_points(200, 2, sampler, seed))
            for sampler in ("uniform", "sobol", "latin")
        )
        assert sobol < uniform / 5
        assert latin < uniform


@pytest.mark.filterwarnings("error")
def test_sobol_points_of_any_number_begin_the_same_sequence():
    longer = unit_points(200, 3, "sobol", 0)
    for n in (1, 2, 100, 128, 199):
        assert_array_equal(unit_points(n, 3, "sobol", 0), longer[:n])


def test_latin_hypercube_has_one_point_in_each_slice():
    points = unit_points(20, 3, "latin", 0)
    assert_array_equal(np.sort(np.floor(20 * points), axis=0).T, [np.arange(20)] * 3)


def test_grid_is_the_inside_of_a_grid_with_the_boundary():
    inner = np.linspace(0, 1, 30)[1:-1]
    expected = np.stack(np.meshgrid(inner, inner, indexing="ij"), axis=-1).reshape(-1, 2)
    assert_allclose(unit_points(784, 2, "grid"), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("n", "d", "expected"),
    [(1, 3, 1), (124, 3, 64), (125, 3, 125), (10**6, 3, 10**6), ((2, 5), 2, 10), (7, 1, 7)],
)
def test_grid_has_as_many_points_as_fit(n, d, expected):
    assert unit_points(n, d, "grid").shape == (expected, d)


# Gauss points


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_gauss_rule_is_exact_to_degree_2n_minus_1(n):
    points, weights = gauss_rule(n, -0.5, 1.5)
    for degree in range(2 * n):
        exact = (1.5 ** (degree + 1) - (-0.5) ** (degree + 1)) / (degree + 1)
        assert_allclose(weights @ points**degree, exact, rtol=1e-12)
    degree = 2 * n
    exact = (1.5 ** (degree + 1) + 0.5 ** (degree + 1)) / (degree + 1)
    assert abs(weights @ points**degree - exact) > 1e-10 * exact


def test_gauss_points_are_those_of_the_rule():
    assert_array_equal(unit_points(9, 1, "gauss")[:, 0], gauss_rule(9)[0])
    assert (np.diff(gauss_rule(50)[0]) > 0).all()


# residual-adaptive points

CANDIDATES = np.random.default_rng(0).random((4000, 2))
AT_THE_LEFT = np.where(CANDIDATES[:, 0] < 0.25, 5.0, 1.0)


def share_at_the_left(points):
    return np.mean(points[:, 0] < 0.25)


def test_points_are_drawn_from_the_candidates_without_replacement():
    points = choose_by_residual(CANDIDATES, AT_THE_LEFT, 0, 1000)
    assert points.shape == (1000, 2)
    assert len(np.unique(points, axis=0)) == 1000
    assert np.isin(points[:, 0], CANDIDATES[:, 0]).all()


@pytest.mark.parametrize(("power", "offset"), [(1, 0), (1, 1), (2, 0), (0, 0), (0.5, 3)])
def test_density_is_that_of_the_residual(power, offset):
    # few of many candidates, so that none is missed for having been drawn already
    density = AT_THE_LEFT**power / np.mean(AT_THE_LEFT**power) + offset
    expected = density[CANDIDATES[:, 0] < 0.25].sum() / density.sum()
    random_state = np.random.RandomState(0)
    shares = [
        share_at_the_left(
            choose_by_residual(CANDIDATES, -AT_THE_LEFT, random_state, 20, power, offset)
        )
        for _ in range(400)
    ]
    assert_allclose(np.mean(shares), expected, atol=4 * np.std(shares) / 20)


def test_a_residual_of_zero_spreads_the_points_evenly():
    for size in (np.zeros(4000), np.full(4000, 1e-300), np.full(4000, 1e300)):
        points = choose_by_residual(CANDIDATES, size, 0, 1000, power=3)
        assert_allclose(share_at_the_left(points), 0.25, atol=0.05)


def test_without_offset_places_without_residual_are_left_out():
    size = np.where(CANDIDATES[:, 0] < 0.25, 1.0, 0.0)
    assert share_at_the_left(choose_by_residual(CANDIDATES, size, 0, 500, offset=0)) == 1
    assert len(choose_by_residual(CANDIDATES, size, 0, 4000, offset=0)) == 4000


def test_adaptive_points_differ_from_draw_to_draw():
    random_state = np.random.RandomState(0)
    first, second = (
        choose_by_residual(CANDIDATES, AT_THE_LEFT, random_state, 100) for _ in range(2)
    )
    assert np.isin(second[:, 0], first[:, 0]).mean() < 0.2
    assert_array_equal(choose_by_residual(CANDIDATES, AT_THE_LEFT, 0, 100), first)


# bad input


@pytest.mark.parametrize(
    ("arguments", "expected", "came"),
    [
        ((10, 2, "halton"), "one of 'grid', 'uniform', 'sobol', 'latin', 'gauss'", "got 'halton'"),
        ((0, 2, "sobol"), "whole number of at least 1", "got 0"),
        ((2.5, 2, "grid"), "whole number of at least 1", "got 2.5"),
        ((True, 2, "uniform"), "whole number of at least 1", "got True"),
        (((3, 3), 2, "sobol"), "a number for sampler='sobol'", r"got \(3, 3\)"),
        (((3, 3, 3), 2, "grid"), "each of the 2 directions", r"got \(3, 3, 3\)"),
        (((3, 0), 2, "grid"), "whole number of at least 1", "got 0"),
        ((10, 2, "gauss"), "one dimension for sampler='gauss'", "got 2"),
        ((10, 2, "sobol", "seed"), "random_state to be None", "got 'seed'"),
        ((10, 2, "sobol", -1), "random_state to be None", "got -1"),
    ],
)
def test_unit_points_refuses(arguments, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        unit_points(*arguments)
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize("limits", [(1, 0), (0, 0), (0, np.inf), (np.nan, 1)])
def test_gauss_rule_refuses(limits):
    with pytest.raises(ValueError, match="Expected") as caught:
        gauss_rule(3, *limits)
    assert_advises(caught.value, "finite low < high", f"got low={limits[0]}, high={limits[1]}")


@pytest.mark.parametrize(
    ("size", "options", "expected", "came"),
    [
        (np.ones(3), {"n": 2}, "one residual for each candidate", r"shape \(3,\)"),
        (np.ones((4, 2)), {"n": 2}, "one residual for each candidate", r"shape \(4, 2\)"),
        (np.ones(4), {"n": 5}, "at least n=5 candidates", "got 4"),
        (np.ones(4), {"n": 0}, "whole number of at least 1", "got 0"),
        ([1, np.nan, 1, 1], {"n": 2}, "finite residuals", r"at \[1.0, 1.0\]"),
        (np.ones(4), {"n": 2, "power": -1}, "at least 0", "power=-1"),
        (np.ones(4), {"n": 2, "offset": np.nan}, "at least 0", "offset=nan"),
    ],
)
def test_choose_by_residual_refuses(size, options, expected, came):
    candidates = np.arange(4.0)[:, np.newaxis] * [1, 1]
    with pytest.raises(ValueError, match="Expected") as caught:
        choose_by_residual(candidates, size, 0, **options)
    assert_advises(caught.value, expected, came)


def test_a_generator_passes_as_it_is():
    generator = np.random.default_rng(0)
    assert as_generator(generator) is generator
