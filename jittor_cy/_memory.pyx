# cython: language_level=3
# distutils: language = c++
"""Memory: the budget, statistics, the event log. Public as jt.memory."""
from libcpp.vector cimport vector

from jittor_cy._runtime cimport (
    Device,
    Executor,
    MemoryEvent,
    MemoryManager,
    MemoryStats,
    default_device,
    set_huge_pages,
)

from jittor_cy.config import flags, parse_nbytes
from jittor_cy.errors import ArgumentError

__all__ = ["budget", "report", "reset_peak", "snapshot", "stats", "trim"]

EVENTS = ("allocate", "free", "evict", "restore", "trim", "budget")  # MemoryEvent::What, in its order

cdef Executor* EXECUTOR = &Executor.instance()


def budget(nbytes=None):
    """Bounds the counted bytes (everything obtained from the system), or with no argument gives the bound; 0: none.

    What does not fit is moved to a spill file and comes back when it is needed. A generated kernel of the CPU whose
    operands do not fit together works on the larger ones in that file (`stats()["spill_mapped_nbytes"]`); their pages
    belong to the system's cache of files and do not count. Each value alone has to fit.

    Args:     nbytes: a number, or text such as "300MiB"
    Raises:   MemoryBudgetError: what is alive now cannot be brought below the bound
    """
    cdef Device device = default_device()
    cdef long long limit
    if nbytes is not None:
        limit = parse_nbytes(nbytes, "memory.budget")
        if limit < 0:
            raise ArgumentError(f"memory.budget: {nbytes} is negative", help="0 means no bound")
        EXECUTOR.set_budget(device, limit)
    return MemoryManager.of(device).budget()


def stats():
    """Bytes alive, cached, counted and spilled, their peaks, and how often memory was asked for."""
    cdef MemoryStats s = MemoryManager.of(default_device()).stats()
    return {"live_nbytes": s.live_nbytes, "cached_nbytes": s.cached_nbytes, "counted_nbytes": s.counted_nbytes,
            "peak_live_nbytes": s.peak_live_nbytes, "peak_counted_nbytes": s.peak_counted_nbytes,
            "budget_nbytes": s.budget_nbytes, "spilled_nbytes": s.spilled_nbytes,
            "spill_written_nbytes": s.spill_written_nbytes, "spill_read_nbytes": s.spill_read_nbytes,
            "spill_mapped_nbytes": s.spill_mapped_nbytes,
            "evictions": s.evictions, "allocations": s.allocations, "segment_allocations": s.segment_allocations}


def reset_peak():
    """The peaks start again from what is alive now."""
    MemoryManager.of(default_device()).reset_peak()


def trim():
    """Gives cached memory back to the system."""
    MemoryManager.of(default_device()).trim()


def report(int count=10):
    """The largest live buffers, a line each."""
    return MemoryManager.of(default_device()).report_text(count).decode()


def snapshot():
    """The newest events (dicts: what, nbytes, counted_nbytes, time_ns, address), oldest first."""
    cdef vector[MemoryEvent] events = MemoryManager.of(default_device()).events()
    return [{"what": EVENTS[<int>events[i].what], "nbytes": events[i].nbytes,
             "counted_nbytes": events[i].counted_nbytes, "time_ns": events[i].time_ns, "address": events[i].address}
            for i in range(events.size())]


cdef void apply_spill_folder(object folder) except *:
    cdef Device cpu
    if folder:
        MemoryManager.of(cpu).set_spill_folder(folder.encode())


cdef void apply_fail_allocation(object n) except *:
    cdef Device cpu
    if n:
        MemoryManager.of(cpu).fail_allocation(n)


def install():
    """Connects the settings of memory; called once by the package."""
    flags.listen("spill_dir", lambda folder: apply_spill_folder(folder))
    flags.listen("huge_pages", lambda on: set_huge_pages(on))
    flags.listen("fail_alloc", lambda n: apply_fail_allocation(n))
    flags.listen("budget", lambda nbytes: budget(nbytes) if nbytes or budget() else None)
