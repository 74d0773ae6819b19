"""Runs a command on a terminal of its own and types into it: terminal.py '[[awaited, typed], …]' COMMAND…

Prints what the terminal shows; ends as the command does.
"""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    # So wide that no question is broken over two lines, however long the path in it.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 50, 500, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])

shown, searched, end = b"", 0, time.monotonic() + 50
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says so where the command has ended
            break
        if not chunk:
            break
        shown += chunk
    if steps and shown.find(steps[0][0].encode(), searched) >= 0:
        searched = len(shown)
        time.sleep(0.3)  # until it listens
        os.write(terminal, steps.pop(0)[1].encode())
else:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
