"""Known problems, written as a user would write them, each with its solution.

Every coefficient may be a number, an :class:`~skngd.pde.Unknown` or an :class:`~skngd.pde.Input`.
"""

import numpy as np

from ..geometry.box import Box
from ..geometry.shown import shown
from ..pde.conditions import Dirichlet, Equation, Initial, Neumann
from ..pde.problem import Problem
from . import solutions


class KnownProblem(Problem):
    """A problem with a known solution; derive a class and state ``residual`` and ``exact``.

    See Also
    --------
    skngd.problems.zoo.Heat : Heat in a rod.
    skngd.problems.zoo.PredatorPrey : A system of two equations.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import PINNEstimator
    >>> from skngd.pde import Box, Dirichlet
    >>> from skngd.problems.zoo import KnownProblem
    >>> class Bow(KnownProblem):
    ...     domain = Box(x=(0, 1))
    ...     conditions = (Dirichlet(0.0),)
    ...
    ...     def residual(self, u, x):
    ...         return u.xx + 2
    ...
    ...     def exact(self, x):
    ...         return x * (1 - x)
    >>> X = Bow.domain.sample(50)
    >>> solver = PINNEstimator(Bow(), (8,), random_state=0).fit()
    >>> bool(np.allclose(solver.predict(X), Bow().solution(X), atol=1e-8))
    True
    """

    def solution(self, X):
        """The solution at points.

        Parameters
        ----------
        X : array-like of shape (n, d)
            The coordinates of the domain, then the inputs, as for ``predict``.

        Returns
        -------
        u : ndarray of shape (n,) or (n, n_fields)
            One column for each field if there are several.

        Raises
        ------
        ValueError
            If the number of columns is another one, or if a coefficient is unknown.
        """
        X = np.asarray(X, dtype=float)
        names = (*self.domain.names, *self.inputs)
        if X.ndim != 2 or X.shape[1] != len(names):
            raise ValueError(
                f"Expected X of shape (n, {len(names)}) with the columns {names}, got shape "
                f"{X.shape}. Give one row for each point, such as X.reshape(-1, 1)."
            )
        for name, value in self.unknowns.items():
            raise ValueError(
                f"Expected numbers or inputs as coefficients of a known solution, got "
                f"{name}={shown(value)}. Call set_params({name}=...) with a number first."
            )
        n = len(self.domain.names)
        inputs = dict(zip(self.inputs, X.T[n:], strict=True))
        return self.with_coefficients(inputs).exact(*X.T[:n])

    def exact(self, *coordinates):
        """The solution at coordinates of shape (n,), where inputs are arrays of that shape.

        Parameters
        ----------
        *coordinates : ndarray of shape (n,)
            In the order of the domain.

        Returns
        -------
        u : ndarray of shape (n,) or (n, n_fields)
            The solution there.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method exact. Give it one.")


# values at the start and on faces


def sine(x):
    """sin πx."""
    return np.sin(np.pi * x)


def minus_sine(x):
    """−sin πx."""
    return -np.sin(np.pi * x)


def square_cosine(x):
    """x² cos πx."""
    return x**2 * np.cos(np.pi * x)


def sum_of_sines(x1, x2, x3, x4, x5):
    """Σ sin πx_k."""
    return sum(np.sin(np.pi * x) for x in (x1, x2, x3, x4, x5))


def moment(u, x):
    """u'', the bending moment of a beam over its stiffness."""
    return u.xx


def shear(u, x):
    """u''', the shear force of a beam over its stiffness."""
    return u.xxx


# elliptic problems


class Laplace2D(KnownProblem):
    """Δu = −2π² sin πx sin πy on the unit square, u = 0 on its boundary.

    The solution is u = sin πx sin πy. Source: J. Müller and M. Zeinhofer, *Achieving high accuracy
    with PINNs via energy natural gradient descent* (2023).

    See Also
    --------
    skngd.problems.zoo.Laplace5D : The same in five dimensions.
    skngd.problems.zoo.Heat : Heat in a rod.

    Examples
    --------
    >>> from skngd.problems.zoo import Laplace2D
    >>> problem = Laplace2D()
    >>> problem.domain
    Box(x=(0.0, 1.0), y=(0.0, 1.0))
    >>> print(problem.solution([[0.5, 0.5], [0.25, 0.5]]).round(4))
    [1.     0.7071]
    """

    domain = Box(x=(0, 1), y=(0, 1))
    conditions = (Dirichlet(0.0),)

    def residual(self, u, x, y):
        return u.xx + u.yy + 2 * np.pi**2 * np.sin(np.pi * x) * np.sin(np.pi * y)

    def exact(self, x, y):
        return solutions.laplace_sines(np.stack([x, y], axis=1))


class Laplace5D(KnownProblem):
    """Δu = −π² Σ sin πx_k on the unit cube in five dimensions, u = Σ sin πx_k on its boundary.

    The solution is u = Σ sin πx_k. The right-hand side can also be found with the other sign,
    Δu = π² Σ sin πx_k; that one does not fit the boundary values, for Δ sin πx = −π² sin πx.
    Source: J. Müller and M. Zeinhofer, *Achieving high accuracy with PINNs via energy natural
    gradient descent* (2023).

    See Also
    --------
    skngd.problems.zoo.Laplace2D : Poisson's equation on a square.

    Examples
    --------
    >>> from skngd.problems.zoo import Laplace5D
    >>> problem = Laplace5D()
    >>> problem.domain
    Box(x1=(0.0, 1.0), x2=(0.0, 1.0), x3=(0.0, 1.0), x4=(0.0, 1.0), x5=(0.0, 1.0))
    >>> print(problem.solution([[0.5] * 5, [0.0] * 5]).round(4))
    [5. 0.]
    """

    domain = Box(x1=(0, 1), x2=(0, 1), x3=(0, 1), x4=(0, 1), x5=(0, 1))
    conditions = (Dirichlet(sum_of_sines),)

    def residual(self, u, *x):
        return u.laplacian() + np.pi**2 * sum_of_sines(*x)

    def exact(self, *x):
        return solutions.laplace_sines(np.stack(x, axis=1), "sum")


class AdvectionDiffusion(KnownProblem):
    """−ε u'' + u' = 1 on [0, 1], u(0) = u(1) = 0.

    The solution is u = x − (e^{(x−1)/ε} − e^{−1/ε}) / (1 − e^{−1/ε}), with a boundary layer of
    width ε at x = 1. Source: A. Nouy and A. Somacal, *Natural gradient descent with momentum*
    (2026).

    Parameters
    ----------
    eps : float, Unknown or Input, default=0.1
        Diffusion ε, positive.
    hard : bool, default=True
        Build the conditions into the ansatz, u = 4x(1 − x) · network.

    See Also
    --------
    skngd.problems.zoo.ReactionDiffusion : A cubic equation.
    skngd.problems.zoo.Burgers : A shock that forms.

    Examples
    --------
    >>> from skngd.problems.zoo import AdvectionDiffusion
    >>> problem = AdvectionDiffusion(eps=0.1)
    >>> problem.domain
    Box(x=(0.0, 1.0))
    >>> print(problem.solution([[0.5], [0.9]]).round(4))
    [0.4933 0.5321]
    """

    domain = Box(x=(0, 1))

    def __init__(self, eps=0.1, hard=True):
        self.eps, self.hard = eps, hard

    @property
    def conditions(self):
        return (Dirichlet(0.0, hard=self.hard),)

    def residual(self, u, x):
        return -self.eps * u.xx + u.x - 1

    def exact(self, x):
        return solutions.advection_diffusion(x, self.eps)


class ReactionDiffusion(KnownProblem):
    """−u'' + u³ = π² cos πx + cos³ πx on [−1, 1], u'(±1) = 0.

    The solution is u = cos πx. Source: A. Nouy and A. Somacal, *Natural gradient descent with
    momentum* (2026).

    Parameters
    ----------
    hard : bool, default=True
        Build the conditions into the ansatz.

    See Also
    --------
    skngd.problems.zoo.AdvectionDiffusion : A boundary layer.
    skngd.problems.zoo.AllenCahn : Phases that separate.

    Examples
    --------
    >>> from skngd.problems.zoo import ReactionDiffusion
    >>> problem = ReactionDiffusion()
    >>> problem.domain
    Box(x=(-1.0, 1.0))
    >>> print(problem.solution([[0.0], [1.0]]).round(4))
    [ 1. -1.]
    """

    domain = Box(x=(-1, 1))

    def __init__(self, hard=True):
        self.hard = hard

    @property
    def conditions(self):
        return (Neumann(0.0, hard=self.hard),)

    def residual(self, u, x):
        c = np.cos(np.pi * x)
        return -u.xx + u**3 - (np.pi**2 * c + c**3)

    def exact(self, x):
        return solutions.reaction_diffusion(x)


class Beam(KnownProblem):
    """EI u'''' = q on [0, 1], u = u' = 0 at 0 and u'' = u''' = 0 at 1: a loaded cantilever.

    The solution is u = q x² (6 − 4x + x²) / (24 EI), which reaches q / (8 EI). Source: S. P.
    Timoshenko and J. M. Gere, *Mechanics of Materials* (1972).

    Parameters
    ----------
    load : float, Unknown or Input, default=8.0
        q, force per length.
    stiffness : float, Unknown or Input, default=1.0
        EI, force times length squared, positive.

    See Also
    --------
    skngd.problems.zoo.AdvectionDiffusion : A boundary layer.

    Examples
    --------
    >>> from skngd.problems.zoo import Beam
    >>> problem = Beam(load=8.0)
    >>> problem.domain
    Box(x=(0.0, 1.0))
    >>> print(problem.solution([[0.5], [1.0]]).round(4))
    [0.3542 1.    ]
    """

    domain = Box(x=(0, 1))
    conditions = (
        Dirichlet(0.0, on="x.min"),
        Neumann(0.0, on="x.min"),
        Equation(moment, on="x.max", name="moment"),
        Equation(shear, on="x.max", name="shear"),
    )

    def __init__(self, load=8.0, stiffness=1.0):
        self.load, self.stiffness = load, stiffness

    def residual(self, u, x):
        return self.stiffness * u.xxxx - self.load

    def exact(self, x):
        return solutions.beam(x, self.load, self.stiffness, ends="cantilever")


# problems in time


class Heat(KnownProblem):
    """u_t = κ u_xx on [0, 1], u(0, x) = sin πx, u(t, 0) = u(t, 1) = 0.

    The solution is u = e^{−κπ²t} sin πx. Source: J. Müller and M. Zeinhofer, *Achieving high
    accuracy with PINNs via energy natural gradient descent* (2023).

    Parameters
    ----------
    kappa : float, Unknown or Input, default=0.25
        Diffusivity κ.

    See Also
    --------
    skngd.problems.zoo.Laplace2D : Poisson's equation on a square.
    skngd.problems.zoo.Burgers : A shock that forms.

    Examples
    --------
    >>> from skngd.problems.zoo import Heat
    >>> problem = Heat(kappa=0.25)
    >>> problem.domain
    Box(t=(0.0, 1.0), x=(0.0, 1.0))
    >>> print(problem.solution([[0.0, 0.5], [1.0, 0.5]]).round(4))
    [1.     0.0848]
    """

    domain = Box(t=(0, 1), x=(0, 1))
    conditions = (Initial(sine), Dirichlet(0.0, on="x"))

    def __init__(self, kappa=0.25):
        self.kappa = kappa

    def residual(self, u, t, x):
        return u.t - self.kappa * u.xx

    def exact(self, t, x):
        return solutions.heat(t, x, self.kappa)


class AllenCahn(KnownProblem):
    """u_t = ε u_xx + r (u − u³) on [−1, 1], u(0, x) = x² cos πx, u(t, ±1) = −1.

    The solution is computed by spectral elements, with an error below 1e-9 for ε up to 0.1, in up
    to a second for each pair of coefficients: give inputs a few values only. Source: J. Yu et al.,
    *Gradient-enhanced physics-informed neural networks* (2022).

    Parameters
    ----------
    eps : float, Unknown or Input, default=1e-3
        Diffusion ε, positive. The solution has layers of width √(2ε/r).
    rate : float, Unknown or Input, default=5.0
        Rate r of the reaction, positive.

    See Also
    --------
    skngd.problems.zoo.ReactionDiffusion : A cubic equation.
    skngd.problems.zoo.Burgers : A shock that forms.

    Examples
    --------
    >>> from skngd.problems.zoo import AllenCahn
    >>> problem = AllenCahn(eps=0.01)
    >>> problem.domain
    Box(t=(0.0, 1.0), x=(-1.0, 1.0))
    >>> print(problem.solution([[0.0, 0.25], [1.0, 0.5]]).round(4))
    [ 0.0442 -0.6151]
    """

    domain = Box(t=(0, 1), x=(-1, 1))
    conditions = (Initial(square_cosine), Dirichlet(-1.0, on="x"))

    def __init__(self, eps=1e-3, rate=5.0):
        self.eps, self.rate = eps, rate

    def residual(self, u, t, x):
        return u.t - self.eps * u.xx - self.rate * (u - u**3)

    def exact(self, t, x):
        return solutions.allen_cahn(t, x, self.eps, self.rate)


class Burgers(KnownProblem):
    """u_t + u u_x = ν u_xx on [−1, 1], u(0, x) = −sin πx, u(t, ±1) = 0.

    The solution is computed from the Cole-Hopf formula, with an error of about 1e-16/ν. Source:
    C. Basdevant et al., *Spectral and finite difference solutions of the Burgers equation* (1986).

    Parameters
    ----------
    nu : float, Unknown or Input, default=0.01/π
        Viscosity ν, positive. For the default a shock forms at x = 0, t = 1/π.

    See Also
    --------
    skngd.problems.zoo.AdvectionDiffusion : A boundary layer.
    skngd.problems.zoo.AllenCahn : Phases that separate.

    Examples
    --------
    >>> from skngd.problems.zoo import Burgers
    >>> problem = Burgers(nu=0.05)
    >>> problem.domain
    Box(t=(0.0, 1.0), x=(-1.0, 1.0))
    >>> print(problem.solution([[0.0, -0.5], [0.5, -0.5]]).round(4))
    [1.     0.5599]
    """

    domain = Box(t=(0, 1), x=(-1, 1))
    conditions = (Initial(minus_sine), Dirichlet(0.0, on="x"))

    def __init__(self, nu=0.01 / np.pi):
        self.nu = nu

    def residual(self, u, t, x):
        return u.t + u * u.x - self.nu * u.xx

    def exact(self, t, x):
        return solutions.burgers(t, x, self.nu)


class PredatorPrey(KnownProblem):
    """u' = αu − βuv, v' = δuv − γv on [0, 5], u(0) = 2, v(0) = 1: the Lotka-Volterra equations.

    Populations of prey u and predators v. The solution is computed by a Runge-Kutta method, with
    an error of about 1e-11. Source: A. J. Lotka, *Elements of Physical Biology* (1925).

    Parameters
    ----------
    alpha, beta, delta, gamma : float, Unknown or Input, default=1.5, 1.0, 1.0, 1.0
        Growth of the prey, predation, growth of the predators by it and their death; positive.

    See Also
    --------
    skngd.problems.zoo.KnownProblem : The base of problems with a solution.

    Examples
    --------
    >>> from skngd.problems.zoo import PredatorPrey
    >>> problem = PredatorPrey()
    >>> problem.domain
    Box(t=(0.0, 5.0))
    >>> print(problem.solution([[0.0], [1.0]]).round(4))
    [[2.     1.    ]
     [1.4573 2.7358]]
    """

    domain = Box(t=(0, 5))
    fields = ("prey", "predator")
    conditions = (Initial(2.0, field="prey"), Initial(1.0, field="predator"))

    def __init__(self, alpha=1.5, beta=1.0, delta=1.0, gamma=1.0):
        self.alpha, self.beta, self.delta, self.gamma = alpha, beta, delta, gamma

    def residual(self, prey, predator, t):
        return (
            prey.t - self.alpha * prey + self.beta * prey * predator,
            predator.t - self.delta * prey * predator + self.gamma * predator,
        )

    def exact(self, t):
        columns = np.broadcast_arrays(self.alpha, self.beta, self.delta, self.gamma, t)
        given = np.stack(columns[:-1], axis=1)
        populations = np.empty((len(t), 2))
        for row in np.unique(given, axis=0):
            own = (given == row).all(axis=1)
            populations[own] = solutions.predator_prey(t[own], *row)
        return populations
