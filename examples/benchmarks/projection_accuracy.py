"""Accuracy and price of the four forms of the projection, equation (P).

    OMP_NUM_THREADS=1 python examples/benchmarks/projection_accuracy.py

The matrices A = U S Vᵀ have an exactly known solution A⁺ f: U and V are columns of Hadamard
matrices, whose entries are ±1, and S holds powers of 2 between 1 and 1 / condition. Every entry
of A is then a floating-point number, so that nothing but the method makes an error. The function f
has the same share of every direction of the tangent space, and an equal part outside of it.

One table shows the relative error of the parameters, ‖dθ − A⁺f‖ / ‖A⁺f‖, another one that of the
projected function, ‖A (dθ − A⁺f)‖ / ‖A A⁺f‖, a third one the time. The number of threads is that
of torch; the environment variable OMP_NUM_THREADS sets it.
"""

import argparse
import time

import numpy as np
import torch
from scipy.linalg import hadamard

from skngd.tangent import FACTORIZATIONS, project

METHODS = ("svd", "qr", "gram", "kernel")
TALL, WIDE = (512, 64), (64, 512)
EXPONENTS = (7, 13, 20, 27, 33, 40)  # conditions 2^7, ..., 2^40: about 1e2, ..., 1e12
RELATIVE_DAMPINGS = (1e-6, 1e-10, 1e-13)
TIMED = ((500, 61), (784, 129), (4000, 449))


class Problem:
    """A, f and everything that is known of their singular value decomposition."""

    def __init__(self, shape, exponent):
        m, n_parameters = shape
        rank = min(shape)
        # Columns of a Hadamard matrix have the norm √m: the singular values are √(m P) 2^-k.
        powers = 2.0 ** -np.round(np.linspace(0, exponent, rank))
        left, right = hadamard(m, dtype=float), hadamard(n_parameters, dtype=float)
        self.u, self.v = left[:, :rank] / np.sqrt(m), right[:, :rank] / np.sqrt(n_parameters)
        self.s = np.sqrt(m * n_parameters) * powers
        self.a = (left[:, :rank] * powers) @ right[:, :rank].T
        self.coefficients = np.where(np.arange(rank) % 3 == 0, -1.0, 1.0)
        self.f = self.u @ self.coefficients
        if m > n_parameters:
            self.f = self.f + left[:, -1] * np.sqrt(rank / m)

    def errors(self, method, damping):
        """Relative errors of the parameters and of the projected function."""
        a, f = torch.from_numpy(self.a), torch.from_numpy(self.f)
        dtheta = project(a, f, method, damping=damping)[0].numpy()
        truth = self.s / (self.s**2 + damping) * self.coefficients
        error = self.v.T @ dtheta - truth
        # What the method puts outside of the span of V is an error of the parameters too.
        outside = dtheta - self.v @ (self.v.T @ dtheta)
        parameters = np.hypot(np.linalg.norm(error), np.linalg.norm(outside))
        function = np.linalg.norm(self.s * error) / np.linalg.norm(self.s * truth)
        return parameters / np.linalg.norm(truth), function


def accuracy(shape):
    """Print the two tables of errors, undamped and damped."""
    header = "".join(f"{2.0**k:10.0e}" for k in EXPONENTS)
    for name, which in (("parameters", 0), ("projected function", 1)):
        print(f"\nrelative error of the {name}, A of shape {shape[0]} x {shape[1]}")
        print(f"{'λ / ‖A‖²':>10}{'condition':>10}{header}")
        for relative in (0.0, *RELATIVE_DAMPINGS):
            for method in METHODS:
                errors = []
                for exponent in EXPONENTS:
                    problem = Problem(shape, exponent)
                    damping = relative * float((problem.s**2).sum())
                    errors.append(problem.errors(method, damping)[which])
                numbers = "".join(f"{error:10.0e}" for error in errors)
                print(f"{relative:10.0e}{method:>10}{numbers}")


def seconds(function, budget=1.0, most=200):
    """Median time of some calls, about ``budget`` seconds of them."""
    times = []
    while not times or (sum(times) < budget and len(times) < most):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def prices(largest_kernel):
    """Print the time of a factorisation with one solve."""
    print("\nmilliseconds of a projection: undamped / damped with λ = 1e-6 ‖A‖²")
    print(f"{'':>10}" + "".join(f"{f'{m} x {p}':>20}" for m, p in TIMED))
    generator = np.random.default_rng(0)
    for method in METHODS:
        cells = []
        for m, n_parameters in TIMED:
            a = torch.from_numpy(generator.standard_normal((n_parameters, m))).T
            f = torch.from_numpy(generator.standard_normal((m, 1)))
            if method == "kernel" and m > largest_kernel:
                cells.append("–")
                continue
            damping = 1e-6 * float((a * a).sum())

            def solve(damping, a=a, f=f, form=FACTORIZATIONS[method]):
                form([(a, f)]).solve(damping=damping)

            solve(damping)  # the first call loads libraries
            times = [1e3 * seconds(lambda d=d, solve=solve: solve(d)) for d in (0.0, damping)]
            cells.append(" / ".join(f"{t:.3g}" for t in times))
        print(f"{method:>10}" + "".join(f"{cell:>20}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--largest-kernel",
        type=int,
        default=5000,
        help="rows up to which the kernel form is timed (default: 5000)",
    )
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), float64")
    for shape in (TALL, WIDE):
        accuracy(shape)
    prices(arguments.largest_kernel)


if __name__ == "__main__":
    main()
