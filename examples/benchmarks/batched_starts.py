"""Eight networks in one batch, or one after the other: the linear algebra of one iteration.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/batched_starts.py

Gram matrix and Cholesky factor are nine tenths of the arithmetic of an iteration. Where a batch is
not clearly faster, ``n_init`` runs the starts one after the other: each keeps its own damping and
its own end.
"""

import torch
from timing import milliseconds


def main(starts=8):
    print(f"{'rows × parameters':>20s}{'loop, ms':>12s}{'batch, ms':>12s}{'loop / batch':>14s}")
    for m, n_parameters in ((500, 21), (500, 61), (784, 129)):
        a = torch.randn(starts, m, n_parameters, dtype=torch.float64)
        identity = torch.eye(n_parameters, dtype=torch.float64)

        def batch(a=a, identity=identity):
            return torch.linalg.cholesky_ex(a.mT @ a + identity)

        def loop(a=a, identity=identity):
            return [torch.linalg.cholesky_ex(one.T @ one + identity) for one in a]

        in_turn, at_once = milliseconds(loop), milliseconds(batch)
        shape = f"{m} × {n_parameters}"
        print(f"{shape:>20s}{in_turn:12.2f}{at_once:12.2f}{in_turn / at_once:14.2f}")


if __name__ == "__main__":
    main()
