"""Devices as PortAudio tells of them, with a stand-in for sounddevice."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from emodj_live import SourceError
from emodj_live.cli import main
from emodj_live.sources.devices import Device, find_device, list_devices, restart_portaudio

APIS = [
    {"name": "ALSA", "default_input_device": 1, "default_output_device": 0},
    {"name": "JACK", "default_input_device": 3, "default_output_device": 3},
]


def info(index, name, hostapi, inputs, outputs, rate):
    return {
        "index": index,
        "name": name,
        "hostapi": hostapi,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
        "default_samplerate": rate,
    }


INFOS = [
    info(0, "loudspeaker", 0, 0, 2, 48000.0),
    info(1, "microphone", 0, 1, 0, 44100.0),
    info(2, "headset", 0, 1, 2, 16000.0),
    info(3, "system", 1, 2, 2, 44100.0),
]


@pytest.fixture
def portaudio(monkeypatch):
    """A sounddevice with four devices."""
    module = ModuleType("sounddevice")
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    module.default = SimpleNamespace(device={"input": -1, "output": -1})
    module.query_hostapis = APIS.__getitem__
    module.calls = []
    module._terminate = lambda: module.calls.append("terminate")
    module._initialize = lambda: module.calls.append("initialize")

    def query_devices(device=None, kind=None):
        if kind is None:
            return INFOS
        if device is None:
            return INFOS[APIS[0][f"default_{kind}_device"]]
        if isinstance(device, int):
            if device >= len(INFOS):
                raise module.PortAudioError("Error querying device")
            return INFOS[device]
        found = [one for one in INFOS if device in one["name"] and one[f"max_{kind}_channels"]]
        if len(found) != 1:
            raise ValueError("not one")
        return found[0]

    module.query_devices = query_devices
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


@pytest.mark.usefixtures("portaudio")
def test_lists_those_that_can():
    assert [device.name for device in list_devices("input")] == ["microphone", "headset", "system"]
    assert [device.name for device in list_devices("output")] == ["loudspeaker", "headset", "system"]


@pytest.mark.usefixtures("portaudio")
def test_marks_the_default_of_the_first_host_api():
    assert [device.name for device in list_devices("input") if device.is_default] == ["microphone"]
    assert [device.name for device in list_devices("output") if device.is_default] == ["loudspeaker"]


def test_marks_the_default_that_was_chosen(portaudio):
    portaudio.default.device = {"input": 2, "output": -1}
    assert [device.name for device in list_devices("input") if device.is_default] == ["headset"]


def test_default_that_a_program_named(portaudio):
    portaudio.default.device = {"input": "head", "output": "loud"}
    assert [device.name for device in list_devices("input") if device.is_default] == ["headset"]


@pytest.mark.usefixtures("portaudio")
@pytest.mark.parametrize(("wanted", "index"), [(None, 1), (2, 2), ("head", 2), ("sys", 3)])
def test_finds(wanted, index):
    device = find_device(wanted, "input")
    assert device.index == index
    assert device.host_api == ("JACK" if index == 3 else "ALSA")
    assert device.channels == INFOS[index]["max_input_channels"]
    assert device.sample_rate == INFOS[index]["default_samplerate"]


@pytest.mark.usefixtures("portaudio")
@pytest.mark.parametrize("wanted", ["gramophone", "e", 99])
def test_says_what_there_is(wanted):
    with pytest.raises(SourceError) as error:
        find_device(wanted, "input")
    assert repr(wanted) in str(error.value)
    for name in ("microphone", "headset", "system"):
        assert name in str(error.value)
    assert "loudspeaker" not in str(error.value)


@pytest.mark.parametrize("wanted", [None, 3, "USB"])
def test_says_that_there_is_none(wanted, portaudio, capsys):
    portaudio.query_devices = lambda device=None, kind=None: [] if kind is None else portaudio.fail()
    portaudio.fail = lambda: (_ for _ in ()).throw(portaudio.PortAudioError("Error querying device -1"))
    with pytest.raises(SourceError, match="there is no input device; connect one"):
        find_device(wanted, "input")
    assert main(["--list-devices"]) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()][1::2] == ["none", "none"]


def test_as_text():
    device = Device(3, "headset", "ALSA", 1, 16000.0, is_default=False)
    assert str(device) == "   3  headset (ALSA), 1 channel, 16000 Hz"
    assert str(Device(12, "line in", "JACK", 2, 44100.0, is_default=True)).startswith(
        "* 12  line in (JACK), 2 channels"
    )


def test_restart(portaudio):
    restart_portaudio()
    assert portaudio.calls == ["terminate", "initialize"]


def test_without_portaudio(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    for ask in (lambda: list_devices("input"), lambda: find_device(None, "output"), restart_portaudio):
        with pytest.raises(SourceError, match="apt install libportaudio2 .* brew install portaudio"):
            ask()
