"""Small kernels of one purpose each (guests/): they power off with what they found wrong."""

import pytest

from guestkit import build_guest
from machine import run


@pytest.mark.parametrize("name", ["debug"])
def test_guest(tmp_path, name):
    kernel = build_guest(tmp_path, name, False, [f"{name}.S"])
    result = run(tmp_path, "--platform", "bochs", "--mirror", "off", "--guest", kernel)
    assert [event["end"] for event in result.named("summary")] == ["poweroff"], result.messages
    (summary,) = result.named("summary")
    assert int(summary["status"]) == 0
    assert result.status == 0
