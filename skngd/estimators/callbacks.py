"""What scikit-learn's callbacks are told of a fit."""


class Watch:
    """One task for the fit and, below it, one for each iteration.

    The fit's :class:`Task` has the rows as they were given, and what a callback needs to predict.
    """

    def __init__(self, estimator, task):
        self.estimator, self.attributes = estimator, task.attributes
        self.is_needed = hasattr(estimator, "_skl_callbacks")
        X, y, weight = task.rows
        metadata = {"sample_weight": weight} if task.is_weighted else None
        self.data = {"X": X, "y": y, "metadata": metadata}
        max_iterations = estimator.max_iter * len(task.starts)
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
            there = self.attributes(iterate.theta)
            return {**there, "_correction": None, "_error": None, "feature_names_in_": None}

        return self.task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )

    def finish(self):
        """After the fit."""
        self.context.call_on_fit_task_end(estimator=self.estimator, **self.data)
