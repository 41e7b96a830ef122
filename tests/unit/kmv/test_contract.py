"""OFFSET and sizes, against the header that fixes them."""

import os
import re

import pytest

from conftest import TOP
from kmvlib import contract
from kmvlib.errors import KmvError


def header_number(name):
    with open(os.path.join(TOP, "hv", "include", "kmv", "contract.h"), encoding="ascii") as file:
        return int(re.search(rf"#define {name}\s+(0x[0-9A-Fa-f]+)", file.read()).group(1), 16)


def test_numbers_are_the_header_s():
    assert contract.OFFSET_DEFAULT == header_number("KMV_OFFSET_DEFAULT")
    assert contract.OFFSET_ALIGN == header_number("KMV_OFFSET_ALIGN")
    assert contract.OFFSET_MODULUS == header_number("KMV_OFFSET_MODULUS")
    assert contract.OFFSET_REMAINDER == header_number("KMV_OFFSET_REMAINDER")
    assert contract.GUEST_RAM_MAX_MIB << 20 == header_number("KMV_GUEST_RAM_MAX")


@pytest.mark.parametrize("text", ["38000000", "0x38000000", "08000000", "8000000", "F8000000"])
def test_valid_offsets(text):
    assert contract.parse_offset(text) == int(text, 16)


@pytest.mark.parametrize(
    "text", ["0", "10000000", "30000000", "38000001", "38001000", "38400000", "138000000", "-8000000", "", "g", "38 00"]
)
def test_invalid_offsets(text):
    with pytest.raises(KmvError) as error:
        contract.parse_offset(text)
    assert error.value.status == 2
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mem, spare", [(16, 16), (128, 16), (1024, 16), (1088, 17), (2048, 32)])
def test_default_spare(mem, spare):
    assert contract.default_spare(mem) == spare
