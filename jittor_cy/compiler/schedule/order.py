"""order_launches: a topological order in which updates of one kernel stand next to each other, as one batch."""

from __future__ import annotations

import heapq
from dataclasses import replace

from jittor_cy.compiler.ir.program import Launch

__all__ = ["order_launches"]


def order_launches(launches: list[tuple[Launch, int]]) -> list[Launch]:
    """Given in any topological order, with the update group of each (0: none), which waits as long as it may."""
    waits, readers = dependences([launch for launch, _ in launches])
    plain = [i for i, count in enumerate(waits) if count == 0 and not launches[i][1]]
    updates = [i for i, count in enumerate(waits) if count == 0 and launches[i][1]]
    ordered: list[Launch] = []
    batch = 0
    while plain or updates:
        if plain:
            done = [heapq.heappop(plain)]
        else:
            key = launches[min(updates)][0].kernel
            done = sorted(i for i in updates if launches[i][0].kernel == key)
            updates = [i for i in updates if i not in done]
            batch += 1
        for i in done:
            ordered.append(replace(launches[i][0], batch=batch) if len(done) > 1 else launches[i][0])
            for reader in readers[i]:
                waits[reader] -= 1
                if waits[reader] == 0 and launches[reader][1]:
                    updates.append(reader)
                elif waits[reader] == 0:
                    heapq.heappush(plain, reader)
    return ordered


def dependences(launches: list[Launch]) -> tuple[list[int], list[list[int]]]:
    """(how many launches each waits for, who reads what each makes)."""
    makers = {}
    for i, launch in enumerate(launches):
        for out in launch.buffers[len(launch.buffers) - launch.output_count :]:
            makers[out] = i
    waits, readers = [0] * len(launches), [[] for _ in launches]
    for i, launch in enumerate(launches):
        read = launch.buffers[: len(launch.buffers) - launch.output_count]
        for maker in dict.fromkeys(makers[v] for v in read if v in makers):
            waits[i] += 1
            readers[maker].append(i)
    return waits, readers
