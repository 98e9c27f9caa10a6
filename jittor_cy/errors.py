"""Exception classes, one for each ErrorKind of the runtime; each says what causes it and what cures it."""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "CompileError",
    "DeviceError",
    "DtypeError",
    "ForkError",
    "GradientError",
    "IndexError_",
    "InternalError",
    "JittorError",
    "MemoryBudgetError",
    "RunError",
    "ShapeError",
]


class JittorError(Exception):
    """Base of every error that jittor_cy raises on its own account; catch it to catch them all.

    The first line is complete alone; then come the Vars that were involved and what to do about it.
    """

    def __init__(self, message: str, help: str | None = None, **operands: object) -> None:
        lines = [message]
        lines += [f"  {name}: {describe(value)}" for name, value in operands.items()]
        if help:
            lines.append(f"  help: {help}")
        super().__init__("\n".join(lines))


def describe(value: object) -> str:
    """One line for an operand: float32[32, 784] from train.py:41 for a Var, else its repr."""
    text = getattr(value, "_describe", None)
    return text() if text is not None else repr(value)


class InternalError(JittorError, RuntimeError):
    """A bug in jittor_cy itself.

    Cause: an invariant of the runtime or the compiler does not hold.
    Cure: please report it with the program and, where the message names one, the dump folder.
    """


class ShapeError(JittorError, ValueError):
    """Shapes do not fit together.

    Cause: operands that do not broadcast, a product whose inner sizes differ, a reshape to another number of elements.
    Cure: the message names both shapes and where both operands were made; reshape, transpose or expand one of them.
    """


class DtypeError(JittorError, TypeError):
    """An operation does not exist for this dtype.

    Cause: for example bitwise and of floats, or an index that is not an integer.
    Cure: cast with x.astype(...) first.
    """


class IndexError_(JittorError, IndexError):
    """An axis or an index is out of range.

    Cause: an axis that the Var does not have, an index outside the extent of its axis, also inside an index Var.
    Cure: the message names the index found and the extent; negative indices count from the end.
    """


class ArgumentTypeError(JittorError, TypeError):
    """An argument has a type that the function does not take.

    Cause: a list where a Var is expected, a float where an integer is, and the like.
    Cure: the message says what was found and what is accepted.
    """


class ArgumentError(JittorError, ValueError):
    """An argument has a value that the function does not take.

    Cause: a negative size, an unknown option, a setting that does not exist.
    Cure: the message lists what is accepted, or near matches.
    """


class MemoryBudgetError(JittorError, MemoryError):
    """An operation cannot fit into the memory budget, even after everything else is evicted.

    Cause: its inputs, outputs and scratch memory together exceed jt.memory.budget().
    Cure: a larger budget or a smaller batch; nothing has run, so the graph is as it was.
    """


class CompileError(JittorError, RuntimeError):
    """A kernel did not compile.

    Cause: a mistake in the source given to jt.code, no compiler where one is needed, or a bug in the generator.
    Cure: the message shows the path of the source, the numbered line and the compiler's first diagnostic.
    """


class RunError(JittorError, RuntimeError):
    """Something failed while a plan ran: input or output on the spill file, for example.

    Cause: the message of the first failure; every Var that the plan should have made raises the same.
    Cure: remove the cause and record the computation again; everything else is intact.
    """


class ForkError(JittorError, RuntimeError):
    """A Var of the parent process is used in a forked child in a way that needs the parent's threads.

    Cause: the value was pending or running when the process forked.
    Cure: sync before the fork, or start workers with forkserver or spawn.
    """


class GradientError(JittorError, RuntimeError):
    """A gradient cannot be taken.

    Cause: a loss that has more than one element or is not floating, a second sweep through a released path.
    Cure: reduce the loss first; pass retain_graph=True to the first sweep.
    """


class DeviceError(JittorError, RuntimeError):
    """A device is not there or refuses.

    Cause: CUDA was asked for and there is no driver or no GPU, or operands live on different devices.
    Cure: jt.flags.use_cuda = 0, or move one operand.
    """
