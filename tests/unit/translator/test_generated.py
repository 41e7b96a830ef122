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
def test_checksums_are_the_same(runner, tmp_path, seed, level):
    assert generated.check(BUILD, runner, generated.generate(str(tmp_path), seed), level) is True


def test_a_missing_mirror_shows(runner, tmp_path):
    native = generated.compile_case(generated.generate(str(tmp_path), SEEDS[0]), "-O0")
    expected, _ = generated.outcome(runner, native)
    checksum, differ = generated.outcome(runner, generated.translate(BUILD, native, "--drop-mirror", "store"))
    assert checksum == expected
    assert differ > 0


def test_programs_left_out_do_not_count():
    totals = generated.Totals()
    for results in ([True, True], [True, None], [None], [False, True], [False, None]):
        totals.add(results)
    assert totals.text() == "3 programs, 5 cases (programs x levels): 3 equal, 2 failed; 2 programs left out as too slow"
