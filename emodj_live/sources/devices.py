"""PortAudio's devices: list them, and find one by its number or a part of its name.

The only place that imports sounddevice, and only when a device is needed: files work without PortAudio.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from emodj_live.errors import SourceError, one_line


@dataclass(frozen=True, slots=True)
class Device:
    """A device as PortAudio describes it.

    Attributes
    ----------
    index : int
        Its present number, which may change when something is plugged in.
    name, host_api : str
        Its name, and the sound system that offers it.
    channels : int
        Number of input or output channels, whichever was asked for.
    sample_rate : float
        Its own sample rate [Hz].
    is_default : bool
        Whether it is the default for input or output.
    """

    index: int
    name: str
    host_api: str
    channels: int
    sample_rate: float
    is_default: bool

    def __str__(self) -> str:
        mark = "*" if self.is_default else " "
        channels = f"{self.channels} channel{'s' * (self.channels != 1)}"
        text = f"{mark} {self.index:2d}  {self.name} ({self.host_api}), {channels}, {self.sample_rate:g} Hz"
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
    return [device for device in found if device.channels]


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
        existing = "; ".join(str(found).strip() for found in list_devices(kind))
        if device is None or not existing:
            what = f"there is no {kind} device"
        elif "multiple" in str(error).lower():
            what = f"several {kind} devices match {device!r}"
        else:
            what = f"no {kind} device matches {device!r}"
        advice = f"name one of these: {existing}" if existing else "connect one"
        raise SourceError(f"{what}; {advice}.") from error


def restart_portaudio() -> None:
    """Make PortAudio look for devices again. This closes every stream of the process."""
    module = sounddevice()
    module._terminate()
    module._initialize()
