"""The choice of a factorisation, and the projection as one call."""

import torch

from .base import ADAPTIVE
from .cg import ConjugateGradients
from .gram import Gram
from .kernel import Kernel
from .qr import Qr
from .svd import Svd

FACTORIZATIONS = {form.name: form for form in (Svd, Qr, Gram, Kernel, ConjugateGradients)}

# Below this ratio of λ to ‖A‖², in units of eps, the rounding errors of AᵀA, about eps ‖A‖², are
# no longer small beside the damping: 1e-13 in float64.
GRAM_DAMPING = 450.0
# The same where rough projections do, since the loss decides on the step: 1e-15 in float64.
ROUGH_DAMPING = 5.0


# Rows and parameters from which on a damped matrix is not formed any more.
LARGEST_MATRIX = 5000


def choose(
    n_rows,
    n_parameters,
    rcond=0.0,
    relative_damping=0.0,
    dtype=torch.float64,
    is_rough=False,
    largest_matrix=LARGEST_MATRIX,
):
    """Choose a form from the shape of A and from the accuracy that is asked for.

    ================================== ============= ==================
    case                               rows ≥ params rows < params
    ================================== ============= ==================
    λ ≥ 450 eps ‖A‖² and no ``rcond``  "gram"        "kernel"
    the same, both above 5000          "cg"          "cg"
    everything else                    "qr"          "svd"
    ================================== ============= ==================

    Parameters
    ----------
    n_rows, n_parameters : int
        Shape of A.
    rcond : float or "adaptive", default=0.0
        The cut-off that is asked for.
    relative_damping : float, default=0.0
        λ / ‖A‖².
    dtype : torch.dtype, default=torch.float64
        Precision, which sets eps.
    is_rough : bool, default=False
        Take 5 in place of 450, and any λ > 0 for "cg": directions that the damping takes away for
        the most part may then be wrong. For steps that are checked by the loss.
    largest_matrix : int, default=5000
        Takes the place of 5000, for models whose passes are cheap.

    Returns
    -------
    name : {"gram", "kernel", "qr", "svd"}
        To be given as ``method`` or ``projection``.

    Examples
    --------
    >>> from skngd.tangent import choose
    >>> choose(500, 61, relative_damping=1e-6), choose(500, 61)
    ('gram', 'qr')
    >>> choose(20, 61, relative_damping=1e-6), choose(20, 61)
    ('kernel', 'svd')
    """
    smallest = ROUGH_DAMPING if is_rough else GRAM_DAMPING
    damped = rcond == 0 and relative_damping >= smallest * torch.finfo(dtype).eps
    # Conjugate gradients do not lose accuracy where λ is small, they take more products.
    takes_products = damped or (is_rough and rcond == 0 and relative_damping > 0)
    if takes_products and min(n_rows, n_parameters) > largest_matrix:
        return "cg"
    if n_rows < n_parameters:
        return "kernel" if damped else "svd"
    return "gram" if damped else "qr"


def project(a, f, method="auto", rcond=0.0, damping=0.0):
    """Project a function onto the span of the columns of A, equation (P).

    Parameters
    ----------
    a : torch.Tensor of shape (n, P)
        Row-scaled Jacobian, equation (A).
    f : torch.Tensor of shape (n,)
        Row-scaled values of the function.
    method : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
        How the pseudo-inverse is computed; see :func:`choose` for "auto".
    rcond : float or "adaptive", default=0.0
        Singular values up to ``rcond`` times the largest are left out. "adaptive" leaves out those
        behind where they cross the reconstruction error of f, equation (Cut).
    damping : float, default=0.0
        λ of the Tikhonov form (AᵀA + λ I)⁻¹ Aᵀ f.

    Returns
    -------
    dtheta : torch.Tensor of shape (P,)
        A⁺ f.
    info : ProjectionInfo
        Rank, condition and what was kept.

    Raises
    ------
    ValueError
        If ``method`` is not one of the names above, or is "cg" with ``rcond="adaptive"``, which
        takes singular values.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent import project
    >>> a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    >>> dtheta, info = project(a, torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64))
    >>> dtheta
    tensor([1., 1.], dtype=torch.float64)
    >>> info.rank, round(info.condition, 12), round(info.kept, 3)
    (2, 2.0, 0.556)
    """
    if method == "auto":
        square_norm = float((a * a).sum())
        method = choose(*a.shape, rcond, damping / square_norm if square_norm else 0.0, a.dtype)
    if method not in FACTORIZATIONS:
        raise ValueError(
            f"Expected method to be 'auto' or one of {sorted(FACTORIZATIONS)}, got {method!r}."
        )
    factorization = FACTORIZATIONS[method]([(a, f.unsqueeze(1))])
    if rcond == ADAPTIVE:
        rcond = factorization.adaptive_rcond()
    dtheta = factorization.solve(rcond, damping)[:, 0]
    return dtheta, factorization.info(dtheta, rcond, damping)
