"""What one call of the command line asks for: plain values, whose defaults have their home here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from emodj_live.gain import SILENCE
from emodj_live.smoothing import SMOOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """How to open a source.

    Attributes
    ----------
    device : int, str or None
        Number of a device or a part of its name; None is the default one.
    start : float
        Where in a file to begin [s].
    duration : float or None
        How much to listen to [s]; None is all of it.
    raw : str or None
        ``RATE:CHANNELS:FORMAT`` of raw PCM on standard input; None if it is WAV.
    """

    device: int | str | None = None
    start: float = 0.0
    duration: float | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingOptions:
    """How to track.

    Attributes
    ----------
    step : float
        Time from one emotion to the next [s].
    smoothing : float
        Time constant of the average [s]; 0 is off.
    silence : float
        Threshold of silence [dBFS].
    gain : float, "auto" or None
        Gain before the features [dB]; None is what suits the source.
    model : str or None
        Path of the model file; None is the bundled one.
    """

    step: float = 0.5
    smoothing: float = SMOOTHING
    silence: float = SILENCE
    gain: float | Literal["auto"] | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingOptions:
    """How the outputs send that go to other programs; `emodj_live.outputs.OUTPUTS` says which output takes what.

    Attributes
    ----------
    rate : float or None
        How many values a second, interpolated between emotions [Hz]; None sends emotions alone.
    osc_prefix : str or None
        What the addresses of OSC messages begin with; None is /emodj.
    web_origin : tuple of str or None
        Pages of other sites that may read what the web page's server answers.
    """

    rate: float | None = None
    osc_prefix: str | None = None
    web_origin: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One call of the command line.

    Attributes
    ----------
    files : tuple of str
        Audio files; ``("-",)`` is standard input.
    inputs : mapping
        The other source that is asked for, by its name in `emodj_live.inputs.INPUTS`.
    source : SourceOptions
    tracking : TrackingOptions
    outputs : mapping
        The values of the options in `emodj_live.outputs.OUTPUTS` that are used, by name.
    sending : SendingOptions
    play : bool
        Play the file through an output device.
    loop : bool
        Begin again when the last source has ended.
    delay : float
        How much later than PortAudio believes the sound is heard [s].
    realtime : bool
        At the speed of the music, instead of as fast as possible.
    exits : bool
        End with the last source, also if an output would stay up.
    is_watched : bool
        Somebody at a terminal looks at the emotions, so a dashboard fits.
    background : str or None
        "dark" or "light", the terminal's background; None finds out.
    json, plain : bool
        JSON Lines; lines even on a terminal.
    quiet, verbose : bool
        No summary and no notices; what decoders and devices write to standard error.
    lists_devices : bool
        List the devices, and track nothing.
    """

    files: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    source: SourceOptions = field(default_factory=SourceOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    sending: SendingOptions = field(default_factory=SendingOptions)
    play: bool = False
    loop: bool = False
    delay: float = 0.0
    realtime: bool = False
    exits: bool = False
    is_watched: bool = False
    background: str | None = None
    json: bool = False
    plain: bool = False
    quiet: bool = False
    verbose: bool = False
    lists_devices: bool = False
