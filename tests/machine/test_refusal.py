"""A machine that cannot run the hypervisor is refused, by the name of what it lacks."""

import pytest

from machine import run


@pytest.mark.parametrize(
    "options, missing",
    [
        (("--platform", "bochs", "--cpu", "core2_penryn_t9600"), "EPT"),
        (("--platform", "bochs", "--cpu", "corei5_lynnfield_750"), "unrestricted guest"),
        (("--platform", "tcg"), "VMX"),
    ],
)
def test_refused(tmp_path, options, missing):
    result = run(tmp_path, *options, "--exec", "echo hello")
    assert result.status == 5, result.messages
    assert "kmv: refused: " in result.messages
    assert missing in result.messages
    (event,) = result.named("refuse")
    assert missing in event["missing"]
    assert "hello" not in result.console


def test_lynnfield_has_ept(tmp_path):
    result = run(tmp_path, "--platform", "bochs", "--cpu", "corei5_lynnfield_750", "--exec", "echo hello")
    missing = [name.strip() for name in result.named("refuse")[0]["missing"].split(",")]
    assert "EPT" not in missing
