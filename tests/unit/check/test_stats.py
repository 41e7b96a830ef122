"""The limits on the hypervisor's size: what is counted, and that outgrowing them is told."""

import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
STATS = os.path.join(TOP, "tests", "check", "stats.py")


def stats(folder, *options):
    return subprocess.run(["/usr/bin/python3", STATS, *options, folder], capture_output=True, text=True, check=False)


def function(name, lines):
    return f"int {name}(void)\n{{\n" + "    work();\n" * (lines - 2) + "}\n"


def test_counts(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.c").write_text("struct s {\n    int a;\n};\n" + function("f", 4) + function("g", 10))
    (tmp_path / "deep" / "b.h").write_text("/* What f\n *\n * does. */\nint f(void); /* here */\n\n// and there\n")
    (tmp_path / "c.S").write_text("nop\nnop\n")
    (tmp_path / "other.txt").write_text("no source\n")
    done = stats(tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    words = [line.split() for line in done.stdout.splitlines()]
    assert words[0] == ["files", "3"]
    assert words[1][:3] == ["lines,", "all", "27"]
    assert words[2][:4] == ["lines", "of", "C", "20"]
    assert words[3][:4] == ["lines", "of", "assembly", "2"]
    assert words[4][:3] == ["longest", "function", "10"]
    assert words[5] == ["functions", "2", "median", "7", "lines"]
    assert words[6][1].endswith("a.c:10")


def test_a_long_function_fails(tmp_path):
    (tmp_path / "a.c").write_text(function("f", 80))
    assert stats(tmp_path).returncode == 0
    (tmp_path / "a.c").write_text(function("f", 81))
    done = stats(tmp_path)
    assert done.returncode == 1 and done.stderr == "stats: longest function: 81, at most 80\n"


def test_too_many_lines_fail(tmp_path):
    (tmp_path / "a.c").write_text("x;\n" * 8001)
    (tmp_path / "b.S").write_text("\n" * 301)
    assert stats(tmp_path).stderr.splitlines() == [
        "stats: lines of C: 8001, at most 8000",
        "stats: lines of assembly: 301, at most 300",
    ]


def test_no_sources(tmp_path):
    done = stats(tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
