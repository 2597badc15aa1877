"""Rows that are held out in proportion to the groups that they belong to."""

import numpy as np


def stratified(strata, fraction, random_state):
    """Indices of training rows and of held-out rows.

    Each group gives about its fraction, to the nearest row, and keeps at least one for training:
    a rare class is learnt, however rare it is.

    Parameters
    ----------
    strata : ndarray of shape (n,)
        The group of each row.
    fraction : float
    random_state : RandomState

    Returns
    -------
    training, held_out : ndarray of int

    Raises
    ------
    ValueError
        If no row would be held out.
    """
    _, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    n_held_out = min(int(np.ceil(fraction * len(codes))), int(np.sum(counts - 1)))
    if n_held_out < 1:
        raise ValueError(f"each of the {len(counts)} classes has one row only.")
    quota = n_held_out * counts / len(codes)
    taken = np.minimum(np.floor(quota).astype(int), counts - 1)
    # What is left goes to the largest remainders, in a random order where they are equal.
    while taken.sum() < n_held_out:
        open_to = np.where(taken < counts - 1, quota - taken, -np.inf)
        best = np.flatnonzero(open_to == open_to.max())
        taken[random_state.choice(best)] += 1
    order = random_state.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    # The place of a row within its group, in this random order.
    place = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_held_out = place < np.repeat(taken, counts)
    parts = order[~is_held_out], order[is_held_out]
    return tuple(random_state.permutation(part) for part in parts)
