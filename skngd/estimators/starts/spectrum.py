"""Neurons with the frequencies of what a problem prescribes: its sources, initial values, faces.

A wave that is fast in one coordinate and slow in another is met by few of the neurons that point
anywhere. What is prescribed often tells: its power at many frequencies is estimated on the points
where it is known, and sin neurons are drawn in proportion.
"""

import numpy as np
import torch

# Frequencies that are tried, and up to which size for each number of coordinates.
TRIED, HIGHEST = 20_000, {1: 64.0, 2: 64.0, 3: 16.0}
# A power, in units of the largest that noise has among so many, that tells, and as a part of the
# largest; and a frequency from which on neurons that point anywhere are unlikely to meet it.
TELLS, LEAST, FAST = 2.0, 0.1, 8.0
# Coordinates of which nothing is known get weights up to this.
SLOW = 3.0


def telling_weights(blocks, n, random_state, n_potentials=0):
    """Weights of n sin neurons for what blocks prescribe, shape (n, d); None where nothing tells.

    In one dimension nothing has to tell: there neurons of any bandwidth meet some frequency.

    Parameters
    ----------
    blocks : list of Block
        Their constants are what is prescribed.
    n : int
    random_state : numpy.random.RandomState
    n_potentials : int, default=0
        The last so many inputs are potentials of holes: no frequency of theirs is known.
    """
    found = [one for block in blocks for one in _spectra(block, random_state, n_potentials)]
    if not any(np.abs(w[power.argmax()]).max() > FAST for w, power, _ in found):
        return None
    weights = []
    for w, power, known in found:
        some = w[random_state.choice(len(w), -(-n // len(found)), p=power)]
        some[:, ~known] = random_state.uniform(-SLOW, SLOW, (len(some), int((~known).sum())))
        weights.append(some)
    return np.concatenate(weights)[:n]


def _spectra(block, random_state, n_potentials):
    """For each equation that prescribes something: frequencies, their power, known coordinates."""
    if block.affine is None or len(block.sites) > 1:
        return
    constant = block.affine[1].detach().cpu().numpy()
    X = block.sites[0][1].detach().cpu().numpy()
    d = X.shape[1] - n_potentials
    known = (np.ptp(X, axis=0) > 0) & (np.arange(X.shape[1]) < d)
    n_known = int(known.sum())
    # Points on several faces fill no box: any function has many frequencies there.
    is_filled = block.name == "equation" or n_known < d
    if n_known not in HIGHEST or not is_filled or d == 1:
        return
    highest = HIGHEST[n_known]
    for values in constant:
        size = np.linalg.norm(values)
        if len(values) < 2 or not np.isfinite(size) or size == 0:
            continue
        w = np.zeros((TRIED, X.shape[1]))
        w[:, known] = random_state.uniform(-highest, highest, (TRIED, n_known))
        phases = torch.as_tensor(w[:, known] @ X[:, known].T)
        data = torch.as_tensor(values / size / np.sqrt(len(values)))
        power = ((torch.cos(phases) @ data) ** 2 + (torch.sin(phases) @ data) ** 2).numpy()
        # Of noise without a frequency: exponentially distributed, with the mean 1 / m.
        least = max(TELLS * np.log(TRIED) / len(values), LEAST * power.max())
        power = np.where(power > least, power, 0.0)
        if power.any():
            yield w, power / power.sum(), known
