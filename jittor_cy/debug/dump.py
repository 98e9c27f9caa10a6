"""Generated sources: of the pending graph, and of a whole program (JTCY_DUMP) with an index of its kernels."""

from __future__ import annotations

from pathlib import Path

from jittor_cy import _plan
from jittor_cy._var import Var
from jittor_cy.compiler.ir.graph import Graph
from jittor_cy.compiler.ir.graph import Var as GraphVar
from jittor_cy.compiler.ir.program import KernelSource, Program

__all__ = ["kernels", "sources", "write_plan"]


def sources(*targets: Var) -> dict[str, str]:
    """Name and text of each kernel that `targets` (pending) would run; runs nothing.

    Example:  >>> import jittor_cy as jt
              >>> [text.count("void kernel_") > 0 for text in jt.debug.sources(jt.zeros(3).exp()).values()]
              [True]
    """
    snapshot, _, _ = _plan.pending(targets)
    if not snapshot.ops:
        return {}
    return {stem(kernel): kernel.text for kernel in _plan.compile_only(snapshot).kernels}


def kernels(folder: str | Path, *targets: Var) -> list[Path]:
    """Writes `sources(*targets)` into `folder`, one .c file each, and index.txt; gives the paths.

    Raises: OSError: the folder cannot be written.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in sources(*targets).items():
        path = root / f"{name}.c"
        path.write_text(text)
        written.append(path)
    (root / "index.txt").write_text("".join(f"{path.name} {path.stat().st_size} bytes\n" for path in written))
    return written


def write_plan(folder: str | Path, graph: Graph, program: Program) -> None:
    """Adds a new plan to a dump: <signature>.txt (graph, groups, why ops were kept apart), sources, lines in index.txt.

    Raises: OSError: the folder cannot be written.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    for kernel in program.kernels:
        (root / f"{stem(kernel)}{suffix(graph)}").write_text(kernel.text)
    groups = group_lines(graph, program)
    plan = graph.signature[:16]
    parts = ("graph", *graph_lines(graph), "", "groups, in the order in which they run", *groups)
    if program.notes:
        parts = (*parts, "", "kept apart", *program.notes)
    (root / f"{plan}.txt").write_text("\n".join(parts) + "\n")
    with (root / "index.txt").open("a") as index:
        index.writelines(f"{plan}.txt {line}\n" for line in groups)


def stem(kernel: KernelSource) -> str:
    return f"{kernel.name}_{kernel.key[:16]}"


def suffix(graph: Graph) -> str:
    return ".c" if graph.device == "cpu" else ".cu"


def group_lines(graph: Graph, program: Program) -> list[str]:
    """For each launch its source file, the ops in it, and what it writes."""
    files = {kernel.key: f"{stem(kernel)}{suffix(graph)}" for kernel in program.kernels}
    lines = []
    for number, launch in enumerate(program.launches):
        file = "runtime" if launch.kernel is None else files[launch.kernel]
        kinds = ",".join(graph.ops[op].kind for op in launch.ops)
        outputs = ",".join(f"v{v}" for v in launch.buffers[len(launch.buffers) - launch.output_count :])
        lines.append(f"group {number}: {file} ops={kinds} writes={outputs}")
    return lines


def graph_lines(graph: Graph) -> list[str]:
    """The graph as the compiler is given it: extents that a kernel may not know are letters with a number."""
    lines = [f"v{v.id} = leaf {v.layout} {type_text(v)}" for v in graph.vars[: graph.leaf_count]]
    for op in graph.ops:
        inputs = ", ".join(f"v{i}" for i in op.inputs)
        structure = f" {list(op.structure)}" if op.structure else ""
        for out in op.outputs:
            held = "  held" if graph.vars[out].output else ""
            lines.append(f"v{out} = {op.kind}({inputs}){structure} {type_text(graph.vars[out])}{held}")
    return lines


def type_text(value: GraphVar) -> str:
    extents = (f"n{s.id}" if s.value is None else str(s.value) for s in value.shape)
    return f"{value.dtype}[{', '.join(extents)}]"
