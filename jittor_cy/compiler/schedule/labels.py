"""Labels: which axes of a Var are a Group's outer (parallel) axes; carried through ops in both directions."""

from __future__ import annotations

from jittor_cy.compiler.ir.graph import Graph, Op, Var

__all__ = ["MISALIGNED", "Labels", "covers", "down", "real_axes", "reshape_pairs", "up"]

# One entry an axis: the number of the outer axis that it is, or None. MISALIGNED: an outer axis is read elsewhere than
# at this iteration's index, so that the value belongs to several iterations.
Labels = tuple[int | None, ...]
MISALIGNED = None


def real_axes(var: Var) -> list[int]:
    """Axes whose extent is not 1."""
    return [a for a, s in enumerate(var.shape) if s.value != 1]


def covers(labels: Labels | None, outer_count: int) -> bool:
    """Whether every outer axis stands exactly once."""
    return labels is not MISALIGNED and sorted(x for x in labels if x is not None) == list(range(outer_count))


def reshape_pairs(source: Var, target: Var) -> list[tuple[int, int]]:
    """(axis of source, axis of target) of the axes that a Reshape passes through at both ends."""
    to, given = real_axes(source), real_axes(target)
    pairs = []
    while to and given and source.shape[to[0]] == target.shape[given[0]]:
        pairs.append((to.pop(0), given.pop(0)))
    while to and given and source.shape[to[-1]] == target.shape[given[-1]]:
        pairs.append((to.pop(), given.pop()))
    return pairs


def up(graph: Graph, op: Op, found: list[tuple[Labels | None, bool]]) -> Labels | None:
    """Labels of an op's output, from those of its inputs.

    found: (labels, whether computed in the group) of each input; what is not can be read from memory at any index.
    """
    known = []
    for one in found:
        if one[0] is not MISALIGNED:
            known.append(one)
        elif one[1]:
            return MISALIGNED
    count = len(graph.vars[op.outputs[0]].shape)
    if op.family == "elementwise":
        return merge(known, count)
    pairs = passing_axes(graph, op)
    passed = None if pairs is None or len(found) != 1 or not known else pass_on(known[0][0], pairs, count)
    if passed is not None:
        return passed
    bound = any([x is not None for labels, is_own in known if is_own for x in labels])
    return MISALIGNED if bound else (None,) * count


def pass_on(labels: Labels, pairs: list[tuple[int, int]], count: int) -> Labels | None:
    """Through (input axis, output axis); None where a label would be lost."""
    passed = {a for a, _ in pairs}
    if any(x is not None and a not in passed for a, x in enumerate(labels)):
        return None
    out: list[int | None] = [None] * count
    for a, b in pairs:
        out[b] = labels[a]
    return tuple(out)


def merge(found: list[tuple[Labels, bool]], count: int) -> Labels | None:
    """Labels of values that stand element by element; where two differ, one must be free to be read anywhere."""
    nothing: Labels = (None,) * count
    out = nothing
    labelled = [one for one in found if one[0] != nothing]
    if len(labelled) > 1:
        labelled.sort(key=is_free)
    for labels, bound in labelled:
        if labels == out:
            continue
        joined = labels
        if out is not nothing:
            joined = tuple([a if b is None else b for a, b in zip(labels, out, strict=True)])
        known = [x for x in joined if x is not None]
        if covers_both(joined, labels) and len(known) == len(set(known)):
            out = joined
        elif bound:
            return MISALIGNED
    return out


def is_free(labelled: tuple[Labels, bool]) -> bool:
    return not labelled[1]


def covers_both(joined: Labels, labels: Labels) -> bool:
    """Whether no label was given up."""
    return all([b is None or a == b for a, b in zip(joined, labels, strict=True)])


def passing_axes(graph: Graph, op: Op) -> list[tuple[int, int]] | None:
    """(input axis, output axis) where an index passes an op unchanged; None: not such an op."""
    source, target = (graph.vars[op.inputs[0]] if op.inputs else None), graph.vars[op.outputs[0]]
    match op.kind:
        case "Broadcast":
            return [(a, b) for b, a in enumerate(op.structure) if a >= 0 and source.shape[a].value != 1]
        case "Transpose":
            return [(a, b) for b, a in enumerate(op.structure)]
        case "Reshape":
            return reshape_pairs(source, target)
        case "Reduce":
            first, end = op.structure[1], op.structure[2]
            return [
                (a, a if a < first else a - (end - first)) for a in range(len(source.shape)) if not first <= a < end
            ]
        case "Slice":
            # An axis of unchanged length and step 1 starts at 0: nothing else is inside.
            return [(a, a) for a, step in enumerate(op.structure) if step == 1 and source.shape[a] == target.shape[a]]
    return None


def down(graph: Graph, op: Op, labels: Labels) -> Labels | None:
    """Labels of the inputs of an op with one kind of input, from those of its output; None: not known."""
    if op.family == "elementwise":
        return labels
    pairs = passing_axes(graph, op)
    if pairs is None:
        return None
    out: list[int | None] = [None] * len(graph.vars[op.inputs[0]].shape)
    for a, b in pairs:
        out[a] = labels[b]
    return tuple(out)
