"""Adam and L-BFGS through ``torch.optim``, for comparison. One call is one iteration."""

from abc import ABC, abstractmethod

import torch

from .needs import CONSTANT_STEP
from .searches import Step

# What torch's Adam remembers of the past.
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class TorchMethod(ABC):
    """Common to both: the parameters live in a tensor of torch's optimiser.

    They are laid there afresh at each step, so that the loop may move on from any θ.
    """

    def __init__(self):
        self.parameter = self.optimizer = None
        self.moments = {}

    @abstractmethod
    def build(self, parameters):
        """The optimiser of torch for a list of one parameter."""

    def advance(self, here, past):
        """Make one step; see :meth:`ProjectedMethod.advance`."""
        if self.parameter is None:
            self.parameter = here.theta.clone()
            self.optimizer = self.build([self.parameter])
            if self.moments:
                tensors = {name: torch.as_tensor(value) for name, value in self.moments.items()}
                groups = self.optimizer.state_dict()["param_groups"]
                self.optimizer.load_state_dict({"state": {0: tensors}, "param_groups": groups})
        n_trials = 0

        def closure():
            nonlocal n_trials
            n_trials += 1
            trial = here if n_trials == 1 else here.objective.at(self.parameter.clone())
            self.parameter.grad = trial.gradient
            return torch.as_tensor(trial.loss, dtype=torch.float64)

        self.parameter.copy_(here.theta)
        self.optimizer.step(closure)
        end = here.objective.at(self.parameter.clone())
        step_size = self.optimizer.param_groups[0]["lr"]
        direction = end.theta - here.theta
        return Step(end, direction, direction, step_size, 0.0, 0.0, n_trials), None

    def state(self):
        """The moments of the optimiser, as NumPy arrays."""
        if self.optimizer is None:
            return {}
        moments = self.optimizer.state_dict()["state"].get(0, {})
        return {name: value.cpu().numpy() for name, value in moments.items() if name in MOMENTS}

    def restore(self, state):
        """Take up the moments at the first step."""
        self.moments = {name: value for name, value in state.items() if name in MOMENTS}


class Adam(TorchMethod):
    """Adam (Kingma and Ba, 2015).

    Parameters
    ----------
    step_size : float, default=1e-3
        Its learning rate.

    See Also
    --------
    skngd.optim.baselines.LBFGS : L-BFGS of torch.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.baselines import Adam
    >>> isinstance(build_method(optimizer="adam", momentum=None, step_size=0.01), Adam)
    True
    """

    offers = (CONSTANT_STEP,)
    searches = False

    def __init__(self, step_size=1e-3):
        super().__init__()
        self.step_size = step_size

    def build(self, parameters):
        return torch.optim.Adam(parameters, lr=self.step_size)


class LBFGS(TorchMethod):
    """L-BFGS with a history of 50 pairs and a strong Wolfe line search.

    See Also
    --------
    skngd.optim.baselines.Adam : Adam of torch.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.baselines import LBFGS
    >>> isinstance(build_method(optimizer="lbfgs", momentum=None), LBFGS)
    True
    """

    offers = ()
    searches = True

    def build(self, parameters):
        return torch.optim.LBFGS(
            parameters,
            max_iter=1,
            max_eval=25,
            history_size=50,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )
