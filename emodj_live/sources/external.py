"""Other programs that do a part of the work: started, read from, waited for only so long, and always ended."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from emodj_live.errors import SourceError

_PATIENCE = 60.0  # [s] without a sign of life, after which a program is given up
_LAST_PATIENCE = 5.0  # [s] once it is killed
_LAST_BYTES = 1 << 16  # of what it complained about


class Program:
    """A program that is running.

    Parameters
    ----------
    command : sequence of str
        Its name and arguments.
    path : path-like
        The file that it works on, for messages.
    complaints : binary file
        Where its standard error stream goes.

    Raises
    ------
    SourceError
        If it cannot be started.
    """

    def __init__(self, command: Sequence[str], path: Path, complaints: IO[bytes]) -> None:
        self._name = command[0]
        self._path = path
        self._complaints = complaints
        arguments = [shutil.which(self._name) or self._name, *command[1:]]
        try:
            self._process = subprocess.Popen(  # noqa: S603 (no shell reads the arguments)
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, bufsize=0, **_apart()
            )
        except OSError as error:
            raise SourceError(f"{path}: {self._name} cannot be started: {error.strerror or error}.") from error
        self._output: Any = self._process.stdout
        self._waiting: Any = None
        if hasattr(select, "poll"):  # a pipe on Windows can only be waited for by reading
            self._waiting = select.poll()
            self._waiting.register(self._output, select.POLLIN)

    def read_into(self, room: memoryview) -> int:
        """Fill some memory with what the program writes.

        Parameters
        ----------
        room : memoryview of bytes

        Returns
        -------
        int
            How much was filled; it is less than there is room for at the end only.

        Raises
        ------
        SourceError
            If nothing comes for a minute.
        """
        filled = 0
        while filled < len(room):
            if self._waiting is not None and not self._waiting.poll(_PATIENCE * 1000):
                raise self._hangs()
            if not (count := self._output.readinto(room[filled:])):
                break
            filled += count
        return filled

    def read(self) -> bytes:
        """Return all that it writes.

        Raises
        ------
        SourceError
            If nothing comes for a minute.
        """
        parts, room = [], bytearray(1 << 16)
        while count := self.read_into(memoryview(room)):
            parts.append(bytes(room[:count]))
        return b"".join(parts)

    def wait(self) -> tuple[int, bytes]:
        """Wait until it ends, once everything is read.

        Returns
        -------
        code : int
            Its exit code; negative if a signal has ended it.
        complaints : bytes
            The end of what it wrote to standard error.

        Raises
        ------
        SourceError
            If it does not end within a minute.
        """
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            raise self._hangs() from None
        self._complaints.seek(max(0, self._complaints.seek(0, os.SEEK_END) - _LAST_BYTES))
        return code, self._complaints.read()

    def end(self) -> None:
        """End it and what it has started, if it has not ended, and forget it."""
        if self._process.poll() is None:
            with suppress(OSError):  # it has just ended
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    os.killpg(self._process.pid, signal.SIGKILL)
        self._output.close()
        with suppress(subprocess.TimeoutExpired):  # it hangs in the kernel, with its disk or network
            self._process.wait(_LAST_PATIENCE)

    def _hangs(self) -> SourceError:
        return SourceError(f"{self._path}: {self._name} has done nothing for {_PATIENCE:g} s; try another file.")


@contextmanager
def running(command: Sequence[str], path: Path) -> Iterator[Program]:
    """Start a program, and end it however that ends.

    Parameters
    ----------
    command : sequence of str
        Its name, which is looked for on the PATH, and arguments.
    path : path-like
        The file that it works on, for messages.

    Yields
    ------
    Program

    Raises
    ------
    SourceError
        If it cannot be started.
    """
    with _complaints() as complaints:
        program = Program(command, path, complaints)
        try:
            yield program
        finally:
            program.end()


def is_installed(*names: str) -> bool:
    """Return whether all of these programs are on the PATH."""
    return all(shutil.which(name) for name in names)


def _complaints() -> IO[bytes]:
    """Open a file for what a program writes to standard error: a pipe that nobody reads would stop it."""
    with suppress(OSError):  # the disk is full
        return TemporaryFile()
    return Path(os.devnull).open("r+b", buffering=0)


def _apart() -> dict[str, Any]:
    """Return how to start a process that a terminal's Ctrl-C does not reach: whoever started it ends it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
