"""Losses: each as a function and as a layer; `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

import math

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.nn.module import Module
from jittor_cy.ops.gathering import pick

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDiv",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
    "bce_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "cross_entropy_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]

_REDUCTIONS = ("mean", "sum", "none")
_LOWEST_LOG = -100.0  # PyTorch's bound of a logarithm of 0 in binary_cross_entropy
_NO_CHANCE = 1e-12  # PyTorch's least probability in the gradient of binary_cross_entropy


def _reduce(function: str, loss: Var, reduction: str) -> Var:
    _check_reduction(function, reduction)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def _check_reduction(function: str, reduction: str) -> None:
    if reduction not in _REDUCTIONS:
        raise ArgumentError(f"{function}: reduction is {reduction!r}", help='"mean", "sum" or "none"')


def _same_shape(function: str, x: Var, target: Var) -> None:
    if tuple(x.shape) != tuple(target.shape):
        raise ShapeError(
            f"{function}: shapes differ, {tuple(x.shape)} and {tuple(target.shape)}",
            x=x,
            target=target,
            help="reshape or expand one of them; a broadcast here is nearly always a mistake",
        )


def cross_entropy(
    x: Var,
    target: Var,
    weight: Var | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Var:
    """Negative logarithm of the softmax probability of the target class.

    Shapes:   x (N, C) or (C,) or (N, C, *S) · target (N) or () or (N, *S) class indices, or probabilities as x
              weight (C,) · returns () or, without reduction, as the indices
    Args:     ignore_index: targets of this class count as nothing · label_smoothing: within [0, 1]
    Raises:   ShapeError: target does not fit x · IndexError: a class outside [0, C), at the next read
    Gradient: x, weight
    Cost:     one kernel forward
    Example:  >>> nn.cross_entropy(jt.zeros(2, 4), jt.array([0, 3])).item()
              1.3862943649291992
    """
    _check_reduction("cross_entropy", reduction)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy: label_smoothing is {label_smoothing}, which is not between 0 and 1")
    if "float" in str(target.dtype):
        return _cross_entropy_of_probabilities(x, target, weight, reduction, label_smoothing)
    if x.ndim == 2 and target.ndim == 2 and target.shape[1] == 1:  # Jittor's labels may be (N, 1)
        target = target.squeeze(1)
    if x.ndim == 1:
        loss = cross_entropy(x.unsqueeze(0), target.reshape(1), weight, ignore_index, reduction, label_smoothing)
        return loss.squeeze(0) if reduction == "none" else loss
    if x.ndim == 2:
        return _compose.cross_entropy(x, target, weight, reduction, ignore_index, label_smoothing)
    _same_shape("cross_entropy", x[:, 0], target)
    classes_last = x.transpose(0, *range(2, x.ndim), 1).reshape(-1, x.shape[1])
    loss = _compose.cross_entropy(classes_last, target.reshape(-1), weight, reduction, ignore_index, label_smoothing)
    return loss.reshape(target.shape) if reduction == "none" else loss


def _cross_entropy_of_probabilities(x: Var, target: Var, weight: Var | None, reduction: str, smoothing: float) -> Var:
    _same_shape("cross_entropy", x, target)
    axis = 1 if x.ndim > 1 else 0
    if smoothing:
        target = target * (1 - smoothing) + smoothing / x.shape[axis]
    terms = -_compose.softmax(x, axis, True) * target
    if weight is not None:
        terms = terms * weight.reshape(-1, *(1,) * (x.ndim - axis - 1))
    loss = terms.sum(axis)
    return (
        loss.sum() / max(1, math.prod(loss.shape)) if reduction == "mean" else _reduce("cross_entropy", loss, reduction)
    )


def cross_entropy_loss(
    output: Var, target: Var, weight: Var | None = None, ignore_index: int | None = None, reduction: str = "mean"
) -> Var:
    """Jittor's name of cross_entropy."""
    return cross_entropy(output, target, weight, -100 if ignore_index is None else ignore_index, reduction)


def nll_loss(x: Var, target: Var, weight: Var | None = None, ignore_index: int = -100, reduction: str = "mean") -> Var:
    """Minus x at the target class, x being logarithms of probabilities.

    Shapes:   x (N, C) or (C,) or (N, C, *S) · target (N) or () or (N, *S) class indices · weight (C,)
    Gradient: x, weight
    """
    _check_reduction("nll_loss", reduction)
    if x.ndim == 1 and math.prod(target.shape) == 1:
        loss = nll_loss(x.unsqueeze(0), target.reshape(1), weight, ignore_index, reduction)
        return loss.squeeze(0) if reduction == "none" else loss
    if x.ndim < 2:
        raise ShapeError(f"nll_loss: x has {x.ndim} axes, not (N, C, ...)", x=x, target=target)
    _same_shape("nll_loss", x[:, 0], target)
    counts = target != ignore_index
    index = ops.where(counts, target, 0)
    picked = pick(x, 1, index, "nll_loss")  # unlike gather's, a negative class is a mistake
    scale = ops.where(counts, 1.0 if weight is None else _compose.take(weight, index, 0, "nll_loss"), 0.0).cast(
        str(x.dtype)
    )
    loss = ops.where(counts, -picked * scale, 0.0)
    return loss.sum() / scale.sum() if reduction == "mean" else _reduce("nll_loss", loss, reduction)


def mse_loss(x: Var, target: Var, reduction: str = "mean") -> Var:
    """Square of the difference."""
    _same_shape("mse_loss", x, target)
    difference = x - target
    return _reduce("mse_loss", difference * difference, reduction)


def l1_loss(x: Var, target: Var, reduction: str = "mean") -> Var:
    """Absolute value of the difference."""
    _same_shape("l1_loss", x, target)
    return _reduce("l1_loss", (x - target).abs(), reduction)


def smooth_l1_loss(x: Var, target: Var, reduction: str = "mean", beta: float = 1.0) -> Var:
    """Half the square of the difference over beta where it is below beta, else its absolute value minus beta / 2.

    Source: Girshick 2015, arXiv:1504.08083
    """
    if beta == 0:
        return l1_loss(x, target, reduction)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta is {beta}, which is negative")
    _same_shape("smooth_l1_loss", x, target)
    difference = x - target
    far = difference.abs()
    loss = ops.where(far < beta, difference * difference * (0.5 / beta), far - 0.5 * beta)
    return _reduce("smooth_l1_loss", loss, reduction)


def huber_loss(x: Var, target: Var, reduction: str = "mean", delta: float = 1.0) -> Var:
    """delta times smooth_l1_loss with beta = delta.

    Source: Huber 1964, "Robust estimation of a location parameter"
    """
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta is {delta}, which is not positive")
    return smooth_l1_loss(x, target, reduction, delta) * delta


def binary_cross_entropy(x: Var, target: Var, weight: Var | None = None, reduction: str = "mean") -> Var:
    """Cross entropy of probabilities x of one of two classes; logarithms below -100 count as -100, as in PyTorch."""
    _same_shape("binary_cross_entropy", x, target)
    positive, negative = _bounded_log(x), _bounded_log(1 - x)
    loss = (target - 1) * negative - target * positive
    return _reduce("binary_cross_entropy", loss if weight is None else loss * weight, reduction)


def _bounded_log(p: Var) -> Var:
    """The logarithm, at least -100; with a finite slope at 0, so that a certain mistake can still be unlearnt."""
    tiny = p < _NO_CHANCE
    bound = p.detach()
    lowest = bound.log().maximum(_LOWEST_LOG) + (p - bound) * (1 / _NO_CHANCE)  # p - bound is 0: for its slope alone
    return ops.where(tiny, lowest, ops.where(tiny, 1.0, p).log())


bce_loss = binary_cross_entropy  # Jittor's name


def binary_cross_entropy_with_logits(
    x: Var, target: Var, weight: Var | None = None, reduction: str = "mean", pos_weight: Var | None = None
) -> Var:
    """Cross entropy of the probabilities sigmoid(x), without overflow."""
    _same_shape("binary_cross_entropy_with_logits", x, target)
    # -log sigmoid(x) = relu(-x) + log(1 + exp(-|x|)), as two smooth branches: |x| would have no slope at 0.
    positive = x > 0
    minus_log_sigmoid = ops.where(positive, 0.0, -x) + ops.where(positive, -x, x).exp().log1p()
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    loss = (1 - target) * x + minus_log_sigmoid * factor
    loss = loss if weight is None else loss * weight
    return _reduce("binary_cross_entropy_with_logits", loss, reduction)


def kl_div(x: Var, target: Var, reduction: str = "mean", log_target: bool = False) -> Var:
    """Kullback-Leibler divergence of target from exp(x), element by element; also reduction="batchmean"."""
    _same_shape("kl_div", x, target)
    if log_target:
        loss = target.exp() * (target - x)
    else:
        positive = target > 0
        loss = ops.where(positive, target * (ops.where(positive, target, 1.0).log() - x), 0.0)
    if reduction == "batchmean":
        return loss.sum() / x.shape[0]
    return _reduce("kl_div", loss, reduction)


class _Loss(Module):
    function = staticmethod(mse_loss)

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def execute(self, x: Var, target: Var) -> Var:
        return self.function(x, target, reduction=self.reduction)


class MSELoss(_Loss):
    """The function mse_loss as a layer."""


class L1Loss(_Loss):
    """The function l1_loss as a layer."""

    function = staticmethod(l1_loss)


class SmoothL1Loss(_Loss):
    """The function smooth_l1_loss as a layer."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def execute(self, x: Var, target: Var) -> Var:
        return smooth_l1_loss(x, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """The function huber_loss as a layer."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def execute(self, x: Var, target: Var) -> Var:
        return huber_loss(x, target, self.reduction, self.delta)


class _WeightedLoss(_Loss):
    def __init__(self, weight: Var | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def execute(self, x: Var, target: Var) -> Var:
        return self.function(x, target, self.weight, reduction=self.reduction)


class BCELoss(_WeightedLoss):
    """The function binary_cross_entropy as a layer."""

    function = staticmethod(binary_cross_entropy)


class BCEWithLogitsLoss(_WeightedLoss):
    """The function binary_cross_entropy_with_logits as a layer."""

    def __init__(self, weight: Var | None = None, reduction: str = "mean", pos_weight: Var | None = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def execute(self, x: Var, target: Var) -> Var:
        return binary_cross_entropy_with_logits(x, target, self.weight, self.reduction, self.pos_weight)


class NLLLoss(_WeightedLoss):
    """The function nll_loss as a layer."""

    def __init__(self, weight: Var | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def execute(self, x: Var, target: Var) -> Var:
        return nll_loss(x, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(NLLLoss):
    """The function cross_entropy as a layer."""

    def __init__(
        self, weight: Var | None = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def execute(self, x: Var, target: Var) -> Var:
        return cross_entropy(x, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class KLDivLoss(_Loss):
    """The function kl_div as a layer."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def execute(self, x: Var, target: Var) -> Var:
        return kl_div(x, target, self.reduction, self.log_target)


KLDiv = KLDivLoss  # Jittor's name
