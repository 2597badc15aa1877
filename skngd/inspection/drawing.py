"""What the displays share: axes, and lines that are told apart in grey and on dark ground."""

# Okabe and Ito's colours, which colour-blind readers can tell apart, without the pale ones; marks
# and dashes say the same in grey. There is a mark more than colours: no line looks like another.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
# Lines and frames that are no data: they stand out from white and from black.
NEUTRAL = "0.5"
# Marks on a line, about.
N_MARKS = 12


def axes_for(ax):
    """Axes to draw on: those that are given, or those of a new figure.

    Raises
    ------
    ImportError
        If matplotlib is not there.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays draw with matplotlib, which is not installed. Install it, or the extra that "
            "brings it: pip install 'skngd[plot]'."
        ) from error
    return plt.subplots(layout="constrained")[1]


def line_style(number, n_points=0):
    """Colour, dashes and marks of line number so and so."""
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
        "markevery": max(1, n_points // N_MARKS),
        "markersize": 4.5,
        "markerfacecolor": "none",
        "linewidth": 1.4,
    }


def styled(style, **otherwise):
    """Keyword arguments of an artist: those of the caller go before."""
    return {**otherwise, **(style or {})}


def keep(display, ax, *artists):
    """Store where a display was drawn; returns the display."""
    display.ax_, display.figure_, display.artists_ = ax, ax.figure, artists
    return display
