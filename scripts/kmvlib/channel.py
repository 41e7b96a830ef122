"""Byte streams to a machine: kmv listens on a port that the kernel picks, the emulator connects to it."""

import socket

# An emulator can pick a port of its own only by trying; a listener on port 0 never collides with another run.
HOST = "127.0.0.1"


class Channel:
    """One serial line (or monitor) of a machine. `data` is what came since the last `take`."""

    def __init__(self, name):
        self.name = name
        self.stream = None
        self.closed = False
        self.listener = socket.socket()
        self.listener.bind((HOST, 0))
        self.listener.listen(1)
        self.port = self.listener.getsockname()[1]

    def watched(self):
        """The socket to wait on, None once the machine hung up."""
        if self.closed:
            return None
        return self.stream or self.listener

    def receive(self):
        """Takes a connection, or what bytes there are, without waiting; b"" if none."""
        if self.closed:
            return b""
        try:
            if self.stream is None:
                self.accept()
                return b""
            data = self.stream.recv(65536)
        except BlockingIOError:
            return b""
        except ConnectionError:
            data = b""
        self.closed = not data
        return data

    def accept(self):
        self.listener.setblocking(False)
        self.stream, _ = self.listener.accept()
        self.stream.setblocking(False)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.listener.close()

    def send(self, data):
        """Sends what the machine takes at once; returns the number of bytes."""
        if self.stream is None or self.closed:
            return 0
        try:
            return self.stream.send(data)
        except BlockingIOError:
            return 0
        except ConnectionError:
            self.closed = True
            return 0

    def close(self):
        self.listener.close()
        if self.stream:
            self.stream.close()
