"""From flat names to a method; combinations that would not run as named are refused."""

from ..tangent import FACTORIZATIONS
from ..tangent.base import ADAPTIVE
from .baselines import LBFGS, Adam
from .directions import GradientDescent, NaturalGradient, Newton
from .memories import MEMORIES
from .method import ProjectedMethod
from .momentum import (
    HeavyBall,
    Nesterov,
    NoMomentum,
    ParameterHeavyBall,
    ParameterNesterov,
    Spring,
)
from .needs import HELD_BACK, NO_MATRIX, SPECTRUM, check_needs
from .running import BatchStep, RunningGradient
from .searches import Backtracking, DrawnStep, FixedStep, Grid
from .trust_region import TrustRegion

# λ / ‖A‖² where neither damping nor rcond is given: 1e-5 of the norm of A.
RELATIVE_DAMPING = 1e-10
# The same for SPRING, whose memory lives in the directions that the damping holds back.
SPRING_RELATIVE_DAMPING = 1e-5
# α of Adam.
ADAM_STEP = 1e-3

# What the names of the settings stand for.
OPTIMIZERS = {
    "ngd": NaturalGradient,
    "gd": GradientDescent,
    "newton": Newton,
    "adam": Adam,
    "lbfgs": LBFGS,
}
# Those that project the gradient, and cut off singular values.
PROJECTING = NaturalGradient, Newton
MOMENTA: dict[str, dict[str, type]] = {
    "function": {"heavy-ball": HeavyBall, "nesterov": Nesterov, "spring": Spring},
    "parameter": {
        "heavy-ball": ParameterHeavyBall,
        "nesterov": ParameterNesterov,
        "spring": Spring,
    },
}
SEARCHES = {
    "trust-region": TrustRegion,
    "backtracking": Backtracking,
    "grid": Grid,
    "christoffel": DrawnStep,
    "batches": BatchStep,
}
# What "auto" stands for.
DEFAULT_MOMENTUM = {"ngd": "heavy-ball"}
# The momentum of "auto" where each step sees fresh rows, and its μ: a memory of some ten batches.
BATCH_MOMENTUM, BATCH_BETA = "spring", 0.9
DEFAULT_STEP = {"ngd": "trust-region", "newton": "trust-region", "gd": "backtracking"}

# The names that a setting may have; numbers are allowed beside those of ``step_size``.
NAMES = {
    "optimizer": tuple(OPTIMIZERS),
    "momentum": (None, *MOMENTA["function"]),
    "momentum_space": tuple(MOMENTA),
    "memory": tuple(MEMORIES),
    "restart": (None, "loss", "gradient"),
    "step_size": ("auto", *SEARCHES),
    "projection": ("auto", *FACTORIZATIONS),
}


def build_method(
    optimizer="ngd",
    *,
    momentum="auto",
    momentum_space="function",
    memory="momentum",
    beta=0.5,
    restart="loss",
    step_size="auto",
    projection="auto",
    rcond="auto",
    damping="auto",
    geodesic_acceleration=True,
    variable_projection=False,
):
    """Build a method from the names of the hyperparameters.

    Parameters
    ----------
    optimizer : {"ngd", "gd", "newton", "adam", "lbfgs"}, default="ngd"
        As in :class:`skngd.NaturalMomentumRegressor`.
    momentum : {"auto", "heavy-ball", "nesterov", "spring"} or None, default="auto"
        As in :class:`skngd.NaturalMomentumRegressor`.
    momentum_space : {"function", "parameter"}, default="function"
        As in :class:`skngd.NaturalMomentumRegressor`.
    memory : {"momentum", "difference", "gradient"}, default="momentum"
        As in :class:`skngd.NaturalMomentumRegressor`.
    beta : float, default=0.5
        As in :class:`skngd.NaturalMomentumRegressor`.
    restart : {"loss", "gradient"} or None, default="loss"
        As in :class:`skngd.NaturalMomentumRegressor`.
    step_size : str or float, default="auto"
        As in :class:`skngd.NaturalMomentumRegressor`.
    projection : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
        As in :class:`skngd.NaturalMomentumRegressor`.
    rcond : float, "auto" or "adaptive", default="auto"
        As in :class:`skngd.NaturalMomentumRegressor`.
    damping : float or "auto", default="auto"
        As in :class:`skngd.NaturalMomentumRegressor`.
    geodesic_acceleration : bool, default=True
        As in :class:`skngd.NaturalMomentumRegressor`.
    variable_projection : bool, default=False
        As in :class:`skngd.PINNEstimator`.

    Returns
    -------
    method : ProjectedMethod, Adam or LBFGS
        To be given to :func:`minimize`.

    Raises
    ------
    ValueError
        If a name or number is none of those allowed, or the combination would run another method
        than it names.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> method = build_method(momentum="nesterov", memory="difference", beta=0.9, step_size=0.1)
    >>> [type(part).__name__ for part in (method.direction, method.momentum, method.search)]
    ['NaturalGradient', 'Nesterov', 'FixedStep']
    """
    if momentum == "auto" and step_size == "batches":
        momentum, beta = BATCH_MOMENTUM, BATCH_BETA if beta else 0.0
    elif momentum == "auto":
        momentum = DEFAULT_MOMENTUM.get(optimizer)
    check_names(
        optimizer=optimizer,
        momentum=momentum,
        momentum_space=momentum_space,
        memory=memory,
        restart=restart,
        step_size=step_size,
        projection=projection,
    )
    if not -1 < beta < 1:
        raise ValueError(f"Expected beta between -1 and 1, got {beta!r}. Try 0.5.")
    if momentum is None:
        beta = 0.0
    kind = OPTIMIZERS[optimizer]
    momentum_kind = MOMENTA[momentum_space].get(momentum, NoMomentum)
    named_step = DEFAULT_STEP.get(optimizer) if step_size == "auto" else step_size
    search_kind = SEARCHES.get(named_step, FixedStep)
    check_needs(
        {
            "momentum": momentum_kind.needs,
            "projection": () if _forms_matrix(projection) else (NO_MATRIX,),
            "step_size": () if named_step is None else search_kind.needs,
            "rcond": (SPECTRUM,) if rcond == ADAPTIVE and kind in PROJECTING else (),
        },
        {
            "optimizer": optimizer,
            "momentum": momentum,
            "projection": projection,
            "step_size": step_size,
            "damping": damping,
            "rcond": rcond,
        },
        {
            "optimizer": kind.offers,
            "damping": () if damping == 0 else (HELD_BACK,),
            "projection": (SPECTRUM,) if _has_spectrum(projection) else (),
        },
    )
    if kind is LBFGS:
        return LBFGS()
    if kind is Adam:
        return Adam(ADAM_STEP if named_step is None else named_step)
    direction = kind()
    if kind is not GradientDescent:
        direction = kind(projection, 0.0 if rcond == "auto" else rcond)
    takes_memory = momentum_space == "function" and momentum in ("heavy-ball", "nesterov")
    inertia = momentum_kind(MEMORIES[memory]) if takes_memory else momentum_kind()
    is_natural = kind is NaturalGradient
    if search_kind is BatchStep:
        if projection in ("auto", "gram") and rcond == "auto":
            direction = RunningGradient()
        # On fresh rows neither a loss nor a gradient is asked whether momentum may stay.
        search, restart = BatchStep(None if damping == "auto" else damping), None
    elif search_kind is TrustRegion:
        search = TrustRegion(
            None if damping == "auto" else damping,
            geodesic_acceleration=geodesic_acceleration and is_natural,
            variable_projection=variable_projection and is_natural,
        )
    else:
        relative = 0.0
        if damping == "auto" and momentum == "spring":
            relative = SPRING_RELATIVE_DAMPING
        elif damping == "auto" and rcond == "auto" and is_natural:
            relative = RELATIVE_DAMPING
        undamped = damping == "auto" or kind is GradientDescent
        damped = {"damping": 0.0 if undamped else damping, "relative_damping": relative}
        if search_kind is FixedStep:
            search = FixedStep(named_step, **damped)
        elif search_kind is Backtracking and kind is GradientDescent:
            search = Backtracking(**damped, largest=float("inf"))
        else:
            search = search_kind(**damped)
    return ProjectedMethod(direction, inertia, search, beta, restart)


def _forms_matrix(projection):
    return projection == "auto" or FACTORIZATIONS[projection].forms_matrix


def _has_spectrum(projection):
    return projection == "auto" or FACTORIZATIONS[projection].has_spectrum


def check_names(**settings):
    """Refuse names that stand for nothing.

    Raises
    ------
    ValueError
        With the setting, its names, and what came.
    """
    for setting, value in settings.items():
        names = NAMES[setting]
        is_number = setting == "step_size" and not isinstance(value, str) and value is not None
        if value not in names and not is_number:
            numbers = ", or a number," if setting == "step_size" else ","
            raise ValueError(
                f"Expected {setting} to be one of {', '.join(map(repr, names))}{numbers} got "
                f"{value!r}."
            )
