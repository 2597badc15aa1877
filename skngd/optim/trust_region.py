"""Levenberg-Marquardt control: the length of a step is chosen by its damping."""

from math import isfinite

import torch

from .searches import Search, Step
from .variable_projection import project_output

# The geodesic acceleration is dropped where it is not small beside the step that it corrects.
LARGEST_ACCELERATION = 0.75
# Iterations without momentum after comparisons that it lost.
LONGEST_REST = 7


class TrustRegion(Search):
    """Adapt λ from the ratio of the actual to the predicted decrease; α is 1.

    A step that does not lower the loss of the point where the gradient was taken (for Nesterov's
    method the extrapolated point) is refused and λ raised. The ratio that lets λ fall is
    low (0.3): in a curved valley a bold step that gains a part of its promise gets further
    than a timid one that keeps it. Inertia is kept where it lowers the loss: with β > 0 the
    steps with and without momentum are both tried, and the better one is made. Momentum that lost
    such a comparison rests for one iteration, then for three, then seven, until it wins again:
    where it does not pay it costs next to nothing.

    Parameters
    ----------
    damping : float, default=None
        λ of the first step. None stands for ``first`` ‖A‖².
    geodesic_acceleration : bool, default=True
        Add −½ A⁺ C v''(d, d) to the step d (Transtrum and Sethna, 2012). Needs a natural gradient.
    variable_projection : bool, default=False
        Fit the last layer again at the end of each trial step, with the same λ; see
        :func:`skngd.optim.variable_projection.project_output`. What is left is less curved, so that
        λ may fall faster: by ``bold_lower`` after a step that was not refused, by
        ``trusting_lower`` where the linear form promised about as much as was gained, or less;
        refusals raise it by 2 at a time.
    compare_without_momentum : bool, default=True
        False makes the step with momentum without trying the other, until it is refused.
    """

    first = 1e-3
    lower, raise_by = 0.4, 3.0
    bold_lower, trusting_lower = 0.1, 0.03
    good_ratio, poor_ratio, trusted_ratio = 0.3, 0.05, 0.95
    n_refusals = 30
    # How much faster λ grows with each refusal.
    faster_growth = 2.0

    def __init__(
        self,
        damping=None,
        geodesic_acceleration=True,
        compare_without_momentum=True,
        variable_projection=False,
    ):
        super().__init__()
        self.variable_projection = variable_projection
        self.current = damping
        self.geodesic_acceleration = geodesic_acceleration
        self.compare_without_momentum = compare_without_momentum
        # Iterations for which momentum still rests, and how long its last rest was.
        self.rest = self.last_rest = 0

    def damping_for(self, square_norm):
        self._last_square_norm = square_norm or 1.0
        if self.current is None:
            self.current = self.first * square_norm
        return self.current

    def expected_relative_damping(self):
        if self.current is None:
            return self.first
        return self.current / self._last_square_norm

    def state(self):
        return {
            "current": self.current,
            "square_norm": self._last_square_norm,
            "rest": self.rest,
            "last_rest": self.last_rest,
        }

    def restore(self, state):
        self.current = state.get("current", self.current)
        self._last_square_norm = state.get("square_norm", self._last_square_norm)
        self.rest, self.last_rest = state.get("rest", 0), state.get("last_rest", 0)

    def take_rest(self):
        if self.rest == 0:
            return False
        self.rest -= 1
        return True

    def _compared(self, momentum_won):
        self.last_rest = 0 if momentum_won else min(2 * self.last_rest + 1, LONGEST_REST)
        self.rest = self.last_rest

    def step(self, start, prepared, propose, beta):
        damping = self.damping_for(prepared.square_norm)
        eps = torch.finfo(start.theta.dtype).eps
        smallest, largest = eps**2 * prepared.square_norm, prepared.square_norm / eps
        growth, n_trials = 2.0, 0
        projects = self._projects(start)
        is_refused = False
        for _ in range(2 * self.n_refusals if projects else self.n_refusals):
            proposals = [(beta, propose(damping, beta))]
            if beta and self.compare_without_momentum:
                proposals.append((0.0, propose(damping, 0.0)))
            promised = prepared.predicted_decrease(proposals[0][1].descent, damping)
            best = None
            if isfinite(promised) and promised > 0:
                acceleration = self._acceleration(prepared, proposals[0][1].descent, damping)
                for beta_tried, proposal in proposals:
                    step = self._try(start, proposal, acceleration, damping, beta_tried)
                    n_trials += 1
                    if best is None or not isfinite(best.end.loss) or step.end.loss < best.end.loss:
                        best = step
            if len(proposals) == 2 and best is not None:
                self._compared(momentum_won=best.beta != 0)
            if best is not None and best.end.loss < start.loss:
                ratio = (start.loss - best.end.loss) / promised
                if ratio > self.good_ratio:
                    damping *= self._lower(ratio, bold=projects and not is_refused)
                elif ratio < self.poor_ratio:
                    damping *= self.raise_by
                self.current = max(damping, smallest)
                best.n_trials = n_trials
                return best
            beta = 0.0
            damping = max(damping, smallest) * growth
            growth *= 1.0 if projects else self.faster_growth
            is_refused = True
            if damping > largest:
                break
        # λ stays as it was: it is not its fault that nothing is to be gained here.
        return None

    def _lower(self, ratio, bold):
        """The factor of λ after a good step; a λ that was just too small is not tried at once."""
        if not bold:
            return self.lower
        return self.trusting_lower if ratio > self.trusted_ratio else self.bold_lower

    def _projects(self, start):
        """Whether there is a last layer, and it is to be fitted again."""
        has_output = start.objective.model.output_parameters is not None
        return self.variable_projection and has_output

    def _acceleration(self, prepared, descent, damping):
        if not self.geodesic_acceleration:
            return None
        acceleration = prepared.acceleration(descent, damping)
        square = float(torch.dot(acceleration, acceleration))
        small = square <= LARGEST_ACCELERATION**2 * float(torch.dot(descent, descent))
        return acceleration if small else None

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
