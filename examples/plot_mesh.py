"""
==========================
A lake: a mesh as a domain
==========================

What a mesh generator gives is a domain, too: nodes and triangles, or tetrahedra. Points are drawn
evenly from all triangles, and the shore has its length and its normals. Here a mesh is made by
hand; :meth:`~skngd.pde.Mesh.from_file` reads one by meshio.
"""

# %%
# The mesh
# --------
# Rings around the middle, each with the same angles. The shore between two bays is a harbour.

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.pde import Dirichlet, Mesh, Problem

N_RINGS, N_ANGLES = 12, 60
angle = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
radius = 1 + 0.25 * np.cos(5 * angle)
shore = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
rings = [k / N_RINGS * shore for k in range(1, N_RINGS + 1)]
points = np.vstack([[0.0, 0.0], *rings])


def node(ring, place):
    return 0 if ring == 0 else 1 + (ring - 1) * N_ANGLES + place % N_ANGLES


triangles = [(0, node(1, k), node(1, k + 1)) for k in range(N_ANGLES)]
for ring in range(1, N_RINGS):
    for k in range(N_ANGLES):
        a, b = node(ring, k), node(ring, k + 1)
        c, d = node(ring + 1, k), node(ring + 1, k + 1)
        triangles += [(a, c, d), (a, d, b)]
harbour = [(node(N_RINGS, k), node(N_RINGS, k + 1)) for k in range(10)]
lake = Mesh(points, triangles, boundary={"harbour": harbour})
print(f"area {lake.measure:.4f}, shore {lake.boundary_measure():.4f}, faces {lake.faces}")

# %%
# The problem
# -----------
# An exact solution to compare with: u = exp(x) sin(y) is harmonic, and its values are prescribed.


def exact(x, y):
    return np.exp(x) * np.sin(y)


class Lake(Problem):
    domain = lake
    conditions = (Dirichlet(exact),)

    def residual(self, u, x, y):
        return u.laplacian()


solver = PINNEstimator(Lake(), tol=1e-8, random_state=0).fit()
print(solver.stop_reason_)

# %%
# The error, with the weights of the mesh
# ---------------------------------------

X, weights = lake.quadrature()
u, expected = solver.predict(X), exact(*X.T)
error = np.sqrt(weights @ (u - expected) ** 2 / (weights @ expected**2))
print(f"relative error {error:.1e}, estimated {solver.error_estimate_['u']:.1e}")
assert error < 1e-6

# %%
# The flow through the harbour, with the normals of the mesh
# ----------------------------------------------------------

X, normals, _ = lake.boundary(2000, on="harbour", random_state=0)
slope = np.stack([solver.derivative(X, "x"), solver.derivative(X, "y")], axis=1)
flow = lake.boundary_measure("harbour") * np.mean(np.sum(slope * normals, axis=1))
x, y = X.T
gradient = np.exp(x)[:, np.newaxis] * np.stack([np.sin(y), np.cos(y)], axis=1)
expected = lake.boundary_measure("harbour") * np.mean(np.sum(gradient * normals, axis=1))
print(f"flow {flow:.9f}, exact {expected:.9f}")

figure, axis = plt.subplots()
shown = axis.tripcolor(*points.T, triangles, solver.predict(points), shading="gouraud")
axis.quiver(*X[::40].T, *normals[::40].T, width=3e-3)
axis.set_aspect("equal")
axis.set(xlabel="x", ylabel="y")
figure.colorbar(shown, label="u")
plt.show()
