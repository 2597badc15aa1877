"""Whatever a test lets an estimator refuse, the estimator is left as it was."""

import functools

import skngd
from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator

MISSING = object()


def checked(method):
    """The method; where it raises, the attributes have to be those of before."""

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return method(self, *args, **kwargs)
        except Exception:
            after = vars(self)
            names = before.keys() | after.keys()
            changed = {n for n in names if before.get(n, MISSING) is not after.get(n, MISSING)}
            assert not changed, f"a refused call of {method.__name__} changed {changed}"
            raise

    # A warning names the first line outside of the package: that of the test, not this one.
    call.__code__ = call.__code__.replace(co_filename=skngd.__file__)
    return call


def check_all_refusals():
    """Check each public method of each estimator, whenever a test calls it."""
    for kind in (NaturalMomentumRegressor, NaturalMomentumClassifier, PINNEstimator):
        for name, member in list(vars(kind).items()):
            if name.startswith("_"):
                continue
            if hasattr(member, "fn"):  # there only if its condition holds
                member.fn = checked(member.fn)
            elif callable(member):
                setattr(kind, name, checked(member))
