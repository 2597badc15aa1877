"""What ``batch_size="auto"`` stands for: batches where there are very many rows."""

import numpy as np
import torch

# Multiplications of an iteration on all rows, and rows for each parameter, from which on batches
# are drawn: an iteration on all would take about a second of one core, and say little more.
MANY_MULTIPLICATIONS, MANY_ROWS = 5e9, 200
# Rows of a batch for each parameter, and at least.
ROWS_OF_BATCH, LEAST_ROWS = 8, 500
# Iterations between two looks, and the rows that are looked at.
LOOKS_EVERY, JUDGES = 10, 20_000
# A fit that gained less than this part of its loss in the last third has come far enough.
LITTLE = 0.01


def rows_of_batch(estimator, n_samples, model, n_multiplications):
    """Rows of each iteration; None for all.

    Only where the method is the default for batches: what was named is run as it is named.
    """
    if estimator.batch_size != "auto":
        return estimator.batch_size
    is_default = (
        estimator.optimizer == "ngd"
        and estimator.step_size == "auto"
        and estimator.sampler != "christoffel"
        and estimator.metric != "h1"
    )
    rows_per_parameter = n_samples * model.n_outputs / model.n_parameters
    if not is_default or n_multiplications < MANY_MULTIPLICATIONS:
        return None
    if rows_per_parameter < MANY_ROWS:
        return None
    return max(LEAST_ROWS, ROWS_OF_BATCH * model.n_parameters // model.n_outputs)


def judges(objective, random_state):
    """The objective on rows that are drawn once, by which iterates are judged."""
    n = len(objective.points)
    index = np.sort(random_state.choice(n, min(n, JUDGES), replace=False))
    return objective.subset(torch.as_tensor(index, device=objective.points.device))


def came_far(losses):
    """Whether the losses of the looks have nearly come to rest."""
    third = len(losses) // 3
    return third > 0 and losses[-1] > (1 - LITTLE) * losses[-1 - third]
