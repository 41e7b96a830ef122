"""What the mirror costs in memory, and a process of 1 MiB in exits, with the distributions of what exits cost."""

from machine import run

FORKS, PAGES = 20, 256  # of guest-xv6/user/bench.c's fork1m: pages copied, an entry each
EXITS_A_PTE = 0.10
MEMORY_SHARE = 0.005
RECOVERY_INSTRUCTIONS = 6000
WRITE_INSTRUCTIONS = 600


def notes(result, name):
    """Exits at the start and at the end of a benchmark."""
    events = {event["text"]: int(event["exits"]) for event in result.named("note")}
    return events[f"bench-start {name}"], events[f"bench-end {name}"]


def test_memory_forks_and_recoveries(tmp_path):
    result = run(tmp_path, "--exec", "inject 50 1; forktest; bench fork1m sbrk recover; verify; inject 50 2; verify")
    assert result.status == 0, result.messages
    assert result.console.count("differing=0") == 2

    boot, memory = result.named("boot")[0], result.named("memory")[0]
    print("memory:", memory)
    assert int(boot["hv_size"], 16) + int(boot["heap_size"], 16) == int(memory["beside"])
    assert int(memory["beside"]) <= int(boot["guest_size"], 16) * MEMORY_SHARE

    first, last = notes(result, "fork1m")
    print(f"fork of 1 MiB: {last - first} exits, {FORKS * PAGES} page-table entries: {(last - first) / FORKS / PAGES:.1%}")
    assert last - first <= EXITS_A_PTE * FORKS * PAGES

    costs = {kind: result.costs(kind) for kind in ("recover", "pt_write", "root_drop")}
    for kind, cost in costs.items():
        print(f"{kind}: {cost}")
    assert costs["pt_write"]["count"] > 1000
    assert costs["pt_write"]["p99"] <= WRITE_INSTRUCTIONS
    assert costs["recover"]["count"] > 400
    assert costs["recover"]["p99"] <= RECOVERY_INSTRUCTIONS
