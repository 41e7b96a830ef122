"""Reading the hypervisor's log."""

import io

from kmvlib.hvlog import LogReader, parse_event, parse_log


def test_pairs():
    event = parse_event('seq=3 tsc=99 event=recover gpage=0x1000 bad=0x2000 new=0x3000 cause="read by guest"')
    assert event == {
        "seq": "3",
        "tsc": "99",
        "event": "recover",
        "gpage": "0x1000",
        "bad": "0x2000",
        "new": "0x3000",
        "cause": "read by guest",
    }


def test_quotes_and_empty_values():
    event = parse_event(r'seq=0 tsc=1 event=note text="a \"b\" c=d" empty= end=""')
    assert event["text"] == 'a "b" c=d'
    assert event["empty"] == "" and event["end"] == ""
    assert "c" not in event


def test_firmware_text_before_an_event():
    assert parse_event("\x1b[2Jstarting Boot0001 seq=0 tsc=5 event=boot mirror=on")["mirror"] == "on"


def test_other_lines_are_no_events():
    assert parse_event("") is None
    assert parse_event("seq=1 event=boot") is None
    assert parse_event("BdsDxe: loading Boot0001") is None


def test_whole_log():
    events = parse_log("noise\nseq=0 tsc=1 event=boot\n\nseq=1 tsc=2 event=summary status=0\n")
    assert [event["event"] for event in events] == ["boot", "summary"]


class Listener:
    """A reader, and what it passed on."""

    def __init__(self):
        self.lines, self.errors, self.file = [], [], io.StringIO()
        self.reader = LogReader(self.file, lambda line, pairs: self.lines.append(line), self.errors.append)


def test_bytes_cut_anywhere():
    text = b"\x1b[2Jfirmware seq=0 tsc=1 event=boot a=b\r\nseq=1 tsc=2 event=poison gpage=0x1\nseq=2 tsc=3 event=summ"
    for size in range(1, len(text)):
        heard = Listener()
        for start in range(0, len(text), size):
            heard.reader.feed(text[start : start + size])
        assert heard.lines == ["seq=0 tsc=1 event=boot a=b", "seq=1 tsc=2 event=poison gpage=0x1"]
        heard.reader.close()
        assert heard.lines[2] == "seq=2 tsc=3 event=summ"
        assert heard.file.getvalue() == "".join(line + "\n" for line in heard.lines)


def test_loader_error():
    heard = Listener()
    heard.reader.feed(b"\x1b[01;01Hkmemvisor: error: kernel.elf: not an ELF file\r\n")
    assert heard.errors == ["kernel.elf: not an ELF file"]
    assert heard.lines == []
    assert heard.file.getvalue() == "kmemvisor: error: kernel.elf: not an ELF file\n"
