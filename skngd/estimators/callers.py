"""Who called: the line that a warning names, and whether a search waits for the fit."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from os import sep
from os.path import dirname

import joblib
import sklearn

# Files between the caller and a fit: its own, decorators, pipelines, searches.
BETWEEN = (
    dirname(dirname(__file__)) + sep,
    dirname(sklearn.__file__) + sep,
    dirname(joblib.__file__) + sep,
)


IS_SILENT = ContextVar("IS_SILENT", default=False)


@contextmanager
def silent():
    """Within it :func:`warn` says nothing: a fit that is a part of another one, which speaks."""
    token = IS_SILENT.set(True)
    try:
        yield
    finally:
        IS_SILENT.reset(token)


def _frames(frame):
    """The frame and those above it, from the inner to the outer."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def warn(sentence, category=UserWarning):
    """Warn in the name of the line outside of skngd and scikit-learn that led here."""
    if IS_SILENT.get():
        return
    level = 1
    for frame in _frames(sys._getframe(1)):
        level += 1
        if not frame.f_code.co_filename.startswith(BETWEEN):
            break
    warnings.warn(sentence, category, stacklevel=level)


def is_searched():
    """Whether a search or a cross-validation of scikit-learn waits for what runs."""
    modules = (frame.f_globals.get("__name__") or "" for frame in _frames(sys._getframe(1)))
    return any(module.startswith("sklearn.model_selection.") for module in modules)


def is_refitted():
    """Whether this is the fit of a candidate of a search, such as that of GridSearchCV.

    The search fits the best one again, and that fit speaks for it. scikit-learn tells the fit of a
    candidate its place among them, in worker processes, too; in a cross-validation there is none.
    """
    for frame in _frames(sys._getframe(1)):
        if frame.f_code.co_name == "_fit_and_score":
            return frame.f_locals.get("candidate_progress") is not None
    return False
