"""What the machine plays, as an input: ``--system``.

On Linux the sound server gives every output a monitor. That of the default output is recorded without changing any
default, and when another output becomes the default one, the recording moves there. On macOS and Windows it takes an
input that a driver makes of the sound; it is found by its name.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from emodj_live.blocks import Block, Gap
from emodj_live.errors import SourceError
from emodj_live.options import SourceOptions
from emodj_live.sources.devices import Device, find_device, list_devices, matching_monitors, monitor_devices, not_found
from emodj_live.sources.microphone import MicrophoneSource
from emodj_live.sources.playing import NowPlaying
from emodj_live.sources.pulse import SoundServer

logger = logging.getLogger(__name__)

# Where a driver makes an input of the sound: what it is called, and how to get it.
_LOOPBACKS = {
    "darwin": (
        ("BlackHole", "Loopback Audio", "Soundflower"),
        "install BlackHole (brew install blackhole-2ch), and combine it with your speakers into a multi-output device "
        "in Audio MIDI Setup",
    ),
    "win32": (
        ("Stereo Mix", "Stereomix", "CABLE Output", "What U Hear"),
        "enable Stereo Mix among the recording devices in the sound settings, or install VB-CABLE and play into it",
    ),
}


class SystemSource(MicrophoneSource):
    """The blocks of what the machine plays.

    Recorded is the monitor of the default output. When another output becomes the default one, the source moves there,
    and a `Gap` stands for what was missed. On macOS and Windows a device such as BlackHole, Stereo Mix or VB-CABLE is
    recorded, which has to be installed. All else is as with a `MicrophoneSource`.

    Parameters
    ----------
    device : int, str or None
        A part of the name of another output's monitor, or number or part of the name of an input that hears what is
        played; None for the default output.
    sample_rate, queue_seconds, may_restart_portaudio, clock
        As those of a `MicrophoneSource`.

    Attributes
    ----------
    device, is_connected, lost, last_arrival, age
        As those of a `MicrophoneSource`.

    Raises
    ------
    SourceError
        If there is nothing to record, or no sound server answers; when iterated, if the device cannot be opened.
    ValueError
        If `sample_rate` or `queue_seconds` is out of range.
    """

    def __init__(
        self,
        device: int | str | None = None,
        *,
        sample_rate: int = 22050,
        queue_seconds: float = 5.0,
        may_restart_portaudio: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server: SoundServer | None = None
        self._output = ""  # whose monitor is recorded
        self._playing = NowPlaying()
        super().__init__(
            device,
            sample_rate=sample_rate,
            queue_seconds=queue_seconds,
            may_restart_portaudio=may_restart_portaudio,
            clock=clock,
        )

    @property
    def title(self) -> str:
        """The song that a player says it plays, or else the name of the device."""
        return self._playing.title or self._name

    def __iter__(self) -> Iterator[Block | Gap]:
        """Open the device and yield what it records, without an end."""
        if self._follows_default and sys.platform not in _LOOPBACKS:
            self._connected()
        with self._playing:
            yield from super().__iter__()

    def close(self) -> None:
        """Let go of the sound server."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _find(self, device: int | str | None) -> Device:
        if sys.platform in _LOOPBACKS:
            return _loopback(device, *_LOOPBACKS[sys.platform])
        if isinstance(device, int):
            return find_device(device, "input")
        server = self._connected()
        monitors = monitor_devices(server)
        self._output = server.default_output
        found = matching_monitors(f"{self._output}.monitor" if device is None else device, monitors)
        if len(found) != 1:
            raise not_found(device, "output monitor", monitors, is_ambiguous=len(found) > 1)
        return found[0]

    def _connected(self) -> SoundServer:
        """Return a connection to the sound server, a new one if there was none or it broke."""
        if self._server is None or not self._server.is_connected:
            self.close()
            self._server = SoundServer()
        self._server.poll()
        return self._server

    def _is_outdated(self) -> bool:
        """Return whether another output has become the default one."""
        if self._server is None or not self._follows_default:
            return False
        self._server.poll()
        return self._server.default_output != self._output

    def _reconnect(self) -> Iterator[Block | Gap]:
        """Move to the new default output at once; else wait until there is something to record."""
        if self._is_outdated() and self._recording is not None:
            while (arrived := self._recording.get(0)) is not None:
                yield from self._deliver(arrived)
            yield self._rest()
            self._close()
            if self._reopen():
                logger.warning("the default output has changed; now listening to %s.", self._name)
                return
        yield from super()._reconnect()


def _loopback(device: int | str | None, names: Sequence[str], advice: str) -> Device:
    """Find an input that a driver makes of what is played."""
    if device is not None:
        return find_device(device, "input")
    inputs = list_devices("input")
    found = [each for name in names for each in inputs if name.casefold() in each.name.casefold()]
    if not found:
        raise SourceError(f"no input hears what this machine plays: {advice}.")
    return found[0]


def open_source(_value: bool, options: SourceOptions, sample_rate: int) -> SystemSource:
    """Open the source of ``--system``. The process has no other sound, so PortAudio may be restarted."""
    return SystemSource(options.device, sample_rate=sample_rate, may_restart_portaudio=True)
