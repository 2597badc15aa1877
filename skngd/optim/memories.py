"""Momentum memories: which function a natural momentum remembers.

Each takes the previous iterate *at today's points*, the current iterate and the parameter step
between them, and returns the values of the remembered function at today's points.
"""


def last_momentum(before, here, step):
    """(LM) J_{k−1} dθ_{k−1}, the old tangent vector."""
    return before.tangent(step)


def function_difference(before, here, step):
    """(FD) v_k − v_{k−1}, the way really travelled."""
    return here.value - before.value


def last_gradient(before, here, step):
    """(LG) ∇L(v_{k−1}), with the sign that is printed: for β > 0 it works against the motion."""
    return before.functional_gradient


MEMORIES = {
    "momentum": last_momentum,
    "difference": function_difference,
    "gradient": last_gradient,
}
