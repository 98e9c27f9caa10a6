"""chains: reductions of everything run as further phases of the kernel that makes the rows they reduce."""

from __future__ import annotations

from jittor_cy.compiler.schedule.group import Group, GroupSet
from jittor_cy.compiler.schedule.heuristic import MAX_BUFFERS

__all__ = ["chains"]


def chains(groups: GroupSet) -> list[tuple[Group, ...]]:
    """Groups that share a kernel, phase after phase, in an order in which the kernels can run."""
    followers: dict[int, list[Group]] = {}
    followed: dict[int, None] = {}
    for group in groups.groups:
        leader = leader_of(groups, group, followers) if group.kind == "full" else None
        if leader is not None:
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
