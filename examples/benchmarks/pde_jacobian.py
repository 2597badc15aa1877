"""What one Jacobian of the residuals costs: closed form beside torch.func, one thread.

Run alone on the machine::

    OMP_NUM_THREADS=1 python examples/benchmarks/pde_jacobian.py

Milliseconds, medians: one forward pass with all derivatives in x, the scaled Jacobian after it, and
the same Jacobian by nested automatic differentiation under ``vmap``.
"""

from functools import partial

import numpy as np
import torch
from timing import milliseconds

from skngd.models import AutodiffJets, FullyConnected, NetworkJets

CASES = {
    "2-D Laplace": ((2, 32, 1), 784, [(0, 0), (1, 1)]),
    "heat": ((2, 64, 1), 784, [(0,), (1, 1)]),
    "5-D Laplace": ((5, 64, 1), 4000, [(j, j) for j in range(5)]),
    "Burgers": ((2, 20, 20, 20, 1), 4000, [(), (0,), (1,), (1, 1)]),
    "beam": ((1, 32, 1), 200, [(0, 0, 0, 0)]),
}


def main():
    torch.set_num_threads(1)
    print("| problem | rows × parameters | forward | Jacobian | torch.func | ratio |")
    print("|---" * 6 + "|")
    for name, (sizes, m, indices) in CASES.items():
        random = np.random.RandomState(0)
        network = FullyConnected(sizes)
        theta = torch.as_tensor(network.initial(random))
        x = torch.as_tensor(random.uniform(-1, 1, (m, sizes[0])))
        coefficients = torch.ones(len(indices), 1, m, dtype=torch.float64)
        out = torch.empty(network.n_parameters, m, dtype=torch.float64)
        with torch.no_grad():
            closed = NetworkJets(network, indices)
            record = closed.record(theta, x)

            def jacobian(record=record, coefficients=coefficients, out=out):
                record.jacobian_into(coefficients, out)

            nested = AutodiffJets(network, indices)

            def autodiff(nested=nested, theta=theta, x=x, coefficients=coefficients, out=out):
                nested.record(theta, x).jacobian_into(coefficients, out)

            repeats = 100 if network.n_parameters * m < 1e6 else 10
            forward = milliseconds(partial(closed.record, theta, x), repeats)
            backward = milliseconds(jacobian, repeats)
            slow = milliseconds(autodiff, max(3, repeats // 10))
        shape = f"{m} × {network.n_parameters}"
        print(
            f"| {name} | {shape} | {forward:.2f} | {backward:.2f} | {slow:.1f} | "
            f"{slow / (forward + backward):.0f} |"
        )


if __name__ == "__main__":
    main()
