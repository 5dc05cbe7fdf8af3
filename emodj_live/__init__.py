"""Real-time music emotion tracking: valence and arousal, while the music plays.

Every public name can be imported from here. Nothing heavy is imported until a name is used, so that ``import
emodj_live`` costs nothing, and a machine without a sound system lacks only the microphone.
"""

from emodj_live.lazy import lazy

TYPE_CHECKING = False  # type checkers take it for True; importing it from typing takes as long as Python's own start

if TYPE_CHECKING:
    from emodj_live.background import BackgroundTracker
    from emodj_live.blocks import Block, Gap, Seek, Sink, Source, SourceStatus
    from emodj_live.calibration import Calibration
    from emodj_live.colors import color_of
    from emodj_live.console import own_stderr
    from emodj_live.context import Context
    from emodj_live.emotion import Emotion, Quadrant
    from emodj_live.errors import DatasetError, EmodjError, LibraryError, ModelError, SinkError, SourceError
    from emodj_live.feature_spec import FeatureSpec
    from emodj_live.features import FeatureExtractor
    from emodj_live.kinds import load_model
    from emodj_live.listener import Listener, Model
    from emodj_live.model import EmotionModel
    from emodj_live.profile import Profiler, SongProfile, analyze
    from emodj_live.ring import RingBuffer
    from emodj_live.sinks.csv_file import CsvSink
    from emodj_live.sinks.osc import OscSink
    from emodj_live.sinks.plot import PlotSink
    from emodj_live.sinks.poster import PosterSink
    from emodj_live.sinks.terminal.dashboard import Dashboard
    from emodj_live.sources.adapter import Adapter
    from emodj_live.sources.deck import Deck
    from emodj_live.sources.demo import DemoSource
    from emodj_live.sources.devices import Device, find_device, list_devices
    from emodj_live.sources.file import FileSource
    from emodj_live.sources.microphone import MicrophoneSource
    from emodj_live.sources.pacing import PacedSource
    from emodj_live.sources.playback import PlayedSource
    from emodj_live.sources.stream import StreamSource
    from emodj_live.sources.system import SystemSource
    from emodj_live.tracker import EmotionTracker

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "BackgroundTracker",
    "Block",
    "Calibration",
    "Context",
    "CsvSink",
    "Dashboard",
    "DatasetError",
    "Deck",
    "DemoSource",
    "Device",
    "EmodjError",
    "Emotion",
    "EmotionModel",
    "EmotionTracker",
    "FeatureExtractor",
    "FeatureSpec",
    "FileSource",
    "Gap",
    "LibraryError",
    "Listener",
    "MicrophoneSource",
    "Model",
    "ModelError",
    "OscSink",
    "PacedSource",
    "PlayedSource",
    "PlotSink",
    "PosterSink",
    "Profiler",
    "Quadrant",
    "RingBuffer",
    "Seek",
    "Sink",
    "SinkError",
    "SongProfile",
    "Source",
    "SourceError",
    "SourceStatus",
    "StreamSource",
    "SystemSource",
    "analyze",
    "color_of",
    "find_device",
    "list_devices",
    "load_model",
    "own_stderr",
]

_HOMES = {
    "Adapter": "sources.adapter",
    "BackgroundTracker": "background",
    "Block": "blocks",
    "Calibration": "calibration",
    "Context": "context",
    "CsvSink": "sinks.csv_file",
    "Dashboard": "sinks.terminal.dashboard",
    "DatasetError": "errors",
    "Deck": "sources.deck",
    "DemoSource": "sources.demo",
    "Device": "sources.devices",
    "EmodjError": "errors",
    "Emotion": "emotion",
    "EmotionModel": "model",
    "EmotionTracker": "tracker",
    "FeatureExtractor": "features",
    "FeatureSpec": "feature_spec",
    "FileSource": "sources.file",
    "Gap": "blocks",
    "LibraryError": "errors",
    "Listener": "listener",
    "MicrophoneSource": "sources.microphone",
    "Model": "listener",
    "ModelError": "errors",
    "OscSink": "sinks.osc",
    "PacedSource": "sources.pacing",
    "PlayedSource": "sources.playback",
    "PlotSink": "sinks.plot",
    "PosterSink": "sinks.poster",
    "Profiler": "profile",
    "Quadrant": "emotion",
    "RingBuffer": "ring",
    "Seek": "blocks",
    "Sink": "blocks",
    "SinkError": "errors",
    "SongProfile": "profile",
    "Source": "blocks",
    "SourceError": "errors",
    "SourceStatus": "blocks",
    "StreamSource": "sources.stream",
    "SystemSource": "sources.system",
    "analyze": "profile",
    "color_of": "colors",
    "find_device": "sources.devices",
    "list_devices": "sources.devices",
    "load_model": "kinds",
    "own_stderr": "console",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
