"""What functions of NumPy and SciPy mean for tensors.

The tables are by name, as universal functions such as ``np.sin`` and ``scipy.special.erf`` have no
other mark. What is in none of them is refused, with what to use instead.
"""

import difflib
import inspect
import numbers
import operator

import numpy as np
import torch
from torch import special

from ...geometry.shown import shown


class _Known(torch.autograd.Function):
    """value(x) with its derivative: torch takes some of its own Bessel functions for constants."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, value, derivative):
        return value(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, _, ctx.derivative = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx, cotangent):
        return cotangent * ctx.derivative(ctx.saved_tensors[0]), None, None

    @staticmethod
    def jvp(ctx, tangent, *_):
        return tangent * ctx.derivative(ctx.saved_tensors[0])


def _known(value, derivative):
    return lambda x: _Known.apply(x, value, derivative)


def _over_x(function, x, a, b, c):
    """function(x) / x, close to zero by its series a (1 + b x² (1 + c x²)), derivatives too."""
    near = torch.abs(x) < 0.01
    elsewhere = torch.where(near, 1.0, x)
    series = a * (1 + b * x**2 * (1 + c * x**2))
    return torch.where(near, series, function(elsewhere) / elsewhere)


def _sinc(x):
    return _over_x(torch.sin, torch.pi * x, 1, -1 / 6, -1 / 20)


_j0 = _known(special.bessel_j0, lambda x: -_j1(x))
_j1 = _known(special.bessel_j1, lambda x: _j0(x) - _over_x(_j1, x, 1 / 2, -1 / 8, -1 / 24))
_y0 = _known(special.bessel_y0, lambda x: -_y1(x))
_y1 = _known(special.bessel_y1, lambda x: _y0(x) - _y1(x) / x)
_k0 = _known(special.modified_bessel_k0, lambda x: -_k1(x))
_k1 = _known(special.modified_bessel_k1, lambda x: -_k0(x) - _k1(x) / x)
_k0e = _known(special.scaled_modified_bessel_k0, lambda x: _k0e(x) - _k1e(x))
_k1e = _known(special.scaled_modified_bessel_k1, lambda x: _k1e(x) * (1 - 1 / x) - _k0e(x))


def _heaviside(x, at_zero):
    step = torch.where(x > 0, torch.ones_like(x), torch.zeros_like(x))
    return torch.where(x == 0, at_zero, torch.where(torch.isnan(x), x, step))


# Real tensors give a real tensor. First the names that torch shares.
_SHARED = """
arccos arccosh arcsin arcsinh arctan arctan2 arctanh ceil copysign cos cosh deg2rad exp exp2 expm1
floor fmax fmin fmod hypot log log10 log1p log2 logaddexp logaddexp2 maximum minimum negative
ones_like positive rad2deg reciprocal remainder sign sin sinh sqrt square tan tanh trunc
zeros_like
"""
_SHARED_SPECIAL = """
entr erf erfc erfcx erfinv expit gammaln i0 i0e i1 i1e log_ndtr logit ndtr ndtri psi xlog1py xlogy
"""
REAL = {name: getattr(torch, name) for name in _SHARED.split()}
REAL |= {name: getattr(special, name) for name in _SHARED_SPECIAL.split()}
REAL |= {
    "absolute": torch.abs,
    "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "degrees": torch.rad2deg,
    "fabs": torch.abs,
    "floor_divide": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "heaviside": _heaviside,
    "log_expit": torch.nn.functional.logsigmoid,
    "radians": torch.deg2rad,
    "rint": torch.round,
    "sinc": _sinc,
}
REAL |= {"j0": _j0, "j1": _j1, "y0": _y0, "y1": _y1}
REAL |= {"k0": _k0, "k1": _k1, "k0e": _k0e, "k1e": _k1e}


def choose(condition, x, y):
    """np.where."""
    return torch.where(condition, x, y)


# The same, but one of two may be a float, which is faster than a tensor of one number.
ARITHMETIC = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "float_power": operator.pow,
}

# A real tensor, or two of which one may be a float, give a truth value at each point.
TESTS = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "isfinite": torch.isfinite,
    "isinf": torch.isinf,
    "isnan": torch.isnan,
    "signbit": torch.signbit,
}

# Truth values give truth values.
LOGIC = {
    name: getattr(torch, f"logical_{logic}")
    for logic in ("and", "or", "xor", "not")
    for name in (f"logical_{logic}", f"bitwise_{logic}")
}
LOGIC["invert"] = torch.logical_not


# Functions of NumPy made of the ones above: quantities give a quantity.
def _full_like(a, fill_value):
    return np.zeros_like(a) + fill_value


def _clip(a, a_min=None, a_max=None, *, min=None, max=None):
    lower = a_min if min is None else min
    upper = a_max if max is None else max
    a = a if lower is None else np.maximum(a, lower)
    return a if upper is None else np.minimum(a, upper)


def _piecewise(x, condlist, funclist):
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    pieces = list(funclist)
    if len(pieces) == len(conditions):
        pieces.append(0.0)
    if len(pieces) != len(conditions) + 1:
        raise ValueError(
            "np.piecewise needs one function per condition, and perhaps one for the rest, but came "
            f"with {len(pieces)} for {len(conditions)}. Give lists of one length."
        )
    values = [piece(x) if callable(piece) else piece for piece in pieces]
    result = np.full_like(x, values.pop())
    for condition, value in zip(conditions, values, strict=True):
        result = np.where(condition, value, result)
    return result


def _interp(x, xp, fp):
    nodes, values = np.asarray(xp, dtype=float), np.asarray(fp, dtype=float)
    if nodes.ndim != 1 or nodes.shape != values.shape or not (np.diff(nodes) > 0).all():
        raise ValueError(
            "np.interp needs increasing nodes xp and as many values fp, but came with shapes "
            f"{nodes.shape} and {values.shape}. Use nodes in order, each once."
        )

    def polygon(x):
        at, height = (torch.as_tensor(a.copy()).to(x) for a in (nodes, values))
        # A slope of zero stands beyond each end.
        slopes = torch.nn.functional.pad(height.diff() / at.diff(), (1, 1))
        interval = torch.searchsorted(at, x.detach())
        left = (interval - 1).clamp(min=0)
        return height[left] + slopes[interval] * (x - at[left])

    return x.through(polygon)


COMPOSED = {
    np.clip: _clip,
    np.full_like: _full_like,
    np.interp: _interp,
    np.piecewise: _piecewise,
}


def as_operand(value, like):
    """A float or a tensor for the number or array ``value`` beside the tensor ``like``."""
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        if value.ndim == 0:
            return float(value)
        if value.ndim > 1 or (like.ndim and len(value) != len(like)):
            raise wrong_shape(value.shape, like.shape)
        return torch.as_tensor(np.array(value, dtype=float)).to(like)
    if isinstance(value, torch.Tensor):
        return value
    raise TypeError(
        f"A quantity needs a real number, an array or a quantity beside it, but met "
        f"{shown(value)}. Use one of these; a complex equation is two real ones, with two fields."
    )


def wrong_shape(shape, expected):
    """The error for an array that does not have one number for each point."""
    return ValueError(
        f"An array beside a quantity needs one number for each point, shape {tuple(expected)}, but "
        f"came with shape {tuple(shape)}. The estimator chooses the points: use a function of the "
        "coordinates, such as np.sin(x), or np.interp(x, nodes, values) for a table."
    )


def apply(function, arguments):
    """``function`` of tensors; that they do not fit together is explained."""
    try:
        return function(*arguments)
    except RuntimeError:
        tensors = [a for a in arguments if isinstance(a, torch.Tensor) and a.ndim]
        expected, *others = dict.fromkeys(a.shape for a in tensors) or [()]
        if not others:
            raise
        raise wrong_shape(others[0], expected) from None


UNDECIDED = (
    "A quantity is true at some points and false at others, so that if, and, or, not, max() and "
    "min() cannot decide. Use np.where(u > 0, a, b) in place of if, & | ~ between comparisons in "
    "brackets, such as (0 < u) & (u < 1), and np.maximum and np.minimum in place of max and min."
)
NO_COMPARISON = (
    "& | ^ ~ stand between comparisons, but came with a quantity that is none. Use brackets, for & "
    "binds tighter than <, such as (0 < u) & (u < 1)."
)
NOT_A_NUMBER = (
    "A quantity is a number at each point, but one number was asked for, by float() or the math "
    "module. Use NumPy's functions, such as np.sin(u) in place of math.sin(u)."
)
NOT_AN_ARRAY = (
    "A quantity cannot become a NumPy array, for its derivatives would be lost; np.asarray, "
    "np.array([u, v]), np.sum([u, v]), np.vectorize and most of SciPy ask for that. Use u + v for "
    "sums, a tuple for several residuals, and functions of NumPy or scipy.special on the quantity "
    "itself, such as np.exp(u), np.where(u > 0, u, v) or scipy.special.erf(u)."
)
# What to use instead of functions and methods that look beyond a point.
_INSTEAD = {
    "gradient diff ediff1d convolve unwrap": (
        "Use the derivatives of the fields, such as u.x or u.xx"
    ),
    "max min amax amin nanmax nanmin ptp sort argmax argmin": (
        "Use np.maximum(u, v) or np.minimum(u, v) for the larger or smaller of two"
    ),
    "sum mean prod cumsum cumprod nansum nanmean average median std var trapezoid trapz norm "
    "dot vdot inner outer matmul vecdot matvec vecmat einsum": (
        "Use the quantity itself, for the estimator takes the mean square over the points; "
        "use u + v and u * v for two"
    ),
    "stack concatenate concat hstack vstack dstack column_stack append block": (
        "Give one residual per equation, as a tuple"
    ),
    "shape size ndim reshape empty_like": (
        "Use np.zeros_like(u), np.ones_like(u) or np.full_like(u, 2.0) for a constant"
    ),
}
INSTEAD = {name: advice for names, advice in _INSTEAD.items() for name in names.split()}
_OTHERWISE = "Use functions of one point, such as np.exp, np.sin, np.where or scipy.special.erf"


def not_pointwise(called, name=None):
    """The sentence that refuses ``called``, which NumPy knows by this name."""
    return (
        f"{called} does not work in a residual, which is pointwise: at a point it may use the "
        "coordinates, the fields and their derivatives at that same point only. "
        f"{INSTEAD.get(name, _OTHERWISE)}."
    )


def no_method(name):
    """The sentence that refuses an attribute of arrays."""
    if getattr(np, name, None) in COMPOSED:
        return f"A quantity has no .{name}. Use np.{name}(u, ...)."
    return not_pointwise(f".{name}", name)


def refused(function, method="__call__", settings=()):
    """The error for a function of NumPy, or a use of one, that has no counterpart here."""
    name = function.__name__
    full_name = _full_name(function)
    if method != "__call__":
        return TypeError(not_pointwise(f"{full_name}.{method}", "sum"))
    if name in INSTEAD:
        return TypeError(not_pointwise(full_name, name))
    if settings:
        setting = next(iter(settings))
        instead = {
            "out": "Use a = a + u in place of a += u and of out=a",
            "where": "Use np.where(condition, u, v)",
        }
        return TypeError(
            f"{full_name} of a quantity gives a new quantity, but came with {setting}=. "
            f"{instead.get(setting, 'Leave it out')}."
        )
    supported = [*ARITHMETIC, *REAL, *TESTS, *LOGIC, *(known.__name__ for known in COMPOSED)]
    near = difflib.get_close_matches(name, supported, n=3, cutoff=0.5)
    return TypeError(
        f"{full_name} has no counterpart that is differentiable and acts on each point alone. "
        f"{_OTHERWISE}{'; near in name: ' if near else ''}{', '.join(near)}."
    )


def check_arguments(function, args, kwargs):
    """Raise TypeError for arguments that the counterpart of a function of NumPy does not take."""
    counterpart = choose if function is np.where else COMPOSED.get(function, lambda a, /: a)
    signature = inspect.signature(counterpart)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(
            f"{_full_name(function)} takes {signature} where one of them is a quantity, but it "
            f"came otherwise: {error}. Leave other arguments out."
        ) from None


def _full_name(function):
    name = function.__name__
    if function is np.matmul:
        return "np.matmul, or @,"
    if isinstance(function, np.ufunc):
        return f"np.{name}" if getattr(np, name, None) is function else name
    return f"{function.__module__}.{name}".replace("numpy", "np", 1)
