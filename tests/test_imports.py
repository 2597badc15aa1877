"""What imports what: arrows point one way, and an import has no effects."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import skngd

PACKAGE = Path(skngd.__file__).parent
FILES = {
    ".".join(("skngd", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# Each folder imports only what stands to its left. Nothing imports the problems.
ORDER = [
    {"models", "losses", "geometry"},
    {"tangent"},
    {"optim"},
    {"pde"},
    {"problems", "estimators"},
    {"inspection", "forecast"},
    {"skngd"},
]
# Forecasts take the rows of a series from there; otherwise it stands by itself.
APART = "datasets"
# Paths of version 0.1 that still lead to what they led to.
FORMER = {name for name, path in FILES.items() if "in version 0.1" in path.read_text()}
LONGEST = 350


@cache
def tree_of(name):
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


@cache
def imported_modules(name):
    """(module, what is taken from it) of each import statement, all absolute."""
    package = name.split(".")[:-1]
    found = []
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            found.extend((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.extend((module, alias.name) for alias in node.names)
    return found


@cache
def imported_files(name):
    """The files of skngd that a file imports."""
    found = set()
    for module, taken in imported_modules(name):
        for candidate in (f"{module}.{taken}", f"{module}.{taken}.__init__", module):
            if candidate in FILES or f"{candidate}.__init__" in FILES:
                found.add(candidate if candidate in FILES else f"{candidate}.__init__")
                break
    return found


def folder(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 2 else "skngd"


def place(folder):
    return next(i for i, folders in enumerate(ORDER) if folder in folders)


every_file = pytest.mark.parametrize("name", FILES)


@every_file
def test_arrows_point_one_way(name):
    origin = folder(name)
    for target in imported_files(name):
        if folder(target) == origin or name in FORMER:
            continue
        assert origin != APART, f"{name} imports {target}"
        if folder(target) == APART:
            assert origin == "forecast", f"{name} imports {target}"
            continue
        assert place(folder(target)) < place(origin), f"{name} imports {target}"


@every_file
def test_the_engine_does_not_know_scikit_learn(name):
    if folder(name) in ("models", "losses", "tangent", "optim"):
        roots = {module.split(".")[0] for module, _ in imported_modules(name)}
        assert "sklearn" not in roots


def inner_folder(name):
    """The folder inside a folder that a file is in, or itself where it is in none."""
    parts = name.split(".")
    return ".".join(parts[:3]) if len(parts) > 3 else name


@pytest.mark.parametrize("of", [str, inner_folder], ids=["files", "folders"])
def test_none_import_each_other_in_a_circle(of):
    arrows = {of(name): set() for name in FILES}
    for name in FILES:
        arrows[of(name)] |= {of(target) for target in imported_files(name)} - {of(name)}
    while free := {name for name, targets in arrows.items() if not targets & arrows.keys()}:
        arrows = {name: targets for name, targets in arrows.items() if name not in free}
    assert not arrows, f"in or behind a circle: {sorted(arrows)}"


@every_file
def test_former_paths_are_not_used_inside(name):
    assert name in FORMER or not FORMER & imported_files(name)


def lines_of_docstrings(tree):
    """The numbers of the lines that docstrings take."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            yield from range(node.body[0].lineno, node.body[0].end_lineno + 1)


@every_file
def test_files_are_short(name):
    text = FILES[name].read_text(encoding="utf-8")
    told = set(lines_of_docstrings(tree_of(name)))
    code = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() and n not in told]
    assert len(code) <= LONGEST


WITHOUT_EFFECTS = """
import sys, threading
import numpy as np, sklearn, torch

def state():
    return (
        torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads(),
        torch.is_grad_enabled(), torch.random.get_rng_state().tolist(),
        torch.are_deterministic_algorithms_enabled(), np.random.get_state()[1].tolist(),
    )

before, threads = state(), threading.active_count()
import skngd
assert threading.active_count() == threads, "importing starts a thread"
assert state() == before, "importing changes a global state"
assert "matplotlib" not in sys.modules, "matplotlib is imported before something is drawn"

X = np.linspace(-1, 1, 20).reshape(-1, 1)
skngd.NaturalMomentumRegressor(max_iter=3, tol=0, random_state=0).fit(X, X.ravel() ** 2).predict(X)
assert state() == before, "fitting changes a global state"
"""


def test_import_and_fit_leave_no_trace():
    arguments = [sys.executable, "-W", "ignore", "-c", WITHOUT_EFFECTS]
    done = subprocess.run(
        arguments, capture_output=True, text=True, cwd=PACKAGE.parent, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
