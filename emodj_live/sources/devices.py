"""PortAudio's devices, and the monitors behind one of them: list them, and find one by its number or part of its name.

The only place that imports sounddevice, and only when a device is needed: files work without PortAudio. A monitor is
an input that the sound server offers and that PortAudio reaches through its device for the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from emodj_live.errors import SourceError, one_line
from emodj_live.sources.pulse import Monitor, SoundServer

_SERVER = "pulse"  # PortAudio's device for the sound server
_SERVER_API = "PulseAudio"  # which PipeWire speaks too


@dataclass(frozen=True, slots=True)
class Device:
    """A device as PortAudio describes it, or a monitor that it can reach.

    Attributes
    ----------
    index : int
        Its present number, which may change when something is plugged in. All monitors have the same one.
    name, host_api : str
        Its name, and the sound system that offers it.
    channels : int
        Number of input or output channels, whichever was asked for.
    sample_rate : float
        Its own sample rate [Hz].
    is_default : bool
        Whether it is the default for input or output.
    monitor : str
        What the sound server calls it if it is a monitor, an input that records what an output plays; else empty.
    """

    index: int
    name: str
    host_api: str
    channels: int
    sample_rate: float
    is_default: bool
    monitor: str = ""

    def __str__(self) -> str:
        mark = "*" if self.is_default else " "
        number, origin = f"{self.index:2d}", self.host_api
        if self.monitor:
            number, origin = "--", f"{self.host_api}: {self.monitor}"  # of equal cards, the names are equal too
        channels = f"{self.channels} channel{'s' * (self.channels != 1)}"
        text = f"{mark} {number}  {self.name} ({origin}), {channels}, {self.sample_rate:g} Hz"
        return one_line(text)


def sounddevice() -> ModuleType:
    """Import sounddevice.

    Raises
    ------
    SourceError
        If PortAudio is missing.
    """
    try:
        import sounddevice
    except OSError as error:
        how = "apt install libportaudio2 (Linux) or brew install portaudio (macOS)"
        raise SourceError(f"PortAudio is missing; install it: {how}.") from error
    module: ModuleType = sounddevice
    return module


def list_devices(kind: Literal["input", "output"]) -> list[Device]:
    """Return the devices that can record or play.

    Parameters
    ----------
    kind : {"input", "output"}

    Returns
    -------
    list of Device

    Raises
    ------
    SourceError
        If PortAudio is missing.
    """
    found = [_device(info, kind) for info in sounddevice().query_devices()]
    return [device for device in found if device.channels] + (_monitors() if kind == "input" else [])


def monitor_devices(server: SoundServer) -> list[Device]:
    """Return the monitors of all outputs.

    Parameters
    ----------
    server : SoundServer

    Returns
    -------
    list of Device

    Raises
    ------
    SourceError
        If the server does not answer, or PortAudio is missing or has no device for it.
    """
    index = _server_index()
    if index is None:
        how = "apt install libasound2-plugins (Fedora: alsa-plugins-pulseaudio, Arch: alsa-plugins)"
        raise SourceError(f"PortAudio has no device for the sound server; install ALSA's plugin for it: {how}.")
    return [_monitor_device(monitor, index) for monitor in server.monitors()]


def _server_index() -> int | None:
    indices: list[int] = [info["index"] for info in sounddevice().query_devices() if info["name"] == _SERVER]
    return indices[0] if indices else None


def _monitor_device(monitor: Monitor, index: int) -> Device:
    described = monitor.description or monitor.name
    rate, name = monitor.sample_rate, monitor.name
    return Device(index, described, _SERVER_API, monitor.channels, rate, is_default=False, monitor=name)


def _monitors() -> list[Device]:
    """Return the monitors, or none if there is no way to reach them: most systems have no such server."""
    if _server_index() is None:
        return []
    try:
        with SoundServer() as server:
            return monitor_devices(server)
    except SourceError:
        return []


def matching_monitors(name: str, monitors: Sequence[Device]) -> list[Device]:
    """Return the monitors that a name fits: as with PortAudio's devices, a whole name before a part of one.

    Parameters
    ----------
    name : str
    monitors : sequence of Device

    Returns
    -------
    list of Device
    """
    named = [device for device in monitors if name in (device.monitor, device.name)]
    wanted = name.casefold()
    texts = {device: f"{device.name}, {device.host_api}\n{device.monitor}" for device in monitors}
    return named or [device for device, text in texts.items() if wanted in text.casefold()]


def _device(info: dict[str, Any], kind: str) -> Device:
    api = sounddevice().query_hostapis(info["hostapi"])
    default = sounddevice().default.device[kind]
    if not isinstance(default, int):  # a program may have set a name
        default = sounddevice().query_devices(default, kind)["index"]
    default = api[f"default_{kind}_device"] if default < 0 and info["hostapi"] == 0 else default
    return Device(
        index=info["index"],
        name=info["name"],
        host_api=api["name"],
        channels=info[f"max_{kind}_channels"],
        sample_rate=info["default_samplerate"],
        is_default=info["index"] == default,
    )


def find_device(device: int | str | None, kind: Literal["input", "output"]) -> Device:
    """Find one device.

    Parameters
    ----------
    device : int, str or None
        Its number, a part of its name (followed by a part of its host API's name if need be), or None for the default.
        The name may be that of a monitor, if no other device fits.
    kind : {"input", "output"}

    Returns
    -------
    Device

    Raises
    ------
    SourceError
        If no device fits, or several do; the message lists those that exist.
    """
    module = sounddevice()
    try:
        return _device(module.query_devices(device, kind), kind)
    except (ValueError, OverflowError, module.PortAudioError) as error:
        is_ambiguous = "multiple" in str(error).lower()
        if isinstance(device, str) and kind == "input" and not is_ambiguous:
            found = matching_monitors(device, _monitors())
            if len(found) == 1:
                return found[0]
            is_ambiguous = len(found) > 1
        raise not_found(device, f"{kind} device", list_devices(kind), is_ambiguous=is_ambiguous) from error


def not_found(device: int | str | None, kind: str, existing: Sequence[Device], *, is_ambiguous: bool) -> SourceError:
    """Return the error about a device that is not there, or not the only one of that name.

    Parameters
    ----------
    device : int, str or None
        What was asked for.
    kind : str
        What it should have been, such as "input device".
    existing : sequence of Device
        Those that there are.
    is_ambiguous : bool
        Whether several fit.

    Returns
    -------
    SourceError
    """
    listed = "; ".join(str(each).lstrip("*- ") for each in existing)
    if device is None or not listed:
        what = f"there is no {kind}"
    elif is_ambiguous:
        what = f"several {kind}s match {device!r}"
    else:
        what = f"no {kind} matches {device!r}"
    advice = f"name one of these: {listed}" if listed else "connect one"
    return SourceError(f"{what}; {advice}.")


def restart_portaudio() -> None:
    """Make PortAudio look for devices again. This closes every stream of the process."""
    module = sounddevice()
    module._terminate()
    module._initialize()
