"""Which machine `auto` stands for."""

import pytest

from kmvlib import platforms


@pytest.mark.parametrize(
    "nested, flags, name",
    [
        ("Y\n", "fpu vmx ept", "kvm"),
        ("1\n", "fpu vmx", "kvm"),
        ("N\n", "fpu vmx ept", "bochs"),
        (None, "fpu vmx ept", "bochs"),
        ("Y\n", "fpu svm", "bochs"),
        ("Y\n", "fpu vmx_nothing", "bochs"),
    ],
)
def test_probe(tmp_path, nested, flags, name):
    kvm, parameter, cpu_info = tmp_path / "kvm", tmp_path / "nested", tmp_path / "cpuinfo"
    kvm.touch()
    cpu_info.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: vmx_later\n")
    if nested is not None:
        parameter.write_text(nested)
    assert platforms.probe(str(kvm), str(parameter), str(cpu_info)) == name


def test_no_kvm_device(tmp_path):
    assert platforms.probe(str(tmp_path / "kvm")) == "bochs"
