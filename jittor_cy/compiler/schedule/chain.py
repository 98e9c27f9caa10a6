"""chains: what runs as further phases of the kernel that passes over the same rows."""

from __future__ import annotations

from typing import NamedTuple

from jittor_cy.compiler.schedule.beside import beside_leader
from jittor_cy.compiler.schedule.group import Group, GroupSet, stays_apart
from jittor_cy.compiler.schedule.heuristic import MAX_BUFFERS
from jittor_cy.compiler.schedule.reach import Reaches

__all__ = ["Refusal", "chains", "still_apart"]


class Refusal(NamedTuple):
    """An op that was kept out of a group, and why."""

    group: tuple[int, ...]  # ids of the ops that it had then
    op: int
    text: str


def still_apart(refusals: list[Refusal], kernels: list[tuple[Group, ...]]) -> list[str]:
    """The texts of those whose op did not come to the same kernel in another way."""
    inside = [{op for group in kernel for op in group.ops} for kernel in kernels]
    return [r.text for r in refusals if not any(r.op in ops and ops.issuperset(r.group) for ops in inside)]


def chains(reaches: Reaches, beside: bool) -> list[tuple[Group, ...]]:
    """Groups that share a kernel, in an order in which the kernels can run.

    A reduction of everything follows the rows that it reduces; with `beside`, sums over all rows run with the rows.
    """
    groups = reaches.groups
    followers: dict[int, list[Group]] = {}
    followed: dict[int, None] = {}
    for group in groups.groups:
        leader = None
        if group.kind == "full":
            leader = leader_of(groups, group, followers)
        elif beside and group.kind == "column":
            leader = beside_leader(reaches, group, followers)
        if leader is not None:
            groups.add_dependence(group.number, leader.number)
            followers.setdefault(leader.number, []).append(group)
            followed[group.number] = None
    leaders = [g for g in groups.groups if g.kind != "merged" and g.number not in followed]
    leaders.sort(key=lambda g: (groups.closure[g.number].bit_count(), g.number))
    return [(g, *followers.get(g.number, ())) for g in leaders]


def leader_of(groups: GroupSet, group: Group, followers: dict[int, list[Group]]) -> Group | None:
    """The row group whose results `group` reduces, if everything else that it reads can be there before."""
    makers = sorted({groups.stored_by[s] for s in group.sources if s in groups.stored_by})
    for number in makers:
        leader = groups.groups[number]
        if stays_apart(leader.given, group.given):
            continue
        others = [m for m in makers if m != number]
        # One follower a leader: scratch arrays of a kernel have one length.
        if leader.kind != "row" or number in followers or any(groups.depends(m, number) for m in others):
            continue
        buffers = {v for member in (leader, group) for v in (*member.sources, *member.stores)}
        if len(buffers) > MAX_BUFFERS:
            continue
        for other in others:
            groups.add_dependence(number, other)
        return leader
    return None
