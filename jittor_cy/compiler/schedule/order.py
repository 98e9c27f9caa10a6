"""order_launches: a topological order in which what shares a launch stands next to each other, as one batch."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import replace

from jittor_cy.compiler.ir.program import Launch

__all__ = ["order_launches"]


def order_launches(
    launches: list[tuple[Launch, int]], contracted: Collection[int] = (), packed: Collection[int] = ()
) -> list[Launch]:
    """Given in any topological order, with the update group of each (0: none), which waits as long as it may.

    Batches are updates of one kernel; and contractions with the kernel that goes on from what they make (of the vars
    `contracted`) and the one that makes an operand for them alone (of the vars `packed`).
    """
    return Order(launches, contracted, packed).run()


class Order:
    def __init__(
        self, launches: list[tuple[Launch, int]], contracted: Collection[int], packed: Collection[int]
    ) -> None:
        self.launches, self.contracted, self.packed = launches, contracted, packed
        self.waits, self.readers = dependences([launch for launch, _ in launches])
        self.plain = [i for i, count in enumerate(self.waits) if count == 0 and not launches[i][1]]
        self.updates = [i for i, count in enumerate(self.waits) if count == 0 and launches[i][1]]

    def run(self) -> list[Launch]:
        ordered: list[Launch] = []
        batches = 0
        while self.plain or self.updates:
            batch = self.next_plain() if self.plain else self.next_updates()
            batches += len(batch) > 1
            number = batches if len(batch) > 1 else 0
            ordered += [replace(self.launches[i][0], batch=number) for i in batch]
        return ordered

    def next_plain(self) -> list[int]:
        batch = [heapq.heappop(self.plain)]
        self.release(batch[0])
        for follower in (self.packs, self.epilogue):
            found = follower(batch[-1])
            if found is not None:
                self.plain.remove(found)
                heapq.heapify(self.plain)
                self.release(found)
                batch.append(found)
        return batch

    def next_updates(self) -> list[int]:
        key = self.launches[min(self.updates)][0].kernel
        batch = sorted(i for i in self.updates if self.launches[i][0].kernel == key)
        self.updates = [i for i in self.updates if i not in batch]
        for i in batch:
            self.release(i)
        return batch

    def release(self, done: int) -> None:
        for reader in self.readers[done]:
            self.waits[reader] -= 1
            if self.waits[reader] == 0 and self.launches[reader][1]:
                self.updates.append(reader)
            elif self.waits[reader] == 0:
                heapq.heappush(self.plain, reader)

    def packs(self, prologue: int) -> int | None:
        """The contraction that alone reads what this launch makes, and can run now."""
        launch, readers = self.launches[prologue][0], self.readers[prologue]
        made = launch.buffers[-1]
        if not launch.makes_elements or made not in self.packed or len(readers) != 1 or self.waits[readers[0]] != 0:
            return None
        reader = self.launches[readers[0]][0]
        once = reader.kernel is None and reader.buffers.count(made) == 1
        return readers[0] if once else None

    def epilogue(self, contraction: int) -> int | None:
        """A launch that can run now, and reads what the contraction makes piece by piece."""
        made = self.launches[contraction][0].buffers[-1]
        if self.launches[contraction][0].kernel is not None or made not in self.contracted:
            return None
        for reader in self.readers[contraction]:
            launch, update = self.launches[reader]
            if self.waits[reader] == 0 and not update and any(launch.buffers[at] == made for at in launch.aligned):
                return reader
        return None


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
