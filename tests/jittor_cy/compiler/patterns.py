"""Graphs of well-known layers, recorded op by op as the composites make them."""

from __future__ import annotations

from tests.jittor_cy.compiler.harness import Node, Recorder

SUM, MAX = 0, 2


def softmax(r: Recorder, x: Node) -> Node:
    top = r.reduce(MAX, x, 1, 2)
    e = r.op("Exp", [r.op("Sub", [x, r.broadcast(top, x.shape, [0, -1])])])
    return r.op("Div", [e, r.broadcast(r.reduce(SUM, e, 1, 2), x.shape, [0, -1])])


def layer_norm(r: Recorder, x: Node, weight: Node, bias: Node) -> tuple[Node, Node, Node]:
    """(y, normalized x, 1 / standard deviation)"""
    rows, width = x.shape
    count = r.full(float(width), (rows,))
    mean = r.op("Div", [r.reduce(SUM, x, 1, 2), count])
    centred = r.op("Sub", [x, r.broadcast(mean, x.shape, [0, -1])])
    variance = r.op("Div", [r.reduce(SUM, r.op("Mul", [centred, centred]), 1, 2), count])
    scale = r.op("Rsqrt", [r.op("Add", [variance, r.full(1e-5, (rows,))])])
    normal = r.op("Mul", [centred, r.broadcast(scale, x.shape, [0, -1])])
    scaled = r.op("Mul", [normal, r.broadcast(weight, x.shape, [-1, 0])])
    return r.op("Add", [scaled, r.broadcast(bias, x.shape, [-1, 0])]), normal, scale


def layer_norm_backward(r: Recorder, dy: Node, weight: Node, normal: Node, scale: Node) -> tuple[Node, Node, Node]:
    """(dx, dweight, dbias)"""
    rows, width = dy.shape
    count = r.full(float(width), (rows,))
    inner = r.op("Mul", [dy, r.broadcast(weight, dy.shape, [-1, 0])])
    mean = r.op("Div", [r.reduce(SUM, inner, 1, 2), count])
    along = r.op("Div", [r.reduce(SUM, r.op("Mul", [inner, normal]), 1, 2), count])
    offset = r.op(
        "Add", [r.broadcast(mean, dy.shape, [0, -1]), r.op("Mul", [normal, r.broadcast(along, dy.shape, [0, -1])])]
    )
    dx = r.op("Mul", [r.op("Sub", [inner, offset]), r.broadcast(scale, dy.shape, [0, -1])])
    return dx, r.reduce(SUM, r.op("Mul", [dy, normal]), 0, 1), r.reduce(SUM, dy, 0, 1)


def batch_norm(r: Recorder, x: Node, weight: Node, bias: Node) -> tuple[Node, Node, Node]:
    """(y, mean, variance) of (N, C, H, W)"""
    channels, axes = x.shape[1], [-1, 0, -1, -1]
    count = r.full(float(x.shape[0] * x.shape[2] * x.shape[3]), (channels,))

    def mean_of(v: Node) -> Node:
        return r.op("Div", [r.reduce(SUM, r.reduce(SUM, v, 2, 4), 0, 1), count])

    def spread(v: Node) -> Node:
        return r.broadcast(v, x.shape, axes)

    mean = mean_of(x)
    centred = r.op("Sub", [x, spread(mean)])
    variance = mean_of(r.op("Mul", [centred, centred]))
    scale = r.op("Rsqrt", [r.op("Add", [variance, r.full(1e-5, (channels,))])])
    normal = r.op("Mul", [centred, spread(scale)])
    return r.op("Add", [r.op("Mul", [normal, spread(weight)]), spread(bias)]), mean, variance


def cross_entropy(r: Recorder, logits: Node, labels: Node) -> Node:
    rows = logits.shape[0]
    top = r.reduce(MAX, logits, 1, 2)
    shifted = r.op("Sub", [logits, r.broadcast(top, logits.shape, [0, -1])])
    log_sum = r.op("Log", [r.reduce(SUM, r.op("Exp", [shifted]), 1, 2)])
    log_probability = r.op("Sub", [shifted, r.broadcast(log_sum, logits.shape, [0, -1])])
    return r.op("Neg", [r.op("Div", [r.reduce(SUM, pick(r, log_probability, labels), 0, 1), r.full(float(rows), ())])])


def pick(r: Recorder, x: Node, labels: Node) -> Node:
    """x[i, labels[i]], checked."""
    axis, load, checked = (0, 0), (4, 1), 2
    return r.op(
        "Reindex", [x, labels], labels.shape, structure=[2, 0, 1, *axis, checked, 2, *axis, *load], scalars=[0.0]
    )


def adam(r: Recorder, p: Node, g: Node, m: Node, v: Node, group: int) -> list[Node]:
    """New p, m and v."""

    def op(kind: str, *inputs: Node) -> Node:
        return r.op(kind, inputs, update=group)

    def number(value: float) -> Node:
        return r.full(value, p.shape)

    new_m = op("Add", op("Mul", m, number(0.9)), op("Mul", g, number(0.1)))
    new_v = op("Add", op("Mul", v, number(0.99)), op("Mul", op("Mul", g, g), number(0.01)))
    step = op("Div", op("Mul", new_m, number(0.001)), op("Add", op("Sqrt", new_v), number(1e-8)))
    return [op("Sub", p, step), new_m, new_v]
