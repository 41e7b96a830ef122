"""Programs, translated and run on this processor with their mirror mapped: same result, no byte differs."""

import json
import os
import re
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.join(TOP, os.environ.get("KMV_BUILD", "build"))
TRANSLATE = os.path.join(BUILD, "translator", "kmv-translate")
VERIFY = os.path.join(BUILD, "translator", "kmv-verify")
PROGRAMS = os.path.join(HERE, "programs")
BASE = "0x08048000"
# Clear of programs, their stack and both mirrors.
RUNNER_BASE = "0x60000000"
SECONDS = 60


def run(*command, check=True):
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert not check or result.returncode == 0, f"{command}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """The folder with the runner in it."""
    folder = tmp_path_factory.mktemp("tools")
    run("gcc", "-m32", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-no-pie", "-fcf-protection=none", "-pthread",
        f"-Wl,-Ttext-segment={RUNNER_BASE}", "-o", folder / "runner", os.path.join(HERE, "runner.c"))
    return folder


def build(folder, source, *flags, relocations=True, entry="entry"):
    out = folder / "native.elf"
    run("gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-fno-pic", "-ffreestanding", "-fno-builtin",
        "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fcf-protection=none", *flags,
        *(["-Wl,--emit-relocs"] if relocations else []), "-Wl,--build-id=none", "-Wl,-z,noexecstack", f"-Wl,-e,{entry}", f"-Wl,-Ttext-segment={BASE}", "-o", out, source)
    return out


def translate(native, *options):
    out = native.with_suffix(".translated")
    run(TRANSLATE, *options, "-o", out, native)
    return out


def outcome(tools, program, argument):
    """(result, pages that differ)"""
    output = run(tools / "runner", program, str(argument)).stdout
    match = re.fullmatch(r"result=(\w+) pages=\d+ differ=(\d+)\n", output)
    return match[1], int(match[2])


FLAGS = {
    "O0": ["-O0"],
    "O1": ["-O1"],
    "O2": ["-O2"],
    "O3-sse": ["-O3", "-msse2", "-mfpmath=sse"],
    "Os": ["-Os"],
    "O2-i686": ["-O2", "-march=i686", "-fomit-frame-pointer"],
    "O2-regparm": ["-O2", "-fno-inline", "-mstringop-strategy=rep_byte"],
    "Os-unrolled": ["-Os", "-funroll-loops", "-mstringop-strategy=rep_4byte"],
}


@pytest.mark.parametrize("name", FLAGS)
def test_compiled_program(tools, tmp_path, name):
    native = build(tmp_path, os.path.join(PROGRAMS, "compute.c"), *FLAGS[name])
    for argument in (1, 12345):
        expected, differ = outcome(tools, native, argument)
        assert differ > 0
        assert outcome(tools, translate(native), argument) == (expected, 0)
        assert outcome(tools, translate(native, "--identity"), argument)[0] == expected


def test_without_liveness_programs_are_longer_and_do_the_same(tools, tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "compute.c"), "-O2")
    sizes = []
    for options in ((), ("--no-liveness",)):
        stats = tmp_path / "stats.json"
        translated = translate(native, "--stats", stats, *options)
        assert outcome(tools, translated, 7) == (outcome(tools, native, 7)[0], 0)
        sizes.append(json.loads(stats.read_text())["translated_text_bytes"])
    assert sizes[0] < sizes[1]


def test_assembly_corners(tools, tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "corners.S"))
    expected = outcome(tools, native, 1)[0]
    assert outcome(tools, translate(native, "--identity"), 1)[0] == expected
    assert outcome(tools, translate(native), 1) == (expected, 0)


def processor_has(*features):
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return set(features) <= set(flags)


VECTOR_FEATURES = ("avx2", "f16c", "xsavec", "xsaveopt")


@pytest.mark.skipif(not processor_has(*VECTOR_FEATURES), reason="this processor has no AVX2")
def test_vector_and_state_stores(tools, tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "avx.S"))
    expected = outcome(tools, native, 1)[0]
    assert outcome(tools, translate(native, "--identity"), 1)[0] == expected
    assert outcome(tools, translate(native), 1) == (expected, 0)
    for name in ("vex_store", "vex_masked", "maskmov", "xsave"):
        assert outcome(tools, translate(native, "--drop-mirror", name), 1)[1] > 0


WIDTHS = {0: (), 32: ("avx2",), 64: ("avx512f",)}


@pytest.mark.parametrize("width", WIDTHS)
def test_long_fills_and_copies(tools, tmp_path, width):
    if not processor_has(*WIDTHS[width]):
        pytest.skip(f"this processor has no vector registers of {width} bytes")
    native = build(tmp_path, os.path.join(PROGRAMS, "wide.S"))
    expected = outcome(tools, native, width)[0]
    translated = translate(native)
    assert outcome(tools, translated, width) == (expected, 0)
    assert "vmovdqu32" in run("objdump", "-d", translated).stdout
    run(VERIFY, native, translate(native, "--no-liveness"))
    assert outcome(tools, translate(native, "--no-wide"), width) == (expected, 0)
    for name in ("rep_stos", "rep_movs"):
        assert outcome(tools, translate(native, "--drop-mirror", name), width)[1] > 0


def prefetches(program):
    """Addresses that are prefetched, by the function that does it, as the disassembler prints them."""
    functions = re.split(r"^\w+ <(\w+)>:$", run("objdump", "-d", program).stdout, flags=re.MULTILINE)[1:]
    return {name: re.findall(r"prefetchw (\w+)\(", text) for name, text in zip(functions[::2], functions[1::2])}


def test_loops_prefetch_what_they_store(tools, tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "loops.S"))
    expected = outcome(tools, native, 1)[0]
    translated = translate(native)
    run(VERIFY, native, translated)
    assert outcome(tools, translated, 1) == (expected, 0)
    found = prefetches(translated)
    sides = {name: sorted(int(address, 16) // 0x38000000 for address in found[name]) for name in found}
    assert sides == {"both": [0, 1], "both_left": [0, 1], "mirror": [1], "none": [], "none_loaded": [], "entry": []}
    plain = translate(native, "--no-prefetch")
    assert outcome(tools, plain, 1) == (expected, 0)
    assert not any(prefetches(plain).values())


def test_the_vector_program_holds_every_mnemonic_of_its_rows():
    with open(os.path.join(TOP, "translator", "src", "classes.c"), encoding="ascii") as file:
        table = file.read()
    with open(os.path.join(PROGRAMS, "avx.S"), encoding="ascii") as file:
        used = {line.split()[0].upper() for line in file if line.startswith("    ")}
    for row in ("vex_store", "vex_masked", "maskmov", "xsave"):
        listed = re.search(rf'{{"{row}",.*?LIST\((.*?)\),\s+is_', table, re.DOTALL)[1]
        missing = set(re.findall(r"M\((\w+)\)", listed)) - used
        assert not missing


def step(tools, program):
    """(instructions, those in windows, those outside that find an unequal byte)"""
    output = run(tools / "runner", "--step", program, "1").stdout
    match = re.fullmatch(r"result=.* steps=(\d+) inside=(\d+) torn=(\d+)\n", output)
    return tuple(map(int, match.groups()))


def test_every_unmirrored_instant_is_in_a_window(tools, tmp_path):
    """Stopped before each instruction, native and mirror are equal, or the instruction pointer is in a window."""
    native = build(tmp_path, os.path.join(PROGRAMS, "corners.S"))
    steps, inside, torn = step(tools, translate(native))
    assert steps > 1000
    assert 0 < inside < steps
    assert torn == 0
    # The measurement itself: a missing mirror is seen.
    assert step(tools, translate(native, "--drop-mirror", "exchange"))[2] > 0


RACES = 6
ATTEMPTS = 20


def racing(tools, program, argument):
    """Runs in which a word that two threads wrote ended unequal to its mirror."""
    torn = 0
    for _ in range(RACES):
        output = run(tools / "runner", "--threads", program, str(argument)).stdout
        torn += int(re.fullmatch(r"result=\w+ pages=\d+ differ=(\d+)\n", output)[1]) > 0
    return torn


@pytest.mark.skipif(os.cpu_count() < 2, reason="one processor: nothing races")
@pytest.mark.parametrize("options", [(), ("--no-liveness",)], ids=["liveness", "no-liveness"])
def test_locked_writes_of_two_processors(tools, tmp_path, options):
    native = build(tmp_path, os.path.join(PROGRAMS, "racing.c"), "-O2")
    translated = translate(native, *options)
    run(VERIFY, native, translated)
    assert racing(tools, translated, 0) == 0
    # The measurement itself: writes without a lock do overtake each other, as soon as two processors are free for them.
    assert any(racing(tools, translated, 1) > 0 for _ in range(ATTEMPTS))


def test_sections_in_one_segment(tools, tmp_path):
    """Text, data and bss in one writable segment without gaps, as small systems link programs."""
    native = build(tmp_path, os.path.join(PROGRAMS, "corners.S"), "-Wl,-N")
    expected = outcome(tools, native, 1)[0]
    assert outcome(tools, translate(native), 1) == (expected, 0)


def used_classes(native):
    listing = run(TRANSLATE, "--list", native).stdout
    return sorted({line.split()[1] for line in listing.splitlines()})


def all_classes(native, tmp_path):
    stats = tmp_path / "stats.json"
    translate(native, "--stats", stats)
    return set(json.loads(stats.read_text())["classes"])


def is_proved(native, translated):
    result = run(VERIFY, "--trap-entry", "alltraps:gate", native, translated, check=False)
    return result.returncode == 0


def test_dropping_the_mirror_of_any_class_shows(tools, tmp_path):
    """Mutants: with the mirrors of one class dropped, bytes differ at the end of a program, or, of what no program on this
    processor can run, kmv-verify finds it."""
    killed = set()
    programs = [("compute.c", ["-O3", "-msse2"]), ("corners.S", [])]
    if processor_has(*VECTOR_FEATURES):
        programs.append(("avx.S", []))
    for source, flags in programs:
        native = build(tmp_path, os.path.join(PROGRAMS, source), *flags)
        for name in used_classes(native):
            if outcome(tools, translate(native, "--drop-mirror", name), 1)[1] > 0:
                killed.add(name)
    native = build(tmp_path, os.path.join(PROGRAMS, "privileged.S"))
    trap = ["--trap-entry", "alltraps:gate"]
    assert is_proved(native, translate(native, *trap))
    for name in [*used_classes(native), "trap"]:
        if not is_proved(native, translate(native, *trap, "--drop-mirror", name)):
            killed.add(name)
    classes = all_classes(native, tmp_path)
    if not processor_has(*VECTOR_FEATURES):
        classes -= {"vex_store", "vex_masked", "maskmov", "xsave"}
    print(f"mutants: killed {len(killed)} of {len(classes)}; alive: {sorted(classes - killed)}")
    assert killed == classes


TRAPS = {"vector_raw": (0, "vector_raw"), "vector_err": (1, "vector_err:err"), "gate": (2, "alltraps:gate")}


@pytest.mark.parametrize("kind", TRAPS)
def test_trap_entry_mirrors_the_frame(tools, tmp_path, kind):
    argument, option = TRAPS[kind]
    native = build(tmp_path, os.path.join(PROGRAMS, "trap.S"))
    unmirrored_frame = ["--drop-mirror", "push_immediate"]
    without = outcome(tools, translate(native, *unmirrored_frame), argument)
    assert without[1] > 0
    assert outcome(tools, translate(native, *unmirrored_frame, "--trap-entry", option), argument) == (without[0], 0)


def test_output_is_reproducible(tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "compute.c"), "-O2")
    first = translate(native).read_bytes()
    assert translate(native).read_bytes() == first


def test_symbols_move_along(tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "compute.c"), "-O1")
    translated = translate(native)

    def symbols(path):
        lines = run("nm", "--defined-only", path).stdout.splitlines()
        return {fields[2]: int(fields[0], 16) for fields in map(str.split, lines)}

    old, new = symbols(native), symbols(translated)
    assert old.keys() == new.keys()
    disassembly = run("objdump", "-d", "--no-show-raw-insn", translated).stdout
    assert re.search(r"^[0-9a-f]+ <fibonacci>:$", disassembly, re.MULTILINE)
    for name in ("_edata", "_end", "__bss_start"):
        assert new[name] > old[name]
        assert new[name] % 32 == old[name] % 32


REFUSED = {
    "maskmovq with 16-bit address": ("addr16 maskmovq %mm0, %mm1", "maskmovq"),
    "far call": ("lcall *table", "call"),
    "xchg with esp": ("xchgl %esp, table", "xchg"),
    "xsave with 16-bit address": ("addr16 xsave (%bx)", "xsave"),
    "16-bit address string": ("addr16 stosb", "stosb"),
    "clzero": ("clzero", "clzero"),
    "masked with 16-bit address": ("addr16 vmaskmovps %ymm0, %ymm1, (%bx)", "vmaskmovps"),
    "avx-512": ("vmovdqu32 %zmm0, table", "vmovdqu32"),
    "bad bytes": (".byte 0x0f, 0x04", "no instruction"),
    "branch into an instruction": ("jmp 1f+1\n1: movl $1, %eax", "leads to no instruction"),
    "biased local label": ("movl $1f + 0x100000, %eax\n1: nop", "make it global"),
    "16-bit branch": ("data16 jmp entry", "16-bit branch"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_mirrored_is_refused(tmp_path, name):
    code, word = REFUSED[name]
    source = tmp_path / "refused.s"
    source.write_text(f".globl entry\nentry:\n nop\n {code}\n movl $table, %eax\n ret\n.data\ntable: .fill 600\n")
    native = build(tmp_path, source)
    out = tmp_path / "out"
    out.write_text("old")
    result = run(TRANSLATE, "-o", out, native, check=False)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert word in result.stderr
    assert re.search(r"0x080\w+", result.stderr)
    assert not out.exists()


USAGE = {
    "no input": [],
    "bad offset": ["--offset", "10000000", "-o", "x", "y"],
    "bad trap kind": ["--trap-entry", "a:b", "-o", "x", "y"],
    "bad class": ["--drop-mirror", "nothing", "-o", "x", "y"],
    "unknown option": ["--frobnicate"],
    "no output": ["y"],
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_errors(name):
    result = run(TRANSLATE, *USAGE[name], check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("kmv-translate: ")
    assert len(result.stderr.splitlines()) == 1


def test_trap_entry_must_exist(tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "trap.S"))
    result = run(TRANSLATE, "--trap-entry", "nowhere", "-o", tmp_path / "x", native, check=False)
    assert result.returncode == 1
    assert "nowhere" in result.stderr


def test_needs_relocations(tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "trap.S"), relocations=False)
    result = run(TRANSLATE, "-o", tmp_path / "x", native, check=False)
    assert result.returncode == 1
    assert "--emit-relocs" in result.stderr


def test_translating_twice_is_refused(tmp_path):
    native = build(tmp_path, os.path.join(PROGRAMS, "trap.S"))
    result = run(TRANSLATE, "-o", tmp_path / "x", translate(native), check=False)
    assert result.returncode == 1
    assert "already translated" in result.stderr


def test_help():
    result = run(TRANSLATE, "--help")
    assert "--trap-entry" in result.stdout
