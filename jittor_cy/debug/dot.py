"""The pending graph as text, and as Graphviz with the groups that share a kernel in one colour."""

from __future__ import annotations

from jittor_cy import _plan
from jittor_cy._var import Var
from jittor_cy.compiler.ir.graph import Graph
from jittor_cy.compiler.ir.graph import Var as GraphVar
from jittor_cy.compiler.ir.program import Program

__all__ = ["dot", "graph"]

COLOURS = ("#cfe2f3", "#d9ead3", "#fff2cc", "#f4cccc", "#d9d2e9", "#d0e0e3", "#fce5cd", "#ead1dc")


def shape_text(value: GraphVar, extents: dict[int, int]) -> str:
    return f"{value.dtype}[{', '.join(str(extents[s.id]) for s in value.shape)}]"


def graph(*targets: Var) -> str:
    """The pending operations that `targets` need, one line each; runs nothing.

    Each line: number = operation(inputs) dtype[shape] and the user's line that made it. Leaves come first.

    Example:  >>> import jittor_cy as jt
              >>> print(jt.debug.graph(jt.zeros(3).exp()))  # doctest: +ELLIPSIS
              v0 = Full() float32[3]...
              v1 = Exp(v0) float32[3]...
    """
    snapshot, extents, origins = _plan.pending(targets)
    lines = [f"v{v.id} = leaf {v.layout} {shape_text(v, extents)}" for v in snapshot.vars[: snapshot.leaf_count]]
    for op, origin in zip(snapshot.ops, origins, strict=True):
        inputs = ", ".join(f"v{i}" for i in op.inputs)
        for out in op.outputs:
            value = snapshot.vars[out]
            held = "  held" if value.output else ""
            where = f"  {origin}" if origin else ""
            lines.append(f"v{out} = {op.kind}({inputs}) {shape_text(value, extents)}{held}{where}")
    return "\n".join(lines) if lines else "nothing is pending"


def dot(*targets: Var) -> str:
    """The pending graph of `targets` in Graphviz' language; operations of one kernel share a colour. Runs nothing.

    Example:  >>> import jittor_cy as jt
              >>> jt.debug.dot(jt.zeros(3).exp()).splitlines()[0]
              'digraph pending {'
    """
    snapshot, extents, _ = _plan.pending(targets)
    program = _plan.compile_only(snapshot) if snapshot.ops else Program((), ())
    group_of = {op: number for number, launch in enumerate(program.launches) for op in launch.ops}
    lines = ["digraph pending {", '  node [shape=box, style=filled, fontname="monospace"];']
    lines += [
        f'  v{v.id} [label="leaf\\n{shape_text(v, extents)}", fillcolor=white];'
        for v in snapshot.vars[: snapshot.leaf_count]
    ]
    lines += [node_line(snapshot, op.id, extents, group_of.get(op.id)) for op in snapshot.ops]
    for op in snapshot.ops:
        lines += [f"  v{i} -> v{op.outputs[0]};" for i in op.inputs]
    return "\n".join([*lines, "}"])


def node_line(snapshot: Graph, op_id: int, extents: dict[int, int], group: int | None) -> str:
    op = snapshot.ops[op_id]
    value = snapshot.vars[op.outputs[0]]
    colour = "white" if group is None else COLOURS[group % len(COLOURS)]
    note = "" if group is None else f"\\nkernel {group}"
    return f'  v{value.id} [label="{op.kind}\\n{shape_text(value, extents)}{note}", fillcolor="{colour}"];'
