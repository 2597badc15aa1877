"""Public paths of version 0.1 lead to the same objects."""

from importlib import import_module

import pytest

PATHS = {
    "skngd.pde.domains": ("skngd.geometry", ["Box", "Interval", "Points"]),
    "skngd.pde.shapes": ("skngd.geometry", ["Disk", "Polygon"]),
    "skngd.pde.operations": ("skngd.geometry", ["Difference", "Product", "Shape", "Union"]),
    "skngd.pde.regions": ("skngd.geometry", ["Domain"]),
    "skngd.pde.samplers": (
        "skngd.geometry.sampling",
        ["choose_by_residual", "gauss_rule", "unit_points"],
    ),
    "skngd.pde.quantity": ("skngd.pde.expressions.quantity", ["Field", "Quantity"]),
    "skngd.pde.zoo": ("skngd.problems.zoo", ["Burgers", "Heat", "KnownProblem", "Laplace2D"]),
    "skngd.pde.solutions": ("skngd.problems.solutions", ["burgers", "heat", "laplace_sines"]),
}


@pytest.mark.parametrize("former", PATHS)
def test_former_path(former):
    path, names = PATHS[former]
    for name in names:
        assert getattr(import_module(former), name) is getattr(import_module(path), name)


def test_patches_and_problems_from_the_package():
    from skngd.geometry.patch import Patch
    from skngd.pde import samplers, solutions, zoo

    assert samplers.Patch is Patch
    assert zoo.Heat is import_module("skngd.problems.zoo").Heat
    assert solutions.heat is import_module("skngd.problems.solutions").heat
