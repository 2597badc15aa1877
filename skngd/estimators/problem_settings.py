"""What a problem takes of the hyperparameters of regression."""

from .evidence.evidence import is_auto

# The values that ask for nothing.
PLAIN = {"loss": "squared", "alpha": 0.0, "metric": "auto"}


def check_problem_settings(estimator):
    """Refuse settings that a fit with a problem would ignore."""
    decays = not is_auto(estimator.alpha) and estimator.alpha > 0
    is_other = {
        "loss": estimator.loss != "squared",
        "alpha": decays,
        "metric": estimator.metric == "h1",
    }
    for name in (name for name, is_one in is_other.items() if is_one):
        raise ValueError(
            f"{name}={getattr(estimator, name)!r} is for problem=None. With a problem, the loss is "
            f"the sum of squared residuals; set {name}={PLAIN[name]!r}."
        )
    if estimator.early_stopping:
        raise ValueError(
            "early_stopping=True is for problem=None. With a problem, set max_iter, max_time or "
            "tol, or use cross-validation."
        )
