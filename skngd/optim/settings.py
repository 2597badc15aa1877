"""From flat names to a method; combinations that would not run as named are refused."""

from ..tangent import FACTORIZATIONS
from .baselines import LBFGS, Adam
from .directions import GradientDescent, NaturalGradient, Newton
from .memories import MEMORIES
from .method import ProjectedMethod
from .momentum import HeavyBall, Nesterov, NoMomentum, ParameterHeavyBall, ParameterNesterov, Spring
from .searches import Backtracking, DrawnStep, FixedStep, Grid
from .trust_region import TrustRegion

# λ / ‖A‖² where neither damping nor rcond is given: 1e-5 of the norm of A.
RELATIVE_DAMPING = 1e-10
# The same for SPRING, whose memory lives in the directions that the damping holds back.
SPRING_RELATIVE_DAMPING = 1e-5

DEFAULT_MOMENTUM = {"ngd": "heavy-ball"}
DEFAULT_STEP = {"ngd": "trust-region", "newton": "trust-region", "gd": "backtracking"}


# The names that a setting may have; numbers are allowed beside those of ``step_size``.
NAMES = {
    "optimizer": ("ngd", "gd", "newton", "adam", "lbfgs"),
    "momentum": (None, "heavy-ball", "nesterov", "spring"),
    "momentum_space": ("function", "parameter"),
    "memory": tuple(MEMORIES),
    "restart": (None, "loss", "gradient"),
    "step_size": ("auto", "trust-region", "backtracking", "grid", "christoffel"),
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
    optimizer, momentum, momentum_space, memory, beta, restart, step_size, projection, rcond, \
damping, geodesic_acceleration, variable_projection
        As in :class:`skngd.NaturalMomentumRegressor`.

    Returns
    -------
    method : ProjectedMethod, Adam or LBFGS

    Raises
    ------
    ValueError
        If a name or number is none of those allowed, or the combination would run another method
        than it names.
    """
    if momentum == "auto":
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
    check_combination(optimizer, momentum, momentum_space, step_size, damping, projection)
    if optimizer == "adam":
        return Adam(1e-3 if isinstance(step_size, str) else step_size)
    if optimizer == "lbfgs":
        return LBFGS()
    rank_cut = 0.0 if rcond == "auto" else rcond
    directions = {
        "ngd": lambda: NaturalGradient(projection, rank_cut),
        "newton": lambda: Newton(projection, rank_cut),
        "gd": GradientDescent,
    }
    in_function_space = momentum_space == "function"
    momenta = {
        None: NoMomentum,
        "heavy-ball": lambda: (
            HeavyBall(MEMORIES[memory]) if in_function_space else ParameterHeavyBall()
        ),
        "nesterov": lambda: (
            Nesterov(MEMORIES[memory]) if in_function_space else ParameterNesterov()
        ),
        "spring": Spring,
    }
    if step_size == "auto":
        step_size = DEFAULT_STEP[optimizer]
    if step_size == "trust-region":
        search = TrustRegion(
            None if damping == "auto" else damping,
            geodesic_acceleration=geodesic_acceleration and optimizer == "ngd",
            variable_projection=variable_projection and optimizer == "ngd",
        )
    else:
        undamped = damping == "auto" or optimizer == "gd"
        absolute, relative = 0.0 if undamped else damping, 0.0
        if damping == "auto" and momentum == "spring":
            relative = SPRING_RELATIVE_DAMPING
        elif damping == "auto" and rcond == "auto" and optimizer == "ngd":
            relative = RELATIVE_DAMPING
        if step_size == "backtracking":
            largest = 1.0 if optimizer != "gd" else float("inf")
            search = Backtracking(absolute, relative, largest)
        elif step_size == "grid":
            search = Grid(absolute, relative)
        elif step_size == "christoffel":
            search = DrawnStep(absolute, relative)
        else:
            search = FixedStep(step_size, absolute, relative)
    return ProjectedMethod(directions[optimizer](), momenta[momentum](), search, beta, restart)


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


def check_combination(optimizer, momentum, momentum_space, step_size, damping, projection):
    """Refuse what would silently run another method than it names.

    Raises
    ------
    ValueError
        With the combination, the reason, and what to set instead.
    """
    if optimizer in ("adam", "lbfgs") and momentum is not None:
        raise ValueError(
            f"optimizer={optimizer!r} has no place for momentum={momentum!r}: it is a baseline "
            "with a memory of its own. Set momentum=None, or optimizer='ngd'."
        )
    if momentum == "spring" and optimizer != "ngd":
        raise ValueError(
            f"momentum='spring' is a damped natural gradient; with optimizer={optimizer!r} there "
            "is none. Set optimizer='ngd', or momentum to None, 'heavy-ball' or 'nesterov'."
        )
    if momentum == "spring" and damping == 0:
        raise ValueError(
            "momentum='spring' remembers the directions that the damping holds back, so that "
            "damping=0 would be the plain natural gradient. Set damping to a positive number or to "
            "'auto', or momentum=None."
        )
    if optimizer == "gd" and momentum is not None and momentum_space == "function":
        raise ValueError(
            f"momentum={momentum!r} with momentum_space='function' projects a function onto the "
            "tangent space, and optimizer='gd' has no projection. Set momentum_space='parameter' "
            "for the classical form, or optimizer='ngd'."
        )
    if optimizer == "gd" and step_size == "trust-region":
        raise ValueError(
            "step_size='trust-region' controls the damping of a projection, and optimizer='gd' has "
            "none. Set step_size to 'backtracking', 'grid' or a number."
        )
    if optimizer == "newton" and projection == "cg":
        raise ValueError(
            "projection='cg' forms no matrix, and optimizer='newton' forms the Hessian of all "
            "parameters. Set optimizer='ngd', or another projection."
        )
    if step_size == "christoffel" and optimizer != "ngd":
        raise ValueError(
            "step_size='christoffel' is the length of a projected gradient, and "
            f"optimizer={optimizer!r} does not project it. Set optimizer='ngd', or step_size to "
            "'auto' or a number."
        )
    if optimizer == "adam" and step_size in ("backtracking", "grid", "trust-region"):
        raise ValueError(
            f"optimizer='adam' takes a constant step length, not step_size={step_size!r}. Set "
            "step_size to a number or to 'auto' (0.001)."
        )
    if optimizer == "lbfgs" and step_size != "auto":
        raise ValueError(
            "optimizer='lbfgs' searches its step length by the strong Wolfe conditions, so that "
            f"step_size={step_size!r} cannot be used. Set step_size='auto'."
        )
