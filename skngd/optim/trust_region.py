"""Levenberg-Marquardt control: the length of a step is chosen by its damping."""

from math import isfinite

import torch

from .damping import BOLD, CAUTIOUS, DampingControl
from .needs import DAMPING, SEARCH
from .searches import Search, Step
from .variable_projection import project_output

# The geodesic acceleration is dropped where it is not small beside the step that it corrects.
LARGEST_ACCELERATION = 0.75


class TrustRegion(Search):
    """Adapt λ from the ratio of the actual to the predicted decrease; α is 1.

    A step that does not lower the loss of the point where the gradient was taken (for Nesterov's
    method the extrapolated point) is refused and λ raised; see ``skngd.optim.damping``.
    Inertia is kept where it lowers the loss: with ``restart="loss"`` the steps with and without
    momentum are both tried, and the better one is made. Momentum that lost such a comparison rests,
    so that where it does not pay it costs next to nothing; see ``skngd.optim.inertia``.

    Parameters
    ----------
    damping : float, default=None
        λ of the first step. None stands for 1e-3 ‖A‖².
    geodesic_acceleration : bool, default=True
        Add −½ A⁺ C v''(d, d) to the step d (Transtrum and Sethna, 2012). Needs a natural gradient.
    variable_projection : bool, default=False
        Fit the last layer again at the end of each trial step, with the same λ; see
        :func:`skngd.optim.variable_projection.project_output`. The schedule of λ is then bolder.

    See Also
    --------
    skngd.optim.searches.Backtracking : Halve until the loss falls.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.trust_region import TrustRegion
    >>> isinstance(build_method(step_size="trust-region").search, TrustRegion)
    True
    """

    needs = SEARCH, DAMPING

    def __init__(self, damping=None, geodesic_acceleration=True, variable_projection=False):
        super().__init__()
        self.control = DampingControl(damping)
        self.geodesic_acceleration = geodesic_acceleration
        self.variable_projection = variable_projection

    def damping_for(self, square_norm):
        return self.control.at(square_norm)

    def expected_relative_damping(self):
        return self.control.relative()

    def state(self):
        return {"current": self.control.current, "square_norm": self.control.square_norm}

    def restore(self, state):
        self.control.current = state.get("current", self.control.current)
        self.control.square_norm = state.get("square_norm", self.control.square_norm)

    def step(self, start, prepared, propose, beta, inertia):
        control, n_trials = self.control, 0
        schedule = BOLD if self._projects(start) else CAUTIOUS
        control.begin(prepared.square_norm, schedule, start.theta.dtype)
        betas = inertia.rivals(beta)
        while True:
            damping = control.trial
            proposals = [propose(damping, beta) for beta in betas]
            promised, acceleration = self._prospect(prepared, proposals[0].descent, damping)
            best = None
            if isfinite(promised) and promised > 0:
                for beta, proposal in zip(betas, proposals, strict=True):
                    step = self._try(start, proposal, acceleration, damping, beta)
                    n_trials += 1
                    if best is None or not isfinite(best.end.loss) or step.end.loss < best.end.loss:
                        best = step
            if len(betas) == 2 and best is not None:
                inertia.compared(won=best.beta != 0)
            if best is not None and best.end.loss < start.loss:
                control.accept((start.loss - best.end.loss) / promised)
                best.n_trials = n_trials
                return best
            betas = (0.0,)
            if not control.refuse():
                return None

    def _projects(self, start):
        """Whether there is a last layer, and it is to be fitted again."""
        has_output = start.objective.model.output_parameters is not None
        return self.variable_projection and has_output

    def _prospect(self, prepared, descent, damping):
        """The predicted decrease, and the acceleration where it is to be trusted."""
        if not self.geodesic_acceleration:
            return prepared.predicted_decrease(descent, damping), None
        acceleration = prepared.acceleration(descent, damping)
        sizes = [torch.linalg.vector_norm(part) for part in (acceleration, descent)]
        # All numbers at once: a GPU waits once.
        numbers = torch.stack([prepared.promise(descent, damping), *sizes])
        promised, bend, step = numbers.tolist()
        return promised, acceleration if bend <= LARGEST_ACCELERATION * step else None

    def _try(self, start, proposal, acceleration, damping, beta):
        dtheta = proposal.direction
        if proposal.offset is not None:
            dtheta = dtheta + proposal.offset
        if acceleration is not None:
            dtheta = dtheta + acceleration
        end = start.objective.at(start.theta + dtheta)
        if self._projects(start) and isfinite(end.loss):
            end = project_output(end, damping)
        return Step(end, proposal.direction, proposal.descent, 1.0, damping, beta, 1)
