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
        The setting whose value offers it, or not.
    """

    what: str
    instead: str
    of: str = "optimizer"


PLACE = Need("a place for momentum", "momentum=None, or optimizer='ngd'")
PROJECTED_MEMORY = Need(
    "a projection onto the tangent space",
    "momentum_space='parameter' for the classical form, or optimizer='ngd'",
)
NATURAL_MEMORY = Need(
    "a projected gradient", "optimizer='ngd', or momentum to None, 'heavy-ball' or 'nesterov'"
)
HELD_BACK = Need(
    "directions that the damping holds back", "damping to 'auto' or a positive number", "damping"
)
SEARCH = Need("a step length to search", "step_size='auto', which fits each optimizer")
CONSTANT_STEP = Need("a step length to set", "step_size='auto'")
NATURAL_STEP = Need("a projected gradient", "optimizer='ngd', or step_size to 'auto' or a number")
DAMPING = Need("a damping to control", "step_size to 'auto', 'backtracking', 'grid' or a number")
SPECTRUM = Need(
    "the singular values of the Jacobian", "projection to 'auto', 'svd' or 'qr'", "projection"
)
NO_MATRIX = Need("steps without a matrix", "optimizer='ngd', or another projection")


def check_needs(needs, settings, offers):
    """Refuse what would silently run another method than it names.

    ``needs`` and ``offers`` have, by setting, what the part that its value names needs and offers;
    ``settings`` has the values. The error says what is missing, and what to set instead.
    """
    for setting, wanted in needs.items():
        for need in wanted:
            if need not in offers[need.of]:
                raise ValueError(
                    f"{setting}={settings[setting]!r} needs {need.what}, and "
                    f"{need.of}={settings[need.of]!r} has none. Set {need.instead}."
                )
