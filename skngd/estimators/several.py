"""Whether one network answers for an estimator, or one for each slab of time, (Slab)."""


def slabs_of(estimator):
    """The fitted estimators that answer for it, one for each slab of time; none where it does."""
    return getattr(estimator, "slabs_", ())


def refuse_slabs(estimator):
    """Refuse an estimator with a network for each slab, where one network is asked for."""
    n = len(slabs_of(estimator))
    if n:
        raise ValueError(
            f"Expected a solution that is one network, got {n} slabs of time with a network each. "
            f"Take one of them, slabs_[0] to slabs_[{n - 1}], which are estimators, too."
        )
