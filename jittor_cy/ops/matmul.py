"""Products that sum: matmul, dot, outer, tensordot, einsum; each one contraction, or a product and its sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jittor_cy import _compose, _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops._rules import as_var, axis_index
from jittor_cy.ops.elementwise import cast, in_dtype

__all__ = ["addmm", "baddbmm", "bmm", "dot", "einsum", "inner", "matmul", "mm", "mv", "outer", "tensordot"]


def matmul(a: Var, b: Var, *, dtype: Any = None) -> Var:
    """The matrix product of the last two axes; the others broadcast. A vector counts as a row (a) or a column (b).

    Shapes:   (..., M, K), (..., K, N) -> (..., M, N)
    Dtypes:   promoted; 16-bit floats accumulate in float32, integers wrap
    Args:     dtype: of the result and of its sums (NumPy's argument, JAX's preferred_element_type): "int32" sums
              products of int8 exactly, "float32" leaves out the rounding of 16-bit floats
    Raises:   ShapeError: the inner sizes differ
    Gradient: a, b
    Example:  >>> x = jt.full((2, 3), 100, dtype="int8")
              >>> jt.matmul(x, x.T, dtype="int32")[0, 0].item()
              30000
    """
    a, b = as_var(a, "matmul", "a"), as_var(b, "matmul", "b")
    return _compose.matmul(a, b) if dtype is None else _compose.matmul(*(in_dtype(x, dtype, "matmul") for x in (a, b)))


def mm(a: Var, b: Var) -> Var:
    """The product of two matrices."""
    return matmul(checked_ndim(a, 2, "mm", "a"), checked_ndim(b, 2, "mm", "b"))


def bmm(a: Var, b: Var) -> Var:
    """The products of two stacks of matrices."""
    return matmul(checked_ndim(a, 3, "bmm", "a"), checked_ndim(b, 3, "bmm", "b"))


def mv(a: Var, b: Var) -> Var:
    """The product of a matrix and a vector."""
    return matmul(checked_ndim(a, 2, "mv", "a"), checked_ndim(b, 1, "mv", "b"))


def dot(a: Var, b: Var) -> Var:
    """The sum of products of two vectors."""
    return matmul(checked_ndim(a, 1, "dot", "a"), checked_ndim(b, 1, "dot", "b"))


def checked_ndim(x: Any, ndim: int, function: str, argument: str) -> Var:
    x = as_var(x, function, argument)
    if x.ndim != ndim:
        raise ShapeError(f"{function}: {argument} must have {ndim} dims, found {x.ndim}", **{argument: x})
    return x


def outer(a: Var, b: Var) -> Var:
    """Every product of an element of a and one of b."""
    a, b = checked_ndim(a, 1, "outer", "a"), checked_ndim(b, 1, "outer", "b")
    return a.reshape(-1, 1) * b.reshape(1, -1)


def inner(a: Var, b: Var) -> Var:
    """Sums of products along the last axes."""
    a, b = as_var(a, "inner", "a"), as_var(b, "inner", "b")
    return a * b if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, ([-1], [-1]))


def addmm(c: Var, a: Var, b: Var, *, beta: float = 1, alpha: float = 1) -> Var:
    """beta c + alpha a b."""
    product = mm(a, b)
    return (c if beta == 1 else c * beta) + (product if alpha == 1 else product * alpha)


def baddbmm(c: Var, a: Var, b: Var, *, beta: float = 1, alpha: float = 1) -> Var:
    """beta c + alpha a b, for stacks of matrices."""
    product = bmm(a, b)
    return (c if beta == 1 else c * beta) + (product if alpha == 1 else product * alpha)


def contract(a: Var, a_labels: str, b: Var, b_labels: str, out_labels: str, function: str) -> Var:
    """Sums over every label that is not in out_labels. Each operand has each of its labels once."""
    a, b = same_dtype(a, b, function)
    a, a_labels = summed_alone(a, a_labels, b_labels + out_labels, function)
    b, b_labels = summed_alone(b, b_labels, a_labels + out_labels, function)
    extents: dict[str, int] = {}
    for x, labels in ((a, a_labels), (b, b_labels)):
        for label, n in zip(labels, x.shape, strict=True):
            if extents.setdefault(label, n) != n:
                raise ShapeError(f"{function}: sizes of axis {label!r} differ, {extents[label]} and {n}", a=a, b=b)
    summed = [label for label in dict.fromkeys(a_labels + b_labels) if label not in out_labels]
    number = {label: i for i, label in enumerate([*out_labels, *summed])}
    structure = [len(out_labels), len(summed), len(a_labels), len(b_labels)]
    for label in a_labels + b_labels:
        structure += [number[label], 1, -1, 0, 1]  # ContractionDim in graph/contraction.h, without its offset
    offsets = [0] * (len(a_labels) + len(b_labels))
    return _graph.contraction(a, b, structure, offsets, [extents[label] for label in out_labels], function)


def same_dtype(a: Var, b: Var, function: str) -> tuple[Var, Var]:
    if a.dtype == b.dtype:
        return a, b
    dtype = _graph.result_dtype(a, b)
    return cast(a, dtype), cast(b, dtype)


def summed_alone(x: Var, labels: str, others: str, function: str) -> tuple[Var, str]:
    """Labels that no one else has are summed first."""
    alone = [i for i, label in enumerate(labels) if label not in others]
    if not alone:
        return x, labels
    total = _graph.reduce("sum", x, sum(1 << i for i in alone), False, function)
    return cast(total, x.dtype), "".join(label for i, label in enumerate(labels) if i not in alone)


def tensordot(a: Var, b: Var, dims: Any = 2, *, axes: Any = None) -> Var:
    """Sums of products over pairs of axes: the last `dims` of a and the first of b, or two lists.

    Shapes:   the axes of a pair are equally long, or one has extent 1 and is repeated
    """
    a, b = as_var(a, "tensordot", "a"), as_var(b, "tensordot", "b")
    dims = dims if axes is None else axes
    if isinstance(dims, int):
        from_a, from_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        from_a, from_b = ([d] if isinstance(d, int) else list(d) for d in dims)
        from_a = [axis_index(d, a.ndim, "tensordot") for d in from_a]
        from_b = [axis_index(d, b.ndim, "tensordot") for d in from_b]
    if len(from_a) != len(from_b):
        raise ArgumentError(f"tensordot: {len(from_a)} axes of a for {len(from_b)} of b")
    for i, j in zip(from_a, from_b, strict=True):  # an extent of 1 is repeated, as by PyTorch
        if a.shape[i] == 1 != b.shape[j]:
            b = cast(_graph.reduce("sum", b, 1 << j, True, "tensordot"), b.dtype)
        elif b.shape[j] == 1 != a.shape[i]:
            a = cast(_graph.reduce("sum", a, 1 << i, True, "tensordot"), a.dtype)
    letters = iter("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    a_labels = [next(letters) for _ in range(a.ndim)]
    b_labels = [a_labels[from_a[from_b.index(i)]] if i in from_b else next(letters) for i in range(b.ndim)]
    out = [label for i, label in enumerate(a_labels) if i not in from_a] + [
        label for i, label in enumerate(b_labels) if i not in from_b
    ]
    return contract(a, "".join(a_labels), b, "".join(b_labels), "".join(out), "tensordot")


def einsum(equation: str, *operands: Any) -> Var:
    """Sums of products over labelled axes, operands joined from left to right; "..." stands for axes that broadcast.

    Example:  >>> jt.einsum("ij,jk->ik", jt.ones(2, 3), jt.ones(3, 4)).shape
              (2, 4)
    """
    parts = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else list(operands)
    values = [as_var(x, "einsum", f"operand {i}") for i, x in enumerate(parts)]
    inputs, output = parse_equation(equation, values)
    values, inputs = zip(*(diagonals(x, labels) for x, labels in zip(values, inputs, strict=True)), strict=True)
    value, labels = values[0], inputs[0]
    for i in range(1, len(values)):
        later = output + "".join(inputs[i + 1 :])
        kept = "".join(dict.fromkeys(c for c in labels + inputs[i] if c in later))
        value, labels = contract(*without_ones(value, labels, values[i], inputs[i]), kept, "einsum"), kept
    value, labels = summed_alone(value, labels, output, "einsum")
    return _graph.transpose(value, [labels.index(c) for c in output])


def without_ones(a: Var, a_labels: str, b: Var, b_labels: str) -> tuple[Var, str, Var, str]:
    """Axes of extent 1 that the other operand has longer (they broadcast) are taken out."""
    extents = {**dict(zip(a_labels, a.shape, strict=True))}
    other = dict(zip(b_labels, b.shape, strict=True))
    a_drop = [c for c in a_labels if extents[c] == 1 and other.get(c, 1) != 1]
    b_drop = [c for c in b_labels if other[c] == 1 and extents.get(c, 1) != 1]
    a = _graph.reshape(a, [n for c, n in zip(a_labels, a.shape, strict=True) if c not in a_drop], "einsum")
    b = _graph.reshape(b, [n for c, n in zip(b_labels, b.shape, strict=True) if c not in b_drop], "einsum")
    return a, "".join(c for c in a_labels if c not in a_drop), b, "".join(c for c in b_labels if c not in b_drop)


def parse_equation(equation: str, values: Sequence[Var]) -> tuple[list[str], str]:
    """Labels of each operand and of the result; "..." becomes digits, the last axis 0."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(values):
        raise ArgumentError(f"einsum: {equation!r} names {len(inputs)} operands, found {len(values)}")
    for labels in (*inputs, right):
        if labels.count("...") > 1:
            raise ArgumentError(f"einsum: '...' stands twice in {labels!r}")
        wrong = next((c for c in labels.replace("...", "") if not c.isalpha()), None)
        if wrong is not None:
            raise ArgumentError(f"einsum: {wrong!r} is no letter", help="label axes a to z and A to Z, others with ...")
    spread = 0
    for i, (labels, x) in enumerate(zip(inputs, values, strict=True)):
        dots = x.ndim - len(labels.replace("...", "")) if "..." in labels else 0
        if dots < 0 or len(labels.replace("...", "")) + dots != x.ndim:
            raise ShapeError(f"einsum: {labels!r} does not fit operand {i} of {x.ndim} dims", operand=x)
        inputs[i] = labels.replace("...", "".join(str(d) for d in range(dots))[::-1])
        spread = max(spread, dots)
    digits = "".join(str(d) for d in range(spread))[::-1]
    if arrow:
        output = right.replace("...", digits)
    else:
        once = sorted(c for c in set("".join(inputs)) if c.isalpha() and "".join(inputs).count(c) == 1)
        output = digits + "".join(once)
    unknown = [c for c in output if c not in "".join(inputs)]
    if unknown or len(set(output)) != len(output):
        raise ArgumentError(f"einsum: the result {output!r} must name axes of the operands, each once")
    return inputs, output


def diagonals(x: Var, labels: str) -> tuple[Var, str]:
    """Repeated labels within one operand read its diagonal."""
    distinct = "".join(dict.fromkeys(labels))
    if distinct == labels:
        return x, labels
    structure: list[int] = [x.ndim]
    for label in labels:
        structure += [0, 1, 0, distinct.index(label)]  # mode kFree, one token: kAxis
    shape = [x.shape[labels.index(label)] for label in distinct]
    if [x.shape[i] for i in range(x.ndim)] != [shape[distinct.index(c)] for c in labels]:
        raise ShapeError(f"einsum: axes of the same label in {labels!r} differ", operand=x)
    fill = 0.0 if "float" in str(x.dtype) else 0
    return _graph.reindex([x], structure, [fill], shape, "einsum"), distinct
