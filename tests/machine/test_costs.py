"""What the mirror costs in memory, and a process of 1 MiB in exits, with the distributions of what exits cost."""

from machine import run

FORKS, PAGES = 20, 256  # of guest-xv6/user/bench.c's fork1m: pages copied, an entry each
EXITS_A_PTE = 0.10
MEMORY_SHARE = 0.005
RECOVERY_INSTRUCTIONS = 6000


def notes(result, name):
    """Exits at the start and at the end of a benchmark."""
    events = {event["text"]: int(event["exits"]) for event in result.named("note")}
    return events[f"bench-start {name}"], events[f"bench-end {name}"]


def test_memory_forks_and_recoveries(tmp_path):
    result = run(tmp_path, "--exec", "inject 200 1; forktest; bench fork1m sbrk; verify; inject 200 2; verify")
    assert result.status == 0, result.messages
    assert result.console.count("differing=0") == 2

    memory = result.named("memory")[0]
    print("memory:", memory)
    assert int(memory["image"]) + int(memory["heap"]) == int(memory["beside"])
    assert int(memory["beside"]) <= int(memory["guest"]) * MEMORY_SHARE

    first, last = notes(result, "fork1m")
    print(f"fork of 1 MiB: {last - first} exits, {FORKS * PAGES} page-table entries: {(last - first) / FORKS / PAGES:.1%}")
    assert last - first <= EXITS_A_PTE * FORKS * PAGES

    costs = {event["kind"]: event for event in result.named("cost")}
    for kind, cost in costs.items():
        print(kind, {key: cost[key] for key in ("count", "p50", "p99", "max", "distribution")})
    assert int(costs["pt_write"]["count"]) > 1000
    assert int(costs["recover"]["p99"]) <= RECOVERY_INSTRUCTIONS
