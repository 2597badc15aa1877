"""Variable projection: after each trial step the last layer is fitted again."""

from ..tangent import FACTORIZATIONS, choose


def project_output(end, damping):
    """Project the residual that is left onto the tangent space of the last layer.

    The last layer enters v linearly, so that this step needs no caution: for an affine residual
    and without damping it is the exact minimum over these parameters (Golub and Pereyra, 1973).
    It is damped as the step that it follows.

    Parameters
    ----------
    end : Iterate
        Where a trial step leads.
    damping : float
        λ.

    Returns
    -------
    corrected : Iterate
        ``end`` itself where nothing is gained.
    """
    place = end.objective.model.output_parameters
    chunks = list(end.operator.output_chunks(end.right_side))
    n_columns = place.stop - place.start
    square_norm = sum(float((rows * rows).sum()) for rows, _ in chunks)
    relative = damping / square_norm if square_norm else 0.0
    name = choose(end.objective.n_rows, n_columns, 0.0, relative, end.theta.dtype, is_rough=True)
    theta = end.theta.clone()
    theta[place] -= FACTORIZATIONS[name](chunks).solve(0.0, damping)[:, 0]
    corrected = end.with_output(theta)
    return corrected if corrected.loss < end.loss else end
