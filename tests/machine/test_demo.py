"""The demo, whole: every kind of loss is met, told and answered."""

import subprocess

from machine import BUILD, KMV, read_events

SECONDS = 900


def test_demo(tmp_path):
    log = tmp_path / "hv.log"
    command = [KMV, "demo", "--platform", "bochs", "--build", BUILD, "--log", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    events = read_events(log)
    answers = {(event["event"], event["cause"]) for event in events if event["event"] in ("recover", "degraded", "lost")}
    assert {("recover", "access"), ("recover", "verify"), ("recover", "scrub"), ("degraded", "verify"), ("lost", "access")} <= answers
    for line in ("forktest: OK", "stressfs: done", "lose: 2 passed, 0 failed", "spaces: 7 passed, 0 failed", "scrub_wrong=1 scrub_unsure=0"):
        assert line in done.stdout
    assert done.stdout.count("\nalive\n") == 2 and done.stdout.count(" differing=0\n") == 3
    assert "[11/11] " in done.stdout and "0 differ from their copy." in done.stdout
    page = tmp_path / "hv.log.html"
    assert done.stdout.endswith(f"{page}\n") and "<polyline" in page.read_text(encoding="utf-8")
