"""The sound server of Linux, PulseAudio or PipeWire's, asked through its own library.

PortAudio knows the server as a single device. What else it can record, above all the monitors of its outputs, and which
output is the default one, only the server knows. Its library is there whenever PortAudio's device is, so that no other
program is needed; a question takes a millisecond, and looking for news a microsecond.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_uint8, c_uint32, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

from emodj_live.errors import SourceError

_TIMEOUT = 1.0  # [s] for an answer
_PAUSE = 0.001  # [s] between two looks for an answer
_READY, _FAILED = 4, 5  # states of a connection; beyond the latter it has ended
_NO_AUTOSPAWN = 1  # to ask for a server must not start one
_SERVER_EVENTS = 0x80
_NOT_A_MONITOR = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Monitor:
    """The monitor of an output: an input that records what the output plays.

    Attributes
    ----------
    name, description : str
        What the server calls it, which is its output's name and ``.monitor``; and what people see.
    channels : int
    sample_rate : float
        [Hz]
    """

    name: str
    description: str
    channels: int
    sample_rate: float


class _SampleSpec(Structure):
    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class _Server(Structure):
    """The beginning of ``pa_server_info``."""

    _fields_ = (
        *((name, c_char_p) for name in ("user", "host", "version", "name")),
        ("spec", _SampleSpec),
        ("default_sink", c_char_p),
    )


class _Channels(Structure):
    """A ``pa_channel_map`` or a ``pa_cvolume``."""

    _fields_ = (("channels", c_uint8), ("values", c_uint32 * 32))


class _Source(Structure):
    """The beginning of ``pa_source_info``."""

    _fields_ = (
        ("name", c_char_p),
        ("index", c_uint32),
        ("description", c_char_p),
        ("spec", _SampleSpec),
        ("map", _Channels),
        ("module", c_uint32),
        ("volume", _Channels),
        ("is_muted", c_int),
        ("monitor_of", c_uint32),
    )


_ON_SERVER = CFUNCTYPE(None, c_void_p, POINTER(_Server), c_void_p)
_ON_SOURCE = CFUNCTYPE(None, c_void_p, POINTER(_Source), c_int, c_void_p)
_ON_EVENT = CFUNCTYPE(None, c_void_p, c_int, c_uint32, c_void_p)
_FUNCTIONS: dict[str, tuple[Any, ...]] = {  # what each returns, and takes
    "pa_mainloop_new": (c_void_p,),
    "pa_mainloop_get_api": (c_void_p, c_void_p),
    "pa_mainloop_iterate": (c_int, c_void_p, c_int, c_void_p),
    "pa_mainloop_free": (None, c_void_p),
    "pa_context_new": (c_void_p, c_void_p, c_char_p),
    "pa_context_connect": (c_int, c_void_p, c_char_p, c_int, c_void_p),
    "pa_context_get_state": (c_int, c_void_p),
    "pa_context_disconnect": (None, c_void_p),
    "pa_context_unref": (None, c_void_p),
    "pa_context_get_server_info": (c_void_p, c_void_p, _ON_SERVER, c_void_p),
    "pa_context_get_source_info_list": (c_void_p, c_void_p, _ON_SOURCE, c_void_p),
    "pa_context_set_subscribe_callback": (None, c_void_p, _ON_EVENT, c_void_p),
    "pa_context_subscribe": (c_void_p, c_void_p, c_int, c_void_p, c_void_p),
    "pa_operation_unref": (None, c_void_p),
}


@cache
def _library() -> ctypes.CDLL:
    """Load the server's library."""
    try:
        library = ctypes.CDLL("libpulse.so.0")
    except OSError as error:
        how = "apt install libasound2-plugins (Fedora: alsa-plugins-pulseaudio, Arch: alsa-plugins)"
        raise SourceError(f"the sound server's library libpulse is missing; install it: {how}.") from error
    for name, (returned, *taken) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returned, taken
    return library


class SoundServer:
    """A connection to the sound server. It has no thread: it works while one of its methods does.

    Attributes
    ----------
    default_output : str
        What the server calls its default output, as of the last `poll`; empty if it has none.

    Raises
    ------
    SourceError
        If no server answers, or its library is missing.
    """

    def __init__(self) -> None:
        self.default_output = ""
        self._monitors: list[Monitor] = []
        self._pulse = _library()
        # Kept, because the library calls them later.
        self._on_server = _ON_SERVER(self._note_server)
        self._on_source = _ON_SOURCE(self._note_source)
        self._on_event = _ON_EVENT(self._note_event)
        self._loop = self._pulse.pa_mainloop_new()
        self._context = self._pulse.pa_context_new(self._pulse.pa_mainloop_get_api(self._loop), b"emodj-live")
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> SoundServer:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def _connect(self) -> None:
        self._pulse.pa_context_connect(self._context, None, _NO_AUTOSPAWN, None)
        self._wait(lambda: self._state == _READY)
        self._pulse.pa_context_set_subscribe_callback(self._context, self._on_event, None)
        self._release(self._pulse.pa_context_subscribe(self._context, _SERVER_EVENTS, None, None))
        self._answered = False
        self._note_event()
        self._wait(lambda: self._answered)

    def close(self) -> None:
        """Close the connection. It may be called twice."""
        loop, self._loop = self._loop, None
        if loop is not None:
            self._pulse.pa_context_disconnect(self._context)
            self._pulse.pa_context_unref(self._context)
            self._pulse.pa_mainloop_free(loop)

    @property
    def is_connected(self) -> bool:
        """Whether the server is there."""
        return self._loop is not None and self._state == _READY

    @property
    def _state(self) -> int:
        state: int = self._pulse.pa_context_get_state(self._context)
        return state

    def poll(self) -> None:
        """Take in what the server has said since the last time, without waiting."""
        if self._loop is not None:
            while self._pulse.pa_mainloop_iterate(self._loop, 0, None) > 0:
                pass

    def monitors(self) -> list[Monitor]:
        """Ask for the monitors of all outputs.

        Returns
        -------
        list of Monitor

        Raises
        ------
        SourceError
            If the server does not answer.
        """
        self._monitors, self._answered = [], False
        if self.is_connected:
            self._release(self._pulse.pa_context_get_source_info_list(self._context, self._on_source, None))
        self._wait(lambda: self._answered)
        return self._monitors

    def _wait(self, is_done: Callable[[], bool]) -> None:
        """Wait for an answer."""
        end = time.monotonic() + _TIMEOUT
        while not is_done():
            if self._loop is None or self._state >= _FAILED or time.monotonic() > end:
                raise SourceError("no sound server answers; start PulseAudio, or PipeWire with pipewire-pulse.")
            self.poll()
            time.sleep(_PAUSE)

    def _release(self, operation: int | None) -> None:
        if operation is not None:
            self._pulse.pa_operation_unref(operation)

    # ------------------------------------------------------------------------------------ called by the library

    def _note_event(self, *_: object) -> None:
        """Ask what has changed: the event does not say."""
        self._release(self._pulse.pa_context_get_server_info(self._context, self._on_server, None))

    def _note_server(self, _context: object, info: Any, _: object) -> None:
        self.default_output = _text(info.contents.default_sink) if info else ""
        self._answered = True

    def _note_source(self, _context: object, info: Any, end: int, _: object) -> None:
        if end:
            self._answered = True
        elif (source := info.contents).monitor_of != _NOT_A_MONITOR:
            name, description = _text(source.name), _text(source.description)
            self._monitors.append(Monitor(name, description, source.spec.channels, float(source.spec.rate)))


def _text(given: bytes | None) -> str:
    return (given or b"").decode(errors="replace")
