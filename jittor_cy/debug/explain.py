"""Why the runtime did what it did: where a Var was made, which kernels run it, why ops were kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jittor_cy import _plan
from jittor_cy._var import Var
from jittor_cy.compiler.ir.graph import Graph
from jittor_cy.compiler.ir.program import Launch
from jittor_cy.compiler.ir.schedule import Schedule

if TYPE_CHECKING:
    from jittor_cy.compiler.autotune import Tuned

__all__ = ["explain", "schedules", "tuned", "wait_for_compiles"]


def explain(*targets: Var) -> str:
    """What would run for `targets` (pending) and why it is cut so; without targets: the last plan that ran.

    Runs nothing. The text names each kernel with its schedule, its operations and the user's lines, then every pair of
    operations that was kept apart with the reason, and what a rewrite looked at and left as it is.

    Example:  >>> import jittor_cy as jt
              >>> print(jt.debug.explain(jt.zeros((2, 3)).exp().sum()))  # doctest: +ELLIPSIS
              kernel 0: ...
    """
    if not targets:
        return f"last plan: {_plan.last_plan_reason()}\n{_plan.last_plan_text()}"
    snapshot, _, origins = _plan.pending(targets)
    if not snapshot.ops:
        return "\n".join(f"{target!r} is realized" + made(target) for target in targets)
    program = _plan.compile_only(snapshot)
    left = _plan.left_by_rewrites(targets)
    names = {kernel.key: kernel.name for kernel in program.kernels}
    lines = []
    for number, launch in enumerate(program.launches):
        name = "run by the runtime" if launch.kernel is None else f"{names[launch.kernel]} {launch.kernel[:16]}"
        batch = f"  batch {launch.batch}" if launch.batch else ""
        lines.append(f"kernel {number}: {name}{batch}")
        lines += schedule_lines(launch)
        lines += [f"  {snapshot.ops[op].kind}  {origins[op]}".rstrip() for op in launch.ops]
    lines += [f"kept apart: {note}" for note in program.notes]
    lines += [f"not rewritten: {reason}  {origins[op]}".rstrip() for op, reason in left.items()]
    return "\n".join(lines)


def schedule_lines(launch: Launch) -> list[str]:
    """The choices for one kernel, which of them change bits, and which were given by hand and mean nothing to it."""
    if launch.schedule is None:
        return []
    lines = [f"  schedule: {launch.schedule}"]
    if launch.schedule.changes_bits:
        lines.append(f"  changes the bits: {launch.schedule.changes_bits}")
    if launch.unused:
        lines.append(f"  means nothing to {'+'.join(launch.kinds)}: {', '.join(launch.unused)}")
    return lines


def schedules(*targets: Var) -> list[tuple[str, Schedule]]:
    """What each kernel that `targets` (pending) would run is, and the choices for it; runs nothing.

    What the runtime runs itself (contractions, scatters) has prebuilt kernels and is not listed.

    Example:  >>> import jittor_cy as jt
              >>> [(what, s.row_buffer) for what, s in jt.debug.schedules(jt.softmax(jt.ones((4, 300)), 1))]
              [('row: Full Reduce Broadcast Sub Exp Reduce Reciprocal Broadcast Mul', 4)]
    """
    snapshot, _, _ = _plan.pending(targets)
    if not snapshot.ops:
        return []
    launches = [launch for launch in _plan.compile_only(snapshot).launches if launch.schedule is not None]
    return [(description(snapshot, launch), launch.schedule) for launch in launches]


def tuned() -> list[Tuned]:
    """What flags.autotune found in this process, a line a kernel: its time with the default, with the choice, and that.

    Example:  >>> import jittor_cy as jt
              >>> with jt.flags(autotune=True):
              ...     _ = jt.ones((64, 300)).exp().sum(1).numpy()
              >>> [t.chosen_s <= t.default_s for t in jt.debug.tuned()] != []
              True
    """
    from jittor_cy.compiler.autotune import TUNED

    return list(TUNED.values())


def description(snapshot: Graph, launch: Launch) -> str:
    return f"{'+'.join(launch.kinds)}: {' '.join(snapshot.ops[op].kind for op in launch.ops)}"


def made(target: Var) -> str:
    origin = _plan.origin(target)
    return f", made at {origin}" if origin else ""


def wait_for_compiles() -> None:
    """Waits until no kernel is being compiled in the background; returns at once when there is none."""
    _plan.wait_for_compiles()
