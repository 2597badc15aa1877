"""What scikit-learn's callbacks are told of a fit."""

from .training import to_numpy


class Watch:
    """One task for the fit and, below it, one for each iteration.

    Parameters
    ----------
    estimator : estimator with CallbackSupportMixin
    rows : tuple (X, y, weight)
        The training rows; y as it was given.
    sample_weight : array-like or None
        As given to ``fit``.
    max_iterations : int
        Of all starts together.
    fitted : callable, default=None
        Maps an iterate to the attributes that a callback needs to predict, as a dict. None stands
        for ``theta_``.
    """

    def __init__(self, estimator, rows, sample_weight, max_iterations, fitted=None):
        self.estimator = estimator
        self.fitted = fitted or (lambda iterate: {"theta_": to_numpy(iterate.theta)})
        self.is_needed = hasattr(estimator, "_skl_callbacks")
        X, y, weight = rows
        metadata = None if sample_weight is None else {"sample_weight": weight}
        self.data = {"X": X, "y": y, "metadata": metadata}
        self.context = estimator._init_callback_context(max_subtasks=max_iterations)
        self.context.call_on_fit_task_begin(estimator=estimator, **self.data)
        self.task = None

    def begin(self):
        """Before an iteration."""
        self.task = self.context.subcontext(task_name="iteration")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end(self, iterate):
        """After an iteration: whether a callback wants to stop."""

        def attributes():
            # X comes without the names of its columns here, so that none are to be expected.
            return {**self.fitted(iterate), "feature_names_in_": None}

        return self.task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )

    def finish(self):
        """After the fit."""
        self.context.call_on_fit_task_end(estimator=self.estimator, **self.data)
