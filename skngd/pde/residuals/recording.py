"""One recorded call of a condition: what it asks for, and whether it is what it has to be."""

from functools import partial
from numbers import Real

import numpy as np
import torch

from ...geometry.shown import shown
from ..expressions.places import as_tensor
from ..expressions.quantity import METHODS, Quantity, Truth
from .blocks import gradients
from .bound import written
from .nodes import NodeKey


class Recording:
    """Calls of a condition with random jets, which note the derivatives that are asked for.

    ``requested`` has a set of (field, multi-index) for each site, by its number, and for the nodes
    of integrals by their key.
    """

    def __init__(self, bound):
        self.bound, self.problem = bound, bound.stated.problem
        self.name = bound.stated.name()
        self.requested, self.jets = {site: set() for site in range(len(bound.sites))}, {}
        self.random = np.random.RandomState(0)

    def __call__(self, unknowns):
        """The equations at random jets, checked.

        Refused is what is no quantity, has another shape, is not finite or depends on other points.
        """
        x = self.bound.sites[0]
        rows = [self._checked(row, x) for row in self.rows(unknowns)]
        every = torch.arange(len(x), device=x.device)
        self._compare(rows, unknowns, every.flip(0), "In another order of the points")
        self._compare(rows, unknowns, every[::2], "On half of the points")
        return rows

    def coefficients(self):
        """The coefficients of rows that are linear in the fields, and know no unknowns.

        Shape (e, m) by (field, multi-index), for rows that were recorded before; None for others.
        """
        fields, x = self.requested[0], self.bound.sites[0]
        if self.problem.unknowns or len(self.requested) > 1 or not fields:
            return None
        jets = self.jets
        leaves = {key: jet.detach().requires_grad_() for key, jet in jets.items()}
        self.jets = leaves
        with torch.enable_grad():
            rows = [as_tensor(row, x).expand(len(x)) for row in self.rows(x.new_zeros(0))]
            found = [gradients(row, list(leaves.values()), create_graph=True) for row in rows]
        self.jets = jets
        if any(one.requires_grad for of_row in found for one in of_row):
            return None
        columns = [torch.stack(column) for column in zip(*found, strict=True)]
        return {key[1:]: column for key, column in zip(leaves, columns, strict=True)}

    def rows(self, unknowns, points=None):
        """The equations at some of the points, None for all, each a quantity or a number."""
        order = slice(None) if points is None else points

        def noted(site, *key):
            self.requested.setdefault(site, set()).add(key)
            if (site, *key) not in self.jets:
                x = self.bound.sites[getattr(site, "site", site)]
                shape = self.bound.nodes(site).shape if isinstance(site, NodeKey) else len(x)
                self.jets[site, *key] = x.new_tensor(self.random.uniform(0.1, 1.0, shape))
            return self.jets[site, *key][..., order]

        lookups = [partial(noted, site) for site in range(len(self.bound.sites))]
        bound = self.bound if points is None else self.bound.part(points)
        try:
            rows = bound.equations(lookups, unknowns, lambda key: partial(noted, key))
        except TypeError as error:
            advice = self._advice(str(error))
            if advice is None:
                raise
            raise TypeError(f"{str(error).rstrip('.')}. {advice}") from error
        self._check_kinds(rows)
        return rows

    def _check_kinds(self, rows):
        wanted = (
            f"Expected {self.name} to give one number for each point, or a tuple of such, one "
            "for each equation, got"
        )
        if not rows:
            raise ValueError(f"{wanted} an empty tuple. Give one expression for each equation.")
        for row in rows:
            if isinstance(row, (Truth, bool, np.bool_)) or _kind(row) == "b":
                raise ValueError(
                    f"{wanted} a comparison, which is true or false. Give what has to vanish: "
                    "write u.xx - 1, not u.xx == 1."
                )
            if row is None:
                raise ValueError(f"{wanted} None. Check its end: is there a return?")
            if isinstance(row, (tuple, list)):
                raise ValueError(
                    f"{wanted} a {type(row).__name__} within it. Give all equations in one tuple, "
                    "such as return first, second."
                )
            if not (isinstance(row, (Quantity, Real)) or _kind(row) in "iuf"):
                raise ValueError(
                    f"{wanted} {shown(row):.80} of type {type(row).__name__}. Compute it from the "
                    "fields and coordinates that it is called with, such as u.xx - np.sin(x)."
                )

    def _checked(self, row, x):
        tensor = as_tensor(row, x)
        if tensor.shape not in ((), (1,), (len(x),)):
            raise ValueError(
                f"Expected {self.name} to give one number for each of the {len(x)} points, or a "
                f"tuple of such, one for each equation; got shape {tuple(tensor.shape)}. Compute "
                "it from the fields and coordinates that it is called with."
            )
        tensor = tensor.expand(len(x))
        bad = torch.nonzero(~torch.isfinite(tensor))
        if len(bad):
            first = int(bad[0])
            raise ValueError(
                f"Expected {self.name} to be finite, got {float(tensor[first])} at "
                f"({written(self.problem, x[first])}), one of {len(bad)} such points. Check it "
                "there for division by zero or a logarithm of zero, or take the point out of the "
                "domain."
            )
        return tensor

    def _compare(self, rows, unknowns, points, how):
        """Refuse a condition whose values change with the other points."""
        sentence = (
            f"Expected {self.name} to be pointwise: the value at a point may depend on that "
            f"point only. {how}, {{came}}. Write it with the fields, the coordinates and NumPy "
            "functions of one number; it has to give the same each time."
        )
        x = self.bound.sites[0][points]
        try:
            again = [as_tensor(row, x) for row in self.rows(unknowns, points)]
        except ValueError as error:
            raise ValueError(sentence.format(came=f"it failed: {error}")) from error
        if len(again) != len(rows):
            raise ValueError(sentence.format(came="another number of equations came"))
        eps = torch.finfo(x.dtype).eps
        for row, other in zip(rows, again, strict=True):
            if other.shape not in ((), (1,), (len(x),)):
                came = f"shape {tuple(other.shape)} came for {len(x)} points"
                raise ValueError(sentence.format(came=came))
            # Rounding may differ with the place in memory, by parts of what cancels.
            atol = 100 * eps * float(row.abs().max())
            rtol = max(1e-6, 100 * eps)
            if not bool(torch.isclose(row[points], other, rtol=rtol, atol=atol).all()):
                raise ValueError(sentence.format(came="other values came"))

    def _advice(self, message):
        """What to try for a TypeError of a residual; None where the error says it itself."""
        if "must be Tensor, not" in message:
            return "Use NumPy's functions, such as np.sin(x) in place of torch.sin(x)."
        problem = self.problem
        taken = [name for name in problem.domain.names if name in METHODS]
        if taken and "method" in message:
            return (
                f"The names {METHODS} are taken, by methods of fields. Use "
                f"{problem.fields[0]}.d({taken[0]!r}) for the derivative in {taken[0]}."
            )
        for name, value in problem.coefficients_by_name().items():
            is_number = isinstance(value, (Real, np.ndarray)) or hasattr(value, "transform")
            if not is_number and any(
                x in message for x in (repr(value), f"'{type(value).__name__}'")
            ):
                return (
                    f"The coefficient {name}={shown(value)} of {type(problem).__name__} may be the "
                    "reason. Give it as a number, an Unknown or an Input."
                )
        return None


def _kind(row):
    """The letter of an array's kind of numbers."""
    return row.dtype.kind if isinstance(row, (np.ndarray, np.generic)) else "O"
