"""How large the terms of a linear equation are at each of its points, tag (Units)."""

from dataclasses import dataclass

import numpy as np
import torch

# Terms that are this much smaller than on average count as larger than they are, and a change from
# point to point that is none.
LEAST, EVEN = 1e-4, 1e-6


@dataclass(frozen=True)
class LocalSizes:
    """Units of an equation whose coefficients vary: its terms with fields, at each point.

    A factor on the equation that is another one at each point then changes no iterate, as one
    number for all does not. Where a coefficient is large, the equation would weigh most.

    Attributes
    ----------
    half_width : ndarray of shape (d,)
        Of each coordinate.
    fields : dict of str to float
        How large each field is.
    reference : ndarray of shape (e, 1)
        The sizes of the terms of each equation on average.
    """

    half_width: np.ndarray
    fields: dict[str, float]
    reference: np.ndarray

    @classmethod
    def of(cls, block, half_width, fields):
        """Those of a block; None where its coefficients are the same at all points."""
        if block.terms is None:
            return None
        sizes = cls(half_width, fields, np.ones((block.n_equations, 1)))._sizes(block)
        reference = sizes.square().mean(1, keepdim=True).sqrt()
        if not bool(torch.isfinite(reference).all()):
            return None
        reference = torch.where(reference > 0, reference, 1.0)
        spread = sizes.amax(1, keepdim=True) - sizes.amin(1, keepdim=True)
        if bool((spread <= EVEN * reference).all()):
            return None
        return cls(half_width, fields, reference.cpu().numpy().astype(float))

    def at(self, block):
        """What each equation of a block is divided by at each point, shape (e, m)."""
        sizes = self._sizes(block)
        return (sizes / torch.as_tensor(self.reference).to(sizes)).clamp_min(LEAST)

    def _sizes(self, block):
        """The root of the sum of squares of the terms, shape (e, m), for typical fields."""
        total = torch.zeros_like(block.row_weights)
        for (field, index), coefficients in block.terms.items():
            unit = self.fields[field] / np.prod([self.half_width[axis] for axis in index])
            total = total + (unit * coefficients) ** 2
        return total.sqrt()
