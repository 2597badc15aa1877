"""What the estimators share: hyperparameters, validation of settings, building the network."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ..models import FullyConnected, TorchModule
from ..models.activations import ACTIVATIONS
from ..optim import build_method
from ..optim.directions import largest_matrix
from ..optim.settings import NAMES
from ..tangent.base import ADAPTIVE
from .device import device_at_hand, multiplications, plain_tensors, row_slices
from .evidence.evidence import is_auto, variance
from .export import onnx_model, torch_module
from .forward import forward, is_small
from .rows.columns import refuse_times
from .rows.data import SPARSE, advice
from .rows.dense import densified

DTYPES = {"float64": torch.float64, "float32": torch.float32}


def options(setting, *more):
    """The constraint of a hyperparameter that names a part of the method."""
    names = {*more, *NAMES[setting]}
    return [StrOptions(names - {None}), *names & {None}]


def has_partial_fit(estimator):
    """True where ``partial_fit`` exists, else an AttributeError with the reason why it does not."""
    if estimator.optimizer == "lbfgs":
        raise AttributeError(
            "optimizer='lbfgs' compares gradients on the same rows, so that it cannot continue on "
            "others. Call fit, or set another optimizer."
        )
    return True


class BaseNaturalMomentum(CallbackSupportMixin, BaseEstimator):
    """Base class of the estimators; use the derived classes."""

    # What the outputs of a model are, for messages.
    _outputs_are = "one for each column of y"
    # For problems only.
    variable_projection = False
    # Where notebooks link to.
    _doc_link_module = "skngd"
    _doc_link_template = "https://skngd.readthedocs.io/en/latest/api/skngd.{estimator_name}.html"

    _parameter_constraints: ClassVar = {
        "hidden_layer_sizes": [
            StrOptions({"auto"}),
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "optimizer": options("optimizer"),
        "metric": [StrOptions({"auto", "l2", "loss", "h1"})],
        "model": [torch.nn.Module, None],
        "momentum": options("momentum", "auto"),
        "momentum_space": options("momentum_space"),
        "memory": options("memory"),
        "beta": [Interval(Real, -1, 1, closed="neither")],
        "restart": options("restart"),
        "step_size": [*options("step_size"), Interval(Real, 0, None, closed="neither")],
        "projection": options("projection"),
        "rcond": [StrOptions({"auto", ADAPTIVE}), Interval(Real, 0, 1, closed="left")],
        "damping": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "geodesic_acceleration": ["boolean"],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "sampler": [StrOptions({"uniform", "christoffel"})],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "tol": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "dtype": [StrOptions(set(DTYPES))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _build_method(self, step_size=None):
        """The method; ``step_size`` is what "auto" stands for in this fit, if something else."""
        return build_method(
            self.optimizer,
            momentum=self.momentum,
            momentum_space=self.momentum_space,
            memory=self.memory,
            beta=self.beta,
            restart=self.restart,
            step_size=self.step_size if step_size is None else step_size,
            projection=self.projection,
            rcond=self.rcond,
            damping=self.damping,
            geodesic_acceleration=self.geodesic_acceleration,
            variable_projection=self.variable_projection,
        )

    def to_torch(self):
        """The fitted network as a ``torch.nn.Module``, scaling included.

        It maps rows of X, a double tensor of shape (n, n_features), to what ``predict`` gives, or
        ``predict_proba`` of a classifier, equal to rounding. Its layers are those of ``torch.nn``
        and have parameters to go on with.

        Returns
        -------
        module : torch.nn.Module
            In double precision, with copies of the fitted parameters.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it is the solution of a problem that is more than a network: with hard conditions,
            periodic coordinates, interfaces or what ``estimate_error`` has added.
        """
        return torch_module(self)

    def to_onnx(self):
        """The fitted network as an ONNX model in double precision, scaling included.

        Its input ``X`` has the shape (n, n_features), its output is that of :meth:`to_torch`.
        ``onnx.save`` writes it to a file. Needs onnx: ``pip install 'skngd[onnx]'``.

        Returns
        -------
        model : onnx.ModelProto
            To be saved, or to be run by any runtime of ONNX.

        Raises
        ------
        ImportError
            If onnx is not installed.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            As :meth:`to_torch` does, and for a ``model`` of one's own.
        """
        return onnx_model(self)

    def _has_momentum(self):
        """Whether the method remembers."""
        is_asked = self.optimizer == "ngd" if self.momentum == "auto" else self.momentum is not None
        return is_asked and self.beta != 0

    def _activation(self):
        return self.activation

    def _hidden_layer_sizes(self):
        named = self._named_sizes()
        try:
            sizes = np.atleast_1d(np.asarray(named)).tolist()
        except ValueError:  # a ragged sequence
            sizes = [None]
        if not all(type(size) is int and size > 0 for size in sizes):
            raise ValueError(
                "Expected hidden_layer_sizes to hold positive whole numbers, such as (20,) or "
                f"(20, 20), got {self.hidden_layer_sizes!r}."
            )
        return sizes

    def _names_sizes(self):
        return self.hidden_layer_sizes is not None and not is_auto(self.hidden_layer_sizes)

    def _named_sizes(self):
        if self._names_sizes():
            return self.hidden_layer_sizes
        if self.hidden_layer_sizes is None:
            return getattr(self, "hidden_layer_sizes_", self._first_sizes)
        if not hasattr(self, "hidden_layer_sizes_"):
            raise ValueError(
                "Expected hidden_layer_sizes to be named for partial_fit, which sees one part of "
                "the rows after the other, got 'auto'. Name it, such as (20,), or call fit first."
            )
        return self.hidden_layer_sizes_

    def _build_model(self, n_features, n_outputs, device="cpu"):
        if self.model is not None:
            model = TorchModule(self.model, n_features, DTYPES[self.dtype], device)
            if model.n_outputs != n_outputs:
                raise ValueError(
                    f"Expected model to have {n_outputs} outputs, {self._outputs_are}, got "
                    f"{model.n_outputs}. Change its last layer."
                )
            return model
        return FullyConnected(self._layer_sizes(n_features, n_outputs), self._activation())

    def _layer_sizes(self, n_features, n_outputs):
        return n_features, *self._hidden_layer_sizes(), n_outputs

    def _metric(self):
        """The metric that "auto" stands for: that of the loss, which for squares is L2."""
        return "loss" if self.metric == "auto" else self.metric

    def _check_settings(self):
        """Refuse combinations that cannot run as they are named."""
        self._build_method()
        if self.model is not None and self.n_init not in ("auto", 1):
            raise ValueError(
                f"n_init={self.n_init} asks for several random starts, but model={self.model!r} "
                "comes with one. Set n_init=1, or model=None and hidden_layer_sizes."
            )
        if self.optimizer == "lbfgs" and self.batch_size not in (None, "auto"):
            raise ValueError(
                f"optimizer='lbfgs' with batch_size={self.batch_size} would compare gradients of "
                "different rows. Set batch_size=None, or another optimizer."
            )

    def _values(self, X, with_variance=False):
        """Network values at validated inputs, in standardised units: shape (n, c).

        With their variances, equation (Var), where these are asked for.
        """
        n_outputs = self._targets(is_fitted=True).n_outputs
        if self.model is None and self.dtype == "float64" and not with_variance:
            sizes, activation = self._layer_sizes(X.shape[1], n_outputs), self._activation()
            if is_small(X.shape[0], sizes, activation):
                x = (densified(X) - self.X_mean_) / self.X_scale_
                return forward(self.theta_, sizes, activation, x)
        kind = {"dtype": DTYPES[self.dtype], "device": device_at_hand(self.device_)}
        with plain_tensors():
            model = self._build_model(X.shape[1], n_outputs, kind["device"])
            theta = torch.tensor(self.theta_, **kind)
            values = np.empty((X.shape[0], model.n_outputs))
            variances = np.empty_like(values)
            for rows in row_slices(X.shape[0], model.n_parameters):
                # A sparse X becomes dense block by block.
                dense = densified(X[rows])
                points = torch.as_tensor((dense - self.X_mean_) / self.X_scale_, **kind)
                values[rows] = model.value(theta, points).cpu().numpy()
                if with_variance:
                    variances[rows] = variance(self, model, theta, points)
        return (values, variances) if with_variance else values

    def _validated_for_prediction(self, X):
        """X of shape (n, d), sparse where it came so."""
        check_is_fitted(self)
        refuse_times(X)
        sparse = SPARSE if self._takes_sparse() else False
        with advice("Pass X as it was in fit: the same columns, real and finite.", X):
            return validate_data(self, X, reset=False, dtype=np.float64, accept_sparse=sparse)

    def _takes_sparse(self):
        """Whether X may be sparse."""
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._takes_sparse()
        return tags

    def _multiplications(self, n_samples, model):
        """About how many an iteration takes."""
        n, c, metric = model.n_parameters, model.n_outputs, self._metric()
        forms_matrix = self.projection != "cg"
        if self.projection == "auto" and self.rcond == "auto" and metric != "h1":
            forms_matrix = min(n_samples * c, n) <= largest_matrix(model, metric)
        return multiplications(n_samples, c, n, forms_matrix)

    def _last_theta(self, model):
        if len(self.theta_) != model.n_parameters:
            raise ValueError(
                f"Expected a network of {len(self.theta_)} parameters, as in the first fit, got "
                f"{model.n_parameters}. Set warm_start=False, or clone the estimator, to "
                "start anew."
            )
        return self.theta_
