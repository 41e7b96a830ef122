"""A few of the programs that `make csmith` generates."""

import os

import pytest

import generated

BUILD = os.path.join(generated.TOP, os.environ.get("KMV_BUILD", "build"))
SEEDS = (3, 4)


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    return generated.build_runner(str(tmp_path_factory.mktemp("runner")))


@pytest.mark.parametrize("level", generated.LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_checksums_are_the_same(runner, seed, level):
    assert generated.check(BUILD, runner, seed, level) is True


def test_a_missing_mirror_shows(runner, tmp_path):
    native = generated.compile_case(str(tmp_path), SEEDS[0], "-O0")
    expected, _ = generated.outcome(runner, native)
    checksum, differ = generated.outcome(runner, generated.translate(BUILD, native, "--drop-mirror", "store"))
    assert checksum == expected
    assert differ > 0
