"""Program: what the compiler gives back: launches in order, free of extents. Mirrors runtime/exec/program.h."""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.schedule import Schedule

__all__ = ["DimRef", "KernelSource", "Launch", "Phase", "Product", "Program"]


@dataclass(frozen=True, slots=True)
class DimRef:
    """A number for KernelArgs.dim: "extent" or "stride" of an axis of a var, or a "constant".

    "count": the product of the var's extents of the axes [axis, value).
    """

    what: str
    var: int = 0
    axis: int = 0
    value: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """factor times the product of ceil(dim / divisor) over terms of (index into Launch.dims, divisor)."""

    terms: tuple[tuple[int, int], ...] = ()
    factor: int = 1


@dataclass(frozen=True, slots=True)
class Phase:
    """One parallel range of a kernel; phases of a launch run one after the other.

    `work`: rough nanoseconds of one iteration on one thread. `block_per_iteration`: on a GPU a whole block works on
    one iteration. `grain`: nanoseconds of work that are worth a thread.
    """

    grid: Product
    work: Product
    block_per_iteration: bool = False
    grain: int = Schedule().grain


@dataclass(frozen=True, slots=True)
class KernelSource:
    """A kernel's text. `key` is the hex hash of everything that decides the binary; the text defines the functions
    kernel_<key[:16]>_phase0, _phase1, ...
    """

    key: str
    name: str
    text: str
    phases: int


@dataclass(frozen=True, slots=True)
class Launch:
    """One Group. `kernel` None: the single op in `ops` is run by the runtime (contractions, opaque ops).

    Its buffers are then the op's operands one by one, the same var more than once where it stands so.
    `aligned`: positions of inputs of which iteration i of the one phase reads the i-th of equal pieces alone.
    `makes_elements`: iteration i writes element i of the one output, cheaply.
    `batch`: launches with the same number other than 0 run as one: equal updates, or a contraction with what makes an
    operand (in front of it) and what goes on from its pieces (behind it).
    `kinds`: of the Groups; `unused`: choices given by hand that mean nothing to them.
    """

    kernel: str | None  # KernelKey
    ops: tuple[int, ...]
    buffers: tuple[int, ...]  # var ids, inputs first; a var stands once in a kernel's
    output_count: int
    dims: tuple[DimRef, ...] = ()
    scalars: tuple[tuple[int, int], ...] = ()  # (op id, scalar number)
    phases: tuple[Phase, ...] = ()
    local_nbytes: Product = Product(factor=0)
    shared_nbytes: Product = Product(factor=0)
    donations: tuple[tuple[int, int], ...] = ()
    batch: int = 0
    aligned: tuple[int, ...] = ()
    makes_elements: bool = False
    kinds: tuple[str, ...] = ()
    schedule: Schedule | None = None
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """Launches in order and the sources of their kernels, by key. `notes`: why ops were kept apart, for explain."""

    launches: tuple[Launch, ...]
    kernels: tuple[KernelSource, ...]
    notes: tuple[str, ...] = ()
