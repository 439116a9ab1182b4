#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""terminal.py COMMAND...: run a command on a new terminal, and be its user.

Standard input says what the user does, a line each:

    expect REGEX        wait until the output since the last match holds it
    type TEXT           type it; Python's escapes: \\r is Enter, \\x03 Ctrl-C
    size ROWS COLUMNS   resize the window
    hang up             close the window
    raw yes|no          check whether the terminal is in raw mode

Prints what the command wrote, and at its end "status N" and whether the terminal is as it was.
Exits 1 when an expectation is not met within 20 seconds.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

TIMEOUT_S = 20


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, argv):
        self.master, self.slave = pty.openpty()
        self.resize(24, 80)
        self.before = termios.tcgetattr(self.slave)
        self.output = ""
        self.read_to = 0
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            self.login()
            os.execvp(argv[0], argv)

    def login(self):
        """login_tty(3), which Python has since 3.11."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(self.slave, fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Take what comes within `seconds`; false when nothing did."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += chunk.decode("utf-8", "replace")
        return bool(chunk)

    def expect(self, regex):
        end = time.monotonic() + TIMEOUT_S
        while True:
            match = re.search(regex, self.output[self.read_to:])
            if match:
                self.read_to += match.end()
                return
            if time.monotonic() > end:
                sys.stdout.write(self.output)
                sys.exit(f"\nterminal.py: '{regex}' did not come")
            self.read(0.2)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def hang_up(self):
        os.close(self.master)
        os.close(self.slave)
        self.master = -1

    def finish(self):
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            if self.master >= 0:
                self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.master >= 0 and self.read(0):
                    pass
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        sys.stdout.write(self.output)
        sys.exit("\nterminal.py: the command does not end")


def main():
    terminal = Terminal(sys.argv[1:])
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "expect":
            terminal.expect(rest)
        elif word == "type":
            os.write(terminal.master, rest.encode().decode("unicode_escape").encode())
        elif word == "size":
            terminal.resize(*map(int, rest.split()))
        elif word == "hang":
            terminal.hang_up()
        elif word == "raw" and terminal.is_raw() != (rest == "yes"):
            sys.exit(f"terminal.py: not raw {rest}")
    status = terminal.finish()
    print(terminal.output)
    print(f"status {status}")
    if terminal.master >= 0 and termios.tcgetattr(terminal.slave) == terminal.before:
        print("terminal restored")
    return 0


if __name__ == "__main__":
    sys.exit(main())
