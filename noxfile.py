#!/usr/bin/env python3
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The checks, one session each: ``nox -s lint``, or ``nox`` for all.

``nox --no-venv`` runs them in the environment around it, with what is installed there; so does
``.ci/run``.
"""

import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"

PYPROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
# Long tests of files that use other packages as the rest of the suite does.
IN_TORCH = (
    *("aim", "error_estimate", "evolution", "inverse_error", "prior", "race", "random_problems"),
    *("ansatz", "circles", "integrals", "interfaces", "pinn_parametric", "spectrum", "units"),
    *("batches", "directions", "evidence", "momentum", "toy", "variable_projection", "pilot"),
    *("cg", "jets", "modes", "optimal_rows", "pretended_device", "residuals", "unknown_values"),
    *("again", "initial_values", "misfit", "slabs"),
    *("pinn", "pinn_answers", "pinn_batches", "pinn_devices", "pinn_inverse", "pinn_points"),
)


def install(session, extra=None, group=None, constraints="constraints.txt"):
    """Install a group of pyproject.toml and, with an extra ("" for none), the package."""
    if not session.virtualenv.is_sandboxed:
        return
    wanted = nox.project.dependency_groups(PYPROJECT, group) if group else ()
    package = () if extra is None else (f".[{extra}]" if extra else ".",)
    session.install("-c", constraints, *wanted, *package)


@nox.session
def lint(session):
    """Ruff: rules and format."""
    install(session, group="lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session):
    """Mypy on the package and on a script that uses it as a user would."""
    install(session, extra="", group="types")
    session.run("mypy")


@nox.session
def tests(session):
    """The suite, with its coverage."""
    install(session, extra="tests", group="coverage")
    session.run(
        "python", "-m", "pytest", "-n", "auto", "--cov=skngd", *session.posargs, env=ONE_THREAD
    )


@nox.session
def doctests(session):
    """The examples of the docstrings and of the documentation.

    The package's own warnings belong to what some of them show.
    """
    install(session, extra="tests")
    command = "python", "-m", "pytest", "-W", "default::UserWarning"
    session.run(*command, "--doctest-modules", "skngd", env=ONE_THREAD)
    session.run(*command, "--doctest-glob=*.rst", "--doctest-glob=*.md", "doc", env=ONE_THREAD)


@nox.session
def docs(session):
    """The documentation, with the gallery, into doc/_build/html."""
    install(session, extra="doc")
    session.run("python", "-m", "sphinx", "-W", "-q", "doc", "doc/_build/html", env=ONE_THREAD)


@nox.session
def oldest(session):
    """The suite with the floors of pyproject.toml in place of the newest versions.

    Without long tests that are spent in torch, which is the same as before.

    Torch is that of constraints.txt: for Linux its older versions bring CUDA, several gigabytes.
    Its floor is tried by hand: ``nox -s oldest -- torch==2.4.0``.
    """
    known = Path("constraints.txt").read_text().splitlines()
    torch = session.posargs or [pin for pin in known if pin.startswith("torch==")]
    floors = [*PYPROJECT["project"]["dependencies"], *EXTRAS["tests"]]
    pins = [floor.replace(">=", "==") for floor in floors if not floor.startswith("torch")]
    constraints = Path(session.create_tmp()) / "oldest.txt"
    constraints.write_text("\n".join([*pins, *torch]))
    install(session, extra="tests", constraints=str(constraints))
    ignored = [f"--ignore=tests/test_{name}.py" for name in IN_TORCH]
    session.run("python", "-m", "pytest", "-n", "auto", *ignored, env=ONE_THREAD)


@nox.session(default=False)
def nightly(session):
    """500 random problems: no wrong answer goes unsaid."""
    install(session, extra="")
    script = "examples/benchmarks/error_estimate.py"
    session.run(
        *("python", script, "--small", "--strict", "--random", "500", *session.posargs),
        env=ONE_THREAD,
    )


@nox.session
def build(session):
    """Source distribution and wheel; the wheel has to hold more than modules."""
    install(session, group="build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--outdir", folder)
        (wheel,) = Path(folder).glob("*.whl")
        held = set(zipfile.ZipFile(wheel).namelist())
    here = Path("skngd")
    expected = {here / "py.typed", *here.glob("*/data/*"), *here.rglob("*.py")}
    if missing := sorted({path.as_posix() for path in expected} - held):
        session.error(f"The wheel lacks {', '.join(missing)}.")


if __name__ == "__main__":
    nox.main()
