"""What the parts of a method need of each other, and the one check that says so."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """Something that a part cannot do without.

    Attributes
    ----------
    what : str
        In words, as it stands in the message.
    instead : str
        What to set where it is not there.
    of : str, default="optimizer"
        The setting that offers it, or not.
    """

    what: str
    instead: str
    of: str = "optimizer"


# What optimizers offer.
MOMENTUM = "a place for momentum"
PROJECTION = "a projection onto the tangent space"
NATURAL_GRADIENT = "a projected gradient"
DAMPING = "a damping to control"
SEARCHED_STEP = "a step length to search"
CONSTANT_STEP = "a step length to set"
NO_MATRIX = "steps without a matrix"
# What damping offers.
POSITIVE_DAMPING = "directions that the damping holds back"


def check_needs(needs, settings, offers):
    """Refuse what would silently run another method than it names.

    Parameters
    ----------
    needs : dict of str to sequence of Need
        By setting, what the part needs that its value names.
    settings : dict
        The values of the settings, for the message.
    offers : dict of str to collection of str
        By setting, what its value offers.

    Raises
    ------
    ValueError
        With the combination, what is missing, and what to set instead.
    """
    for setting, wanted in needs.items():
        for need in wanted:
            if need.what not in offers[need.of]:
                raise ValueError(
                    f"{setting}={settings[setting]!r} needs {need.what}, and "
                    f"{need.of}={settings[need.of]!r} has none. Set {need.instead}."
                )
