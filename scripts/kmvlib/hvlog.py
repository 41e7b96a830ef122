"""The hypervisor's log on COM2: lines of `seq=N tsc=N event=NAME key=value ...`."""

import re

# Firmware writes its screen to COM2 as well, with cursor movements and often without a last newline, so an
# event is looked for inside a line.
EVENT = re.compile(r"seq=\d+ tsc=\d+ event=\S+.*")
LOADER_ERROR = re.compile(r"kmemvisor: error: ([^\x1b]*)")
PAIR = re.compile(r'([A-Za-z_][\w.-]*)=("(?:[^"\\]|\\.)*"|\S*)')


def parse_event(line):
    """The pairs of one line as a dictionary of strings, quotes removed; None if the line is no event."""
    found = EVENT.search(line)
    if not found:
        return None
    return {key: unquote(value) for key, value in PAIR.findall(found.group())}


def parse_log(text):
    """The events of a whole log, in order."""
    events = (parse_event(line) for line in text.splitlines())
    return [event for event in events if event]


def unquote(value):
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


class LogReader:
    """Takes COM2's bytes as they come; passes whole events to the log file and to `on_event`."""

    def __init__(self, log_file, on_event, on_loader_error):
        self.log_file = log_file
        self.on_event = on_event
        self.on_loader_error = on_loader_error
        self.pending = b""

    def feed(self, data):
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.take_line(line.decode("ascii", "replace").rstrip("\r"))

    def close(self):
        """Tells of a last line that its writer did not finish."""
        self.feed(b"\n")
        self.log_file.flush()

    def take_line(self, line):
        found = EVENT.search(line)
        if found:
            self.log_file.write(found.group() + "\n")
            self.log_file.flush()
            self.on_event(found.group(), parse_event(line))
            return
        failure = LOADER_ERROR.search(line)
        if failure:
            self.log_file.write(failure.group() + "\n")
            self.log_file.flush()
            self.on_loader_error(failure.group(1).strip())
