"""The references of :mod:`skngd.problems.pinnacle`: ``python pinnacle_references.py [CASE ...]``.

Each case without a solution in closed form is solved here by a method of its own, as it is shipped
and coarser. Printed is by how much both differ, relative to the solution, and how far the shipped
one is from the array that was there. ``--write`` puts the new arrays into ``skngd/problems/data``.
Needs the extra ``bench``.
"""

import argparse
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy.fft import dstn, idstn
from scipy.integrate import solve_ivp

from skngd.geometry import Box
from skngd.problems import pinnacle
from skngd.problems.spectral import (
    differentiation_matrix,
    etdrk4,
    gauss_lobatto,
    interpolation_matrix,
)

PI = np.pi
PLATE = Box(x=(-8, 8), y=(-12, 12))
DATA = Path(pinnacle.__file__).parent / "data"


def relative(v, u):
    return np.linalg.norm(v - u) / np.linalg.norm(u)


def kuramoto_sivashinsky(n=256, n_steps=8000, kept=65, points=64):
    """Fourier series in x, ETDRK4 in time: real and imaginary parts of the coefficients."""
    k = np.arange(n // 2 + 1)
    x = 2 * PI * np.arange(n) / n
    rates = 100 / 16**2 * k**2.0 - 100 / 16**4 * k**4.0
    is_kept = k <= n // 3  # of products of two the others are wrong

    def split(c):
        return np.concatenate([c.real, c.imag])

    def joined(c):
        return c[: len(k)] + 1j * c[len(k) :]

    def reaction(c):
        u = np.fft.irfft(joined(c), n)
        return split(-100 / 16 * 0.5j * k * np.fft.rfft(u**2) * is_kept)

    start = split(np.fft.rfft(pinnacle.cosine_and_sine(x)))
    path, _ = etdrk4(np.tile(rates, 2), reaction, start, np.full(n_steps, 1 / n_steps))
    rows = path[:: n_steps // (kept - 1)]
    u = np.array([np.fft.irfft(joined(row), n) for row in rows])[:, :: n // points]
    t, x = np.meshgrid(np.linspace(0, 1, kept), x[:: n // points], indexing="ij")
    return np.stack([t.ravel(), x.ravel()], axis=1), u.reshape(-1, 1)


def heat_for_long(n=64, tolerance=1e-10):
    """Sine series in x and y, Runge-Kutta of order 8 in time; on 16 × 8 points at 51 times."""
    x = np.arange(1, n) / n
    X, Y = np.meshgrid(x, x, indexing="ij")
    k = np.arange(1, n)
    rates = -0.001 * PI**2 * (k[:, None] ** 2 + k**2)
    waves = 5 * np.sin(4 * PI * X) * np.sin(2 * PI * Y)

    def slope(t, c):
        c = c.reshape(n - 1, n - 1)
        u = idstn(c, 1)
        forced = np.sin(u**2) * (1 + 2 * np.sin(PI / 4 * t)) * waves
        return (rates * c + dstn(forced, 1)).ravel()

    start = dstn(pinnacle.four_by_three(X, Y), 1).ravel()
    times = np.linspace(0, 100, 51)
    settings = {"method": "DOP853", "rtol": tolerance, "atol": tolerance * 1e-1}
    path = solve_ivp(slope, (0, 100), start, t_eval=times, **settings)
    u = np.array([idstn(c.reshape(n - 1, n - 1), 1) for c in path.y.T])
    return times, x, u


def heat2dlt(**settings):
    times, x, u = heat_for_long(**settings)
    step = (len(x) + 1) // 16
    at = np.arange(step // 2 - 1, len(x), step)
    u = u[:, at][:, :, at]
    t, x, y = np.meshgrid(times, x[at], x[at], indexing="ij")
    return np.stack([t.ravel(), x.ravel(), y.ravel()], axis=1), u.reshape(-1, 1)


def in_cells(degree=12, n=45):
    """Spectral elements, one for each cell, at the middles of n × n squares."""
    nodes, weights, barycentric = gauss_lobatto(degree)
    slope, breaks = differentiation_matrix(nodes, barycentric), np.linspace(-10, 10, 6)
    size = 5 * degree + 1
    stiff, mass = np.zeros((size, size)), np.zeros(size)
    for k in range(5):
        own = slice(k * degree, (k + 1) * degree + 1)
        stiff[own, own] += slope.T @ (weights[:, None] * slope) / 2
        mass[own] += 2 * weights
    stiff[0, 0] += 1
    stiff[-1, -1] += 1
    root = np.sqrt(mass)
    squares, vectors = np.linalg.eigh(stiff / root / root[:, None])
    vectors /= root[:, None]
    bump, load = np.sin(PI * (nodes + 1) / 2), np.zeros((size, size))
    for k, (a, c, d) in enumerate(pinnacle.cells().T):
        rows, columns = (slice(m * degree, (m + 1) * degree + 1) for m in divmod(k, 5))
        f = (c + d * np.outer(bump, bump)) / a
        load[rows, columns] += 4 * np.outer(weights, weights) * f
    found = vectors.T @ load @ vectors / (squares[:, None] + squares)
    u = vectors @ found @ vectors.T
    x = -10 + 20 * (np.arange(n) + 0.5) / n
    table = np.zeros((n, size))
    for row, point in enumerate(x):
        k = min(int((point + 10) / 4), 4)
        local = (point - breaks[k]) / 2 - 1
        own = slice(k * degree, (k + 1) * degree + 1)
        table[row, own] = interpolation_matrix(nodes, barycentric, [local])[0]
    X, Y = np.meshgrid(x, x, indexing="ij")
    return np.stack([X.ravel(), Y.ravel()], axis=1), (table @ u @ table.T).reshape(-1, 1)


# finite elements


def triangulated(case, size, per_circle):
    """Triangles of a rectangle less disks, with sides that bend around these."""
    import triangle
    from skfem import MeshTri, MeshTri2

    low, high = case.square.bounds.T
    corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])], float)
    vertices, segments = [corners], [(k, (k + 1) % 4) for k in range(4)]
    angles = 2 * PI * np.arange(per_circle) / per_circle
    for x, y, r in case.disks:
        around = sum(map(len, vertices)) + np.arange(per_circle)
        vertices.append(np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], axis=1))
        segments += zip(around, np.roll(around, -1), strict=True)
    given = {
        "vertices": np.concatenate(vertices),
        "segments": np.array(segments),
        "holes": np.array([disk[:2] for disk in case.disks]),
    }
    made = triangle.triangulate(given, f"pq30a{size**2 / 2:.12f}")
    straight = MeshTri(made["vertices"].T.copy(), made["triangles"].T.copy())
    mesh = MeshTri2.from_mesh(straight)
    locations, edges = mesh.doflocs.copy(), mesh.boundary_facets()
    middle, ends = mesh.dofs.facet_dofs[0, edges], mesh.facets[:, edges]
    for x, y, r in case.disks:
        centre = np.array([x, y])[:, None]
        radii = np.linalg.norm(mesh.p[:, ends] - centre[..., None], axis=0)
        own = (np.abs(radii - r) < 0.01 * r).all(axis=0)
        nodes = np.unique(np.concatenate([ends[:, own].ravel(), middle[own]]))
        away = locations[:, nodes] - centre
        locations[:, nodes] = centre + r * away / np.linalg.norm(away, axis=0)
    return MeshTri2(locations, mesh.t)


def values_at(basis, u, X, disks):
    """A function of finite elements at points, those between a circle and its chords, too."""
    from skfem import MeshTri

    x, found = X.T.copy(), X.T.copy()
    for *centre, r in disks:
        away = found - np.array(centre)[:, None]
        distance = np.linalg.norm(away, axis=0)
        moved = np.array(centre)[:, None] + 1.005 * r * away / np.maximum(distance, 1e-9)
        found = np.where(distance < 1.005 * r, moved, found)
    cells = MeshTri(basis.mesh.p, basis.mesh.t).element_finder()(*found)
    local, mapping = np.full((2, len(X), 1), 1 / 3), basis.mapping
    for _ in range(8):
        left = x[:, :, None] - mapping.F(local, cells)
        local = local + np.einsum("ijkl,jkl->ikl", mapping.invDF(local, cells), left)
    shapes = [basis.elem.gbasis(mapping, local, k, tind=cells) for k in range(basis.Nbfun)]
    return sum(one[0].value[:, 0] * u[basis.element_dofs[k, cells]] for k, one in enumerate(shapes))


def elliptic(case, reaction, source, values, size, per_circle=64):
    """−Δu + c u = f with values on the square and on the disks, by elements of degree 4."""
    from skfem import Basis, BilinearForm, ElementTriP4, LinearForm, condense, solve
    from skfem.helpers import dot, grad

    mesh = triangulated(case, size, per_circle)
    basis = Basis(mesh, ElementTriP4(), intorder=12)
    system = BilinearForm(lambda u, v, w: dot(grad(u), grad(v)) + reaction * u * v).assemble(basis)
    load = LinearForm(lambda v, w: source(*w.x) * v).assemble(basis)
    edges = mesh.boundary_facets()
    ends, bounds = mesh.p[:, mesh.facets[:, edges]], case.square.bounds
    sides = [np.abs(ends[k] - b) < 1e-9 for k in (0, 1) for b in bounds[k]]
    on_square = np.any([side.all(axis=0) for side in sides], axis=0)
    u = basis.zeros()
    dofs = [basis.get_dofs(edges[rows]).all() for rows in (~on_square, on_square)]
    for own, value in zip(dofs, values[::-1], strict=True):
        u[own] = value
    return basis, solve(*condense(system, load, x=u, D=np.concatenate(dofs)))


def source_of_cg(x, y):
    return 10 * (17 + x**2 + y**2) * np.sin(PI * x) * np.sin(4 * PI * y)


def around_disks(name, reaction, source, values, size):
    """The solution at the points of the array that is there, and how much it changes with size."""
    case = getattr(pinnacle, name)()
    X, _ = case.reference()
    return X, values_at(*elliptic(case, reaction, source, values, size), X, case.disks)[:, None]


# a diagonally implicit method of order 3, Alexander (1977)
GAMMA = 0.4358665215084590
STAGES = (1 + GAMMA) / 2
WEIGHTS = (-(6 * GAMMA**2 - 16 * GAMMA + 1) / 4, (6 * GAMMA**2 - 20 * GAMMA + 5) / 4, GAMMA)


def warming(size=0.6, per_circle=48, step=0.015, levels=12, n_points=150, n_times=21):
    """Heat2d-CG: elements of degree 3, steps that are graded at the start.

    There u_n jumps from 0 to a − u, so that u grows like √t at the boundary.
    """
    from scipy.sparse.linalg import splu
    from skfem import Basis, BilinearForm, ElementTriP3, FacetBasis, LinearForm
    from skfem.helpers import dot, grad

    case = pinnacle.Heat2dCG()
    plate = SimpleNamespace(square=PLATE, disks=pinnacle.LARGE + pinnacle.SMALL)
    mesh = triangulated(plate, size, per_circle)
    basis = Basis(mesh, ElementTriP3(), intorder=8)
    mass = BilinearForm(lambda u, v, w: u * v).assemble(basis)
    stiff, load = BilinearForm(lambda u, v, w: dot(grad(u), grad(v))).assemble(basis), 0.0
    edges = mesh.boundary_facets()
    middle = mesh.p[:, mesh.facets[:, edges]].mean(axis=1)
    kinds = (pinnacle.LARGE, 5.0), (pinnacle.SMALL, 1.0)
    given = np.full(len(edges), 0.1)
    for disks, value in kinds:
        for x, y, r in disks:
            given[np.hypot(middle[0] - x, middle[1] - y) < 1.02 * r] = value
    for value in (5.0, 1.0, 0.1):
        faces = FacetBasis(mesh, ElementTriP3(), facets=edges[given == value], intorder=8)
        stiff = stiff + BilinearForm(lambda u, v, w: u * v).assemble(faces)
        load = load + value * LinearForm(lambda v, w: v).assemble(faces)
    times = np.linspace(0, 3, n_times)
    graded = step * 0.5 ** np.concatenate([[levels], np.arange(levels, 0, -1)])
    steps = np.concatenate([np.repeat(graded, 8), np.full(round(3 / step) - 8, step)])
    ends, u, length, kept = np.cumsum(steps), np.zeros(basis.N), None, [np.zeros(basis.N)]
    for end, this in zip(ends, steps, strict=True):
        if this != length:
            length, factors = this, splu((mass + GAMMA * this * stiff).tocsc())
        first = factors.solve(load - stiff @ u)
        second = factors.solve(load - stiff @ (u + this * (STAGES - GAMMA) * first))
        third = factors.solve(
            load - stiff @ (u + this * (WEIGHTS[0] * first + WEIGHTS[1] * second))
        )
        rates = first, second, third
        u = u + this * sum(w * rate for w, rate in zip(WEIGHTS, rates, strict=True))
        if np.abs(times - end).min() < 1e-9:
            kept.append(u)
    X = case.domain.second.sample(n_points, "sobol", 0)
    found = [values_at(basis, one, X, plate.disks) for one in kept]
    columns = np.repeat(times, n_points)[:, None], np.tile(X, (n_times, 1))
    return np.hstack(columns), np.concatenate(found)[:, None]


# flows: Taylor-Hood elements of degrees 3 and 2, Newton's method


def graded(*parts):
    """Breaks of intervals (low, high, n, p, q) that gather like s^p and (1 − s)^q at the ends."""
    found = []
    for low, high, n, first, last in parts:
        s = np.linspace(0, 1, n + 1)
        if first > 1 and last > 1:
            s = np.where(s < 0.5, (2 * s) ** first / 2, 1 - (2 - 2 * s) ** last / 2)
        else:
            s = 1 - (1 - s**first) if last == 1 else 1 - (1 - s) ** last
        found.append(low + (high - low) * s)
    return np.unique(np.concatenate(found).round(14))


def navier_stokes(mesh, fixed, nu=0.01):
    """u·∇u + ∇p = ν Δu, div u = 0; ``fixed`` gives the values and numbers of what is prescribed."""
    from scipy.sparse import bmat
    from scipy.sparse.linalg import splu
    from skfem import Basis, BilinearForm, ElementTriP2, ElementTriP3, ElementVector, LinearForm
    from skfem.helpers import ddot, div, grad

    of_u = Basis(mesh, ElementVector(ElementTriP3()), intorder=8)
    of_p = of_u.with_element(ElementTriP2())
    viscous = BilinearForm(lambda u, v, w: nu * ddot(grad(u), grad(v))).assemble(of_u)
    pressure = -BilinearForm(lambda u, q, w: div(u) * q).assemble(of_u, of_p)

    def advected(u, slope, v):
        return sum(v[i] * sum(u[j] * slope[i, j] for j in (0, 1)) for i in (0, 1))

    linear = BilinearForm(
        lambda u, v, w: advected(u.value, grad(w.w), v) + advected(w.w.value, grad(u), v)
    )
    nonlinear = LinearForm(lambda v, w: advected(w.w.value, grad(w.w), v))
    n = of_u.N
    z, numbers = fixed(of_u, of_p)
    free = np.setdiff1d(np.arange(len(z)), numbers)
    for step in range(20):
        w = of_u.interpolate(z[:n])
        # the first step is that of creeping flow
        convection, force = (0 * viscous, 0) if step == 0 else (None, None)
        if step:
            convection, force = linear.assemble(of_u, w=w), nonlinear.assemble(of_u, w=w)
        system = bmat([[viscous + convection, pressure.T], [pressure, None]]).tocsc()
        left = viscous @ z[:n] + force + pressure.T @ z[n:], pressure @ z[:n]
        change = splu(system[free][:, free]).solve(-np.concatenate(left)[free])
        z[free] += change
        if np.abs(change).max() < 1e-10:
            break
    return of_u, of_p, z


def sides_of(basis, where):
    return basis.mesh.facets_satisfying(where, boundaries_only=True)


def cavity(n):
    """A mesh of the cavity, what is fixed there, and the points."""
    from skfem import MeshQuad

    x = graded((0, 1, n, 2, 2))

    def fixed(of_u, of_p):
        z = np.zeros(of_u.N + of_p.N)
        lid = of_u.get_dofs(sides_of(of_u, lambda x: np.isclose(x[1], 1))).all("u^1")
        z[lid] = pinnacle.lid(of_u.doflocs[0, lid])
        corner = np.flatnonzero(np.abs(of_p.doflocs).max(axis=0) < 1e-12)
        return z, np.concatenate([of_u.get_dofs().all(), of_u.N + corner])

    return MeshQuad.init_tensor(x, x).to_meshtri(style="x"), fixed


def step(n):
    """The same of the channel with a step."""
    from skfem import MeshQuad

    x = graded((0, 2, n, 1, 3), (2, 4, n, 3, 1))
    y = graded((0, 1, n // 2, 1, 3), (1, 2, n // 2, 3, 1))
    mesh = MeshQuad.init_tensor(x, y).to_meshtri(style="x")
    middle = mesh.p[:, mesh.t].mean(axis=1)
    mesh = mesh.remove_elements(np.flatnonzero((middle[0] < 2) & (middle[1] > 1)))

    def fixed(of_u, of_p):
        z = np.zeros(of_u.N + of_p.N)
        inflow = of_u.get_dofs(sides_of(of_u, lambda x: np.isclose(x[0], 0))).all("u^1")
        z[inflow] = pinnacle.inflow(of_u.doflocs[1, inflow])
        walls = of_u.get_dofs(sides_of(of_u, lambda x: ~np.isclose(x[0], 4))).all()
        # u is free at the outlet: ν u_x = p, which is p = 0 since u_x = −v_y = 0
        outlet = of_u.get_dofs(sides_of(of_u, lambda x: np.isclose(x[0], 4))).all("u^2")
        return z, np.union1d(walls, outlet)

    return mesh, fixed


def flow(name, n):
    """u, v and p at the points of the array that is there, but for those at a singular corner."""
    X, _ = getattr(pinnacle, name)().reference()
    if name == "NS2dCG":
        X = X[np.hypot(X[:, 0] - 2, X[:, 1] - 1) > 0.01]
    of_u, of_p, z = navier_stokes(*{"NS2dC": cavity, "NS2dCG": step}[name](n))
    velocity = (of_u.probes(X.T) @ z[: of_u.N]).reshape(2, -1)
    return X, np.column_stack([*velocity, of_p.probes(X.T) @ z[of_u.N :]])


SOLVERS = {
    "KS": (kuramoto_sivashinsky, {}, {"n": 384, "n_steps": 16000}),
    "Heat2dLT": (heat2dlt, {"n": 32, "tolerance": 1e-8}, {}),
    "Poisson2dMS": (in_cells, {}, {"degree": 18}),
    "Poisson2dC": (
        around_disks,
        {"size": 0.03},
        {"size": 0.018},
        {"name": "Poisson2dC", "reaction": 0, "source": lambda x, y: 0 * x, "values": (1, 0)},
    ),
    "Poisson2dCG": (
        around_disks,
        {"size": 0.04},
        {"size": 0.025},
        {"name": "Poisson2dCG", "reaction": 64, "source": source_of_cg, "values": (0.2, 1)},
    ),
    "NS2dC": (flow, {"n": 10}, {"n": 16}, {"name": "NS2dC"}),
    "NS2dCG": (flow, {"n": 10}, {"n": 16}, {"name": "NS2dCG"}),
    "Heat2dCG": (warming, {"size": 0.9, "per_circle": 32, "step": 0.03, "levels": 10}, {}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help="of cases")
    parser.add_argument("--write", action="store_true", help="replace the arrays of the package")
    arguments = parser.parse_args()
    for name in arguments.names or SOLVERS:
        solver, coarse, fine, *more = SOLVERS[name]
        common = more[0] if more else {}
        (_, rough), (X, u) = (solver(**common, **settings) for settings in (coarse, fine))
        _, stored = getattr(pinnacle, name)().reference()
        beside = relative(stored, u) if stored.shape == u.shape else np.nan
        print(f"{name:12} {relative(rough, u):8.1e} {beside:8.1e}", flush=True)
        if arguments.write:
            np.savez_compressed(DATA / f"{name.lower()}.npz", X=X, u=u)


if __name__ == "__main__":
    main()
