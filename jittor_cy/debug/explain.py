"""Why the runtime did what it did: where a Var was made, which kernels run it, why ops were kept apart."""

from __future__ import annotations

from jittor_cy import _plan
from jittor_cy._var import Var

__all__ = ["explain", "wait_for_compiles"]


def explain(*targets: Var) -> str:
    """What would run for `targets` (pending) and why it is cut so; without targets: the last plan that ran.

    Runs nothing. The text names each kernel with its operations and the user's lines, then every pair of operations
    that was kept apart with the reason.

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
    names = {kernel.key: kernel.name for kernel in program.kernels}
    lines = []
    for number, launch in enumerate(program.launches):
        name = "run by the runtime" if launch.kernel is None else f"{names[launch.kernel]} {launch.kernel[:16]}"
        batch = f"  batch {launch.batch}" if launch.batch else ""
        lines.append(f"kernel {number}: {name}{batch}")
        lines += [f"  {snapshot.ops[op].kind}  {origins[op]}".rstrip() for op in launch.ops]
    lines += [f"kept apart: {note}" for note in program.notes]
    return "\n".join(lines)


def made(target: Var) -> str:
    origin = _plan.origin(target)
    return f", made at {origin}" if origin else ""


def wait_for_compiles() -> None:
    """Waits until no kernel is being compiled in the background; returns at once when there is none."""
    _plan.wait_for_compiles()
