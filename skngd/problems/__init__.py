"""Known problems with their solutions, and the solvers that these come from."""
