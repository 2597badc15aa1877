"""A prior for a field that nothing but its smoothness is known of."""

from .condition import Condition


class Smoothness(Condition):
    """∂²q/∂x_i² = 0 for each coordinate, in units of the domain: rows of a prior, equation (Prior).

    Parameters
    ----------
    field : str
    units : dict of str to float
        By coordinate, what one unit of the domain is.
    weight : float
    """

    def __init__(self, field, units, weight=1.0):
        super().__init__(None, field, weight, f"smoothness {field}")
        self.units = units

    def equations(self, places):
        (place,) = places
        q = place.fields[self.field]
        return [unit**2 * q.d(name, name) for name, unit in self.units.items()]
