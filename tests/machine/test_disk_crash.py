"""The guest cut off after any disk write: a transaction is there whole or not at all."""

import os

import disk_crash
import machine
import pytest

# Every write is checked on the host; the guest's own recovery from each KMV_CRASH_STEP-th (1: all, in make crash-test).
STEP = int(os.environ.get("KMV_CRASH_STEP", "40"))

WORKLOAD = [
    command
    for number in range(4)
    for command in (
        f"mkdir d{number}",
        f"cat README > d{number}/a",
        f"ln d{number}/a d{number}/b",
        f"echo replaced > d{number}/a",
        f"echo longer >> d{number}/b",
        f"rm d{number}/a",
    )
] + ["rm d0/b", "rm d0", "cat sh > copy", "echo short > copy", "rm copy"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return disk_crash.record(tmp_path_factory.mktemp("disk"), WORKLOAD)


@pytest.fixture(scope="module")
def states(recording, tmp_path_factory):
    """For every cut-off, what the disk has to hold: the state that its last committed transaction makes."""
    path = tmp_path_factory.mktemp("states") / "disk.img"
    commits = recording.commits()
    expected, last = [], None
    for count, image in enumerate(recording.images()):
        if last is None or count in commits:
            path.write_bytes(image)
            last = disk_crash.contents(path)
        expected.append(last)
    return expected


def test_workload_is_large_enough(recording):
    assert len(recording.writes) >= 200
    assert len(recording.commits()) >= 20


def test_transactions_change_something(states):
    assert len(set(states)) >= 20


def test_every_cut_off_leaves_a_whole_transaction_or_none(recording, states, tmp_path):
    path = tmp_path / "disk.img"
    for count, image in enumerate(recording.images()):
        path.write_bytes(image)
        assert disk_crash.contents(path) == states[count], f"cut off after {count} of {len(recording.writes)} writes"


def test_the_guest_recovers(recording, states, tmp_path):
    path = tmp_path / "disk.img"
    tried = 0
    for count, image in enumerate(recording.images()):
        if count % STEP != 0:
            continue
        path.write_bytes(image)
        result = machine.run(tmp_path, "--platform", "bare-tcg", "--disk", str(path), "--exec", "ls")
        assert result.status == 0, f"cut off after {count} writes: {result.console}"
        assert "README" in result.console
        assert disk_crash.contents(path) == states[count], f"recovered from a cut-off after {count} writes"
        tried += 1
    assert tried > len(recording.writes) // STEP
