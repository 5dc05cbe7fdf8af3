"""The model: numbers against float64 and scikit-learn, a file that is whole or not there, and files from strangers."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emodj_live import EmodjError, EmotionModel, FeatureExtractor, ModelError, model_file
from emodj_live.model_file import MAX_BYTES, default_path

ARRAYS = ("mel_basis", "mean", "std", "support_vectors", "coefficients", "intercepts")
N_FEATURES = 264


@pytest.fixture(scope="module")
def features(model):
    """Rows that lie where music lies, and some far out."""
    random = np.random.default_rng(2)
    spread = np.repeat([0.5, 1, 2, 5], 150)[:, np.newaxis]
    return (model.mean + model.std * spread * random.standard_normal((600, N_FEATURES))).astype(np.float32)


def in_float64(model, features):
    """Return the predictions by the formula, with nothing done cleverly."""
    scaled = (features.astype(np.float64) - model.mean) / model.std
    distances = ((scaled[:, np.newaxis] - model.support_vectors.astype(np.float64)) ** 2).sum(axis=2)
    return np.exp(-model.gamma * distances) @ model.coefficients + model.intercepts


def assert_same(model, other, features):
    np.testing.assert_array_equal(model.predict(features), other.predict(features))
    for name in ARRAYS[1:]:
        np.testing.assert_array_equal(getattr(model, name), getattr(other, name), strict=True)
    np.testing.assert_array_equal(model.spec.mel_basis, other.spec.mel_basis, strict=True)
    assert model.spec.parameters() == other.spec.parameters()
    assert (model.gamma, model.reference_level) == (other.gamma, other.reference_level)
    assert model.provenance == other.provenance


def assert_refused(path, message):
    """Expect a ModelError that names the file and says in one sentence what is wrong."""
    with pytest.raises(ModelError, match=message) as caught:
        EmotionModel.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    assert text.isprintable()
    assert len(text) < len(str(path)) + 400


# ---------------------------------------------------------------------------------------------------------- predictions


@pytest.mark.parametrize("count", [0, 1, 2, 511, 512, 513, 600])
def test_predictions_follow_the_formula(count, model, features):
    predicted = model.predict(features[:count])
    assert predicted.shape == (count, 2)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(predicted, in_float64(model, features[:count]), rtol=0, atol=1e-4)


def test_predictions_vary(model, features):
    """Else the comparisons here would prove nothing."""
    assert (np.ptp(model.predict(features), axis=0) > 0.5).all()


def test_rows_do_not_depend_on_their_company(model, features):
    together = model.predict(features)
    alone = np.concatenate([model.predict(row[np.newaxis]) for row in features])
    np.testing.assert_allclose(alone, together, rtol=0, atol=2e-5)


def test_float64_features_give_the_same(model, features):
    np.testing.assert_allclose(model.predict(features.astype(np.float64)), model.predict(features), rtol=0, atol=1e-5)


def test_features_are_left_as_they_were(model, features):
    before = features.copy()
    model.predict(features)
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize("far", [1, 300, 100_000])
def test_kernel_is_never_above_one(far, model):
    """Far out, float32 rounds what should be exp(0) to the exp of something large."""
    random = np.random.default_rng(6)
    vectors = (far * random.standard_normal(model.support_vectors.shape)).astype(np.float32)
    distant = replace(model, support_vectors=vectors, gamma=1.0, mean=0 * model.mean, std=1 + 0 * model.std)
    predicted = distant.predict(vectors) - model.intercepts
    assert (np.abs(predicted) <= np.abs(model.coefficients).sum(axis=0)).all()


def test_predictions_are_not_clipped(model, features):
    loud = replace(model, coefficients=20 * model.coefficients)
    assert np.abs(loud.predict(features)).max() > 1


@pytest.mark.parametrize("shape", [(), (N_FEATURES,), (1, N_FEATURES - 1), (N_FEATURES, 1), (1, 1, N_FEATURES), (0, 3)])
def test_features_of_another_shape(shape, model):
    with pytest.raises(ValueError, match="264"):
        model.predict(np.zeros(shape, np.float32))


def test_equal_to_scikit_learn(spec):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.svm import SVR
    random = np.random.default_rng(3)
    features = 30 * random.standard_normal((300, N_FEATURES)) + np.linspace(-500, 100, N_FEATURES)
    mean, std = features[:200].mean(axis=0), features[:200].std(axis=0)
    scaled = (features - mean) / std
    targets = np.tanh(scaled[:, :2] + 0.3 * scaled[:, 2:4] ** 2 - 0.3)
    fitted = [
        SVR(kernel="rbf", gamma=gamma, C=cost, epsilon=0.1).fit(scaled[:200], targets[:200, column])
        for column, (gamma, cost) in enumerate([(1 / 264, 1.0), (1 / 264, 10.0)])
    ]
    rows = np.union1d(*(regressor.support_ for regressor in fitted))
    coefficients = np.zeros((len(rows), 2))
    for column, regressor in enumerate(fitted):
        coefficients[np.searchsorted(rows, regressor.support_), column] = regressor.dual_coef_[0]
    model = EmotionModel(
        spec=spec,
        mean=mean,
        std=std,
        support_vectors=scaled[rows].astype(np.float32),
        coefficients=coefficients,
        intercepts=np.concatenate([regressor.intercept_ for regressor in fitted]),
        gamma=1 / 264,
        reference_level=-20.0,
    )
    expected = np.stack([regressor.predict(scaled) for regressor in fitted], axis=1)
    assert (coefficients == 0).any(axis=0).all()  # each has vectors that support only the other
    assert (expected.std(axis=0) > 0.05).all()
    np.testing.assert_allclose(model.predict(features), expected, rtol=0, atol=1e-4)


# --------------------------------------------------------------------------------------------------------- construction


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("mean", lambda array: array[:-1], r"mean must have shape \(264,\), got \(263,\)"),
        ("mean", lambda array: array[np.newaxis], "mean must have shape"),
        ("std", lambda array: array[1:], "std must have shape"),
        ("support_vectors", lambda array: array[:, 1:], "support_vectors must have shape"),
        ("coefficients", lambda array: array[1:], r"coefficients must have shape \(40, 2\), got \(39, 2\)"),
        ("coefficients", lambda array: array[:, :1], "coefficients must have shape"),
        ("intercepts", lambda array: array[:1], "intercepts must have shape"),
        ("std", lambda array: array * 0, "positive"),
        ("std", lambda array: -array, "positive"),
        ("std", lambda array: array * np.nan, "std has values that are not finite"),
        ("mean", lambda array: array + np.inf, "mean has values that are not finite"),
        ("support_vectors", lambda array: array * np.float32(np.nan), "support_vectors has values"),
        ("coefficients", lambda array: array - np.inf, "coefficients has values"),
        ("intercepts", lambda array: array * np.nan, "intercepts has values"),
        ("gamma", lambda gamma: -gamma, "gamma must be a number from"),
        ("gamma", lambda gamma: 0 * gamma, "gamma must be a number from"),
        ("gamma", lambda gamma: gamma * np.nan, "gamma must be"),
        ("gamma", lambda gamma: gamma * np.inf, "gamma must be"),
        ("reference_level", lambda level: level * np.inf, "reference_level must be"),
        ("reference_level", lambda level: 300.0, "reference_level must be a number from -200 to 200, got 300"),
    ],
)
def test_constructor_refuses(name, change, message, model):
    with pytest.raises(ValueError, match=message):
        replace(model, **{name: change(getattr(model, name))})


def test_constructor_takes_arrays_of_another_type(model, features):
    lists = replace(model, mean=model.mean.tolist(), support_vectors=model.support_vectors.astype(np.float64))
    assert (lists.mean.dtype, lists.support_vectors.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(lists.predict(features), model.predict(features))


def test_constructor_refuses_a_mel_basis_that_is_not_finite(model):
    basis = model.spec.mel_basis.copy()
    basis[3, 5] = np.nan
    with pytest.raises(ValueError, match="mel_basis has values that are not finite"):
        replace(model, spec=replace(model.spec, mel_basis=basis))


def test_model_cannot_be_changed(model):
    with pytest.raises(AttributeError):
        model.gamma = 1.0


# -------------------------------------------------------------------------------------------------------- save and load


def test_round_trip(model, model_path, features):
    assert_same(EmotionModel.load(model_path), model, features)


def test_round_trip_twice_gives_the_same_bytes(model_path, tmp_path):
    again = tmp_path / "again.npz"
    EmotionModel.load(model_path).save(again)
    assert again.read_bytes() == model_path.read_bytes()


def test_path_may_be_a_string(model, tmp_path, features):
    path = str(tmp_path / "model.npz")
    model.save(path)
    assert_same(EmotionModel.load(path), model, features)


def test_name_is_taken_as_it_is(model, tmp_path):
    """``np.savez`` would add .npz to it."""
    model.save(tmp_path / "my model")
    assert [path.name for path in tmp_path.iterdir()] == ["my model"]


def test_numpy_reads_the_file_too(model, model_path):
    with np.load(model_path, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["support_vectors"], model.support_vectors)
        header = json.loads(arrays["header"].tobytes())
    assert header["format"] == "emodj-live model"
    assert header["provenance"] == model.provenance


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these permissions")
def test_file_can_be_read_by_everybody(model_path):
    assert model_path.stat().st_mode & 0o777 == 0o644


def test_another_spec_survives(model, tmp_path):
    spec = replace(model.spec, n_mfcc=2, window_length=2048, sample_rate=8000, fmax=4000.0, top_db=60.0)
    small = replace(
        model,
        spec=spec,
        mean=model.mean[: spec.n_features],
        std=model.std[: spec.n_features],
        support_vectors=model.support_vectors[:, : spec.n_features].copy(),
    )
    small.save(tmp_path / "small.npz")
    loaded = EmotionModel.load(tmp_path / "small.npz")
    assert loaded.spec.parameters() == spec.parameters()
    window = np.random.default_rng(0).standard_normal(2048).astype(np.float32)
    np.testing.assert_array_equal(FeatureExtractor(loaded.spec).extract(window), FeatureExtractor(spec).extract(window))


def test_environment_names_the_default(model, model_path, features, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    assert default_path() == model_path
    assert_same(EmotionModel.load(), model, features)


def test_environment_gives_way_to_an_argument(model, model_path, features, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", "/nowhere/model.npz")
    assert_same(EmotionModel.load(model_path), model, features)
    with pytest.raises(ModelError, match=r"/nowhere/model\.npz: no such model file; give another path"):
        EmotionModel.load()


@pytest.mark.parametrize("value", [None, ""])
def test_default_without_environment_ships_with_the_package(value, monkeypatch, package):
    monkeypatch.delenv("EMODJ_MODEL", raising=False)
    if value is not None:
        monkeypatch.setenv("EMODJ_MODEL", value)
    path = default_path()
    assert path.parts[-2:] == ("models", "emodj.npz")
    assert path.parent.parent in (package, package.parent)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("support_vectors", lambda array: array.astype(np.float64)),
        ("support_vectors", np.asfortranarray),
        ("coefficients", np.asfortranarray),
        ("coefficients", lambda array: array.astype(np.float32)),
        ("mean", lambda array: array.astype(np.float32)),
        ("std", lambda array: array.astype(">f8")),
        ("spec", lambda spec: replace(spec, mel_basis=np.asfortranarray(spec.mel_basis, np.float64))),
    ],
)
def test_what_is_saved_can_be_loaded(name, change, model, tmp_path, features):
    """Whatever the constructor takes: a trainer must not learn after hours that nobody can read its file."""
    odd = replace(model, **{name: change(getattr(model, name))})
    odd.save(tmp_path / "odd.npz")
    np.testing.assert_allclose(
        EmotionModel.load(tmp_path / "odd.npz").predict(features), odd.predict(features), rtol=0, atol=1e-4
    )


def test_a_model_without_support_vectors_is_refused_before_it_is_saved(model):
    with pytest.raises(ValueError, match="support"):
        replace(model, support_vectors=model.support_vectors[:0], coefficients=model.coefficients[:0])


def test_a_spec_checks_itself(spec):
    with pytest.raises(ValueError, match="n_mfcc must not exceed n_mels, got 12 and 8"):
        replace(spec, n_mels=8)
    with pytest.raises(ValueError, match="sample_rate must be an integer from 1000 to 384000, got 1"):
        replace(spec, sample_rate=1)


# -------------------------------------------------------------------------------------------------------- atomic saving


@pytest.fixture
def other(model):
    """Return a model that is not `model`."""
    return replace(model, intercepts=model.intercepts + 1)


def write_half(file, **_):
    file.write(b"PK\3\4" + b"half" * 1000)


def no_room(file, **_):
    write_half(file)
    raise OSError(28, "No space left on device")


def interrupted(file, **_):
    write_half(file)
    raise KeyboardInterrupt


@pytest.mark.parametrize(("fault", "error"), [(no_room, ModelError), (interrupted, KeyboardInterrupt)])
def test_failed_save_leaves_only_the_old_file(fault, error, model, other, model_path, features, monkeypatch):
    monkeypatch.setattr(np, "savez", fault)
    with pytest.raises(error):
        other.save(model_path)
    assert [path.name for path in model_path.parent.iterdir()] == [model_path.name]
    assert_same(EmotionModel.load(model_path), model, features)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_late_failure_leaves_only_the_old_file(call, model, other, model_path, features, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(ModelError, match="cannot be written: Input/output error"):
        other.save(model_path)
    monkeypatch.undo()
    assert [path.name for path in model_path.parent.iterdir()] == [model_path.name]
    assert_same(EmotionModel.load(model_path), model, features)


def test_provenance_that_is_not_json_is_refused_before_anything_is_written(model, model_path, features):
    with pytest.raises(ValueError, match="JSON"):
        replace(model, provenance={"r2": np.nan}).save(model_path)
    assert [path.name for path in model_path.parent.iterdir()] == [model_path.name]
    assert_same(EmotionModel.load(model_path), model, features)


def test_save_replaces_in_one_step(other, model_path, features):
    with model_path.open("rb") as reader:  # somebody is reading the old file meanwhile
        before = model_path.read_bytes()
        other.save(model_path)
        assert reader.read() == before
    assert_same(EmotionModel.load(model_path), other, features)


KILLED_WHILE_SAVING = """
import os, pathlib, signal, sys, zipfile
from dataclasses import replace
from pathlib import Path
from emodj_live import EmotionModel
path, where = sys.argv[1:]
model = EmotionModel.load(path)
other = replace(model, intercepts=model.intercepts + 1)
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
if where == "array":
    begin = zipfile.ZipFile.open
    def half(archive, name, *rest, **more):
        if "coefficients" in str(name): die()
        return begin(archive, name, *rest, **more)
    zipfile.ZipFile.open = half
elif where == "fsync": os.fsync = die
elif where == "replace": pathlib.Path.replace = os.replace = os.rename = die
print("saving", flush=True)
while True:
    other.save(path); model.save(path)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("where", ["array", "fsync", "replace", "anywhere", "anywhere else"])
def test_kill_leaves_a_whole_file(where, model, other, model_path, features, package):
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, model_path, where]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout.readline() == b"saving\n"
            if where.startswith("anywhere"):
                for _ in range(len(where)):  # some saves later
                    written = model_path.stat().st_mtime_ns
                    while model_path.stat().st_mtime_ns == written and child.poll() is None:
                        pass
                child.kill()
            assert child.wait(30) == -signal.SIGKILL
        finally:
            child.kill()
    loaded = EmotionModel.load(model_path)
    assert_same(loaded, model if loaded.intercepts[0] == model.intercepts[0] else other, features)


def test_save_into_a_folder_that_is_none(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file/model\.npz: cannot be written: Not a directory\."):
        model.save(tmp_path / "file" / "model.npz")


def test_save_into_a_folder_that_does_not_exist(model, tmp_path):
    with pytest.raises(ModelError, match=r"cannot be written: No such file or directory\."):
        model.save(tmp_path / "nowhere" / "model.npz")


def test_save_over_a_folder(model, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match="cannot be written"):
        model.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# -------------------------------------------------------------------------------------------------------- hostile files


class Forgery:
    """A model file taken apart, to be put together wrongly."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.members = {name[:-4]: archive.read(name) for name in archive.namelist()}
        self.header = json.loads(self.array("header").tobytes())
        self.compression = zipfile.ZIP_STORED
        self.duplicates = []

    def array(self, name):
        """Return a member's array."""
        return np.load(io.BytesIO(self.members[name]))

    def put(self, name, array, *, allow_pickle=False):
        """Make an array a member."""
        file = io.BytesIO()
        np.lib.format.write_array(file, np.asanyarray(array), version=(1, 0), allow_pickle=allow_pickle)
        self.members[name] = file.getvalue()

    def change(self, name, position, value):
        """Change one number of an array."""
        array = self.array(name)
        array.flat[position] = value
        self.put(name, array)

    def put_json(self, text):
        """Make a text, JSON or not, the header."""
        self.put("header", np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8))
        self.keep_header()

    def keep_header(self):
        """Write the header's member as it is."""
        self.header = None

    def put_array_header(self, name, text, *, version=(1, 0), length=None):
        """Give an array another text instead of ``{'descr': ..., 'fortran_order': ..., 'shape': ...}``."""
        raw = self.members[name]
        data = raw[10 + struct.unpack("<H", raw[8:10])[0] :]
        encoded = text.encode()
        size = struct.pack("<H" if version == (1, 0) else "<I", len(encoded) if length is None else length)
        self.members[name] = b"\x93NUMPY" + bytes(version) + size + encoded + data

    def write(self, path):
        """Put it together."""
        if self.header is not None:
            self.put_json(json.dumps(self.header))
        with zipfile.ZipFile(path, "w", self.compression) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a name that is there twice
            for name in [*self.members, *self.duplicates]:
                archive.writestr(f"{name}.npy", self.members[name])


@pytest.fixture
def forgery(model_path):
    return Forgery(model_path)


def test_forgery_that_changes_nothing_loads(forgery, model, tmp_path, features):
    """Else every refusal below would prove nothing."""
    forgery.write(tmp_path / "forged.npz")
    assert_same(EmotionModel.load(tmp_path / "forged.npz"), model, features)


def entries_of(forgery, path):
    """Return the part of the header that a dotted path leads to."""
    entries = forgery.header
    for key in path:
        entries = entries[key]
    return entries


def setting(name, value):
    """Return a forger of one header entry; ``a.b`` means entry b of a."""

    def forge(forgery):
        *path, key = name.split(".")
        entries_of(forgery, path)[key] = value

    return forge


def without(name):
    def forge(forgery):
        *path, key = name.split(".")
        del entries_of(forgery, path)[key]

    return forge


def reshaped(name, *shape):
    return lambda forgery: forgery.put(name, np.resize(forgery.array(name), shape))


def retyped(name, dtype):
    return lambda forgery: forgery.put(name, forgery.array(name).astype(dtype))


def with_value(name, value):
    return lambda forgery: forgery.change(name, 1, value)


def described(name, text, **options):
    return lambda forgery: forgery.put_array_header(name, text, **options)


MEAN = "{'descr': '<f8', 'fortran_order': False, 'shape': (264,), }\n"
EXACTLY = "it must hold exactly header, mel_basis, mean"
NOT_LONG = "its mean (must be a plain array|is not as long as it says)"

HOSTILE = {
    "pickle inside": (lambda f: f.put("mean", np.array([{}] * 264), allow_pickle=True), "its mean must be"),
    "pickle for a header": (lambda f: f.members.update(header=b"\x80\x04N.") or f.keep_header(), "plain array"),
    "compressed": (lambda f: setattr(f, "compression", zipfile.ZIP_DEFLATED), "neither compressed nor"),
    "compressed otherwise": (lambda f: setattr(f, "compression", zipfile.ZIP_LZMA), "neither compressed nor"),
    "extra member": (lambda f: f.members.update(extra=f.members["mean"]), EXACTLY),
    "missing member": (lambda f: f.members.pop("std"), EXACTLY),
    "no members": (lambda f: f.members.clear() or f.keep_header(), "it has no header"),
    "duplicate member": (lambda f: f.duplicates.append("mean"), EXACTLY),
    "member in a folder": (lambda f: f.members.update({"../mean": f.members.pop("mean")}), EXACTLY),
    "member with another case": (lambda f: f.members.update(Mean=f.members.pop("mean")), EXACTLY),
    # what the JSON header says
    "format of another": (setting("format", "someone's model"), "does not say 'emodj-live model'"),
    "no format": (without("format"), "does not say 'emodj-live model'"),
    "format version 4": (setting("format_version", 4), "version 4, and this program reads 2 and 3; update emodj-live"),
    "format version 1": (setting("format_version", 1), "format version 1, .* reads 2 and 3; train the model again"),
    "format version is text": (setting("format_version", "2"), "format version 2"),
    "no format version": (without("format_version"), "format version None"),
    "header with more": (setting("comment", "hello"), "header must have exactly"),
    "header with less": (without("provenance"), "header must have exactly"),
    "another kind": (setting("kind", "oracle"), "holds a model of kind 'oracle'; known here: rbf"),
    "kind is a list": (setting("kind", []), "header must have exactly"),
    "no kind": (without("kind"), "header must have exactly"),
    "parameters are a list": (setting("parameters", []), "must be JSON objects"),
    "parameters with more": (
        setting("parameters.beta", 1),
        "must be exactly calibration, gamma, reference_level, spec",
    ),
    "parameters with less": (without("parameters.gamma"), "parameters must be exactly calibration, gamma"),
    "provenance is a list": (setting("provenance", []), "must be JSON objects"),
    "not JSON": (lambda f: f.put_json("not JSON"), "Expecting value"),
    "empty JSON": (lambda f: f.put_json(""), "Expecting value"),
    "not UTF-8": (lambda f: f.put_json(b"\xff\xfe{}"), "decode"),
    "half a surrogate": (lambda f: f.put_json(b'{"format": "\xed\xa0\x80"}'), "decode"),
    "JSON list": (lambda f: f.put_json("[]"), "does not say 'emodj-live model'"),
    "JSON null": (lambda f: f.put_json("null"), "does not say 'emodj-live model'"),
    "deeply nested JSON": (lambda f: f.put_json("[" * 60_000), "recursion"),
    "deeply nested object": (lambda f: f.put_json('{"a":' * 12_000), "recursion"),
    "number of many digits": (lambda f: f.put_json("1" * 60_000), "digits|does not say"),
    "gamma 0": (setting("parameters.gamma", 0), "gamma must be"),
    "gamma -1": (setting("parameters.gamma", -1.0), "gamma must be"),
    "gamma is true": (setting("parameters.gamma", True), "gamma must be a number from .* got True"),
    "gamma is text": (setting("parameters.gamma", "0.1"), "gamma must be a number from .* got 0.1"),
    "gamma is a spell": (setting("parameters.gamma", "\x1b[2J\r\x00\u202e"), "gamma must be"),
    "gamma is null": (setting("parameters.gamma", None), "gamma must be a number from .* got None"),
    "gamma is a list": (setting("parameters.gamma", [0.1]), "gamma must be"),
    "gamma NaN": (setting("parameters.gamma", float("nan")), "gamma must be"),
    "gamma infinite": (setting("parameters.gamma", float("inf")), "gamma must be"),
    "gamma beyond any float": (setting("parameters.gamma", 10**400), "gamma"),
    "gamma huge": (setting("parameters.gamma", 1e300), "gamma|finite|large"),
    "level is text": (setting("parameters.reference_level", "loud"), "reference_level must be a number from"),
    "level NaN": (setting("parameters.reference_level", float("nan")), "reference_level must be"),
    "level beyond any float": (setting("parameters.reference_level", -(10**400)), "reference_level"),
    # its spec
    "spec is a list": (setting("parameters.spec", []), "its spec and its calibration must be JSON objects"),
    "spec with more": (setting("parameters.spec.window", "hann"), "a spec must have exactly"),
    "spec with less": (without("parameters.spec.top_db"), "a spec must have exactly"),
    "sample_rate 0": (setting("parameters.spec.sample_rate", 0), "an integer from 1000 to 384000, got 0"),
    "sample_rate a float": (setting("parameters.spec.sample_rate", 22050.5), "sample_rate must be"),
    "sample_rate true": (setting("parameters.spec.sample_rate", True), "sample_rate must be"),
    "sample_rate text": (setting("parameters.spec.sample_rate", "22050"), "sample_rate must be"),
    "sample_rate beyond any float": (setting("parameters.spec.sample_rate", 10**400), "sample_rate"),
    "window of 1e9": (setting("parameters.spec.window_length", 10**9), "an integer from 64 to 400000"),
    "window of -1": (setting("parameters.spec.window_length", -1), "window_length must be"),
    "n_fft 2**30": (setting("parameters.spec.n_fft", 2**30), "n_fft must be"),
    "hop 0": (setting("parameters.spec.hop_length", 0), "hop_length must be"),
    "hop longer than the window": (setting("parameters.spec.hop_length", 20_000), "must not be shorter than hop"),
    "n_mels 10**6": (setting("parameters.spec.n_mels", 10**6), "n_mels must be"),
    "n_mfcc more than n_mels": (setting("parameters.spec.n_mfcc", 129), "n_mfcc must be|n_mfcc must not exceed"),
    "n_mfcc 13": (setting("parameters.spec.n_mfcc", 13), r"mean must have shape \(286,\), got \(264,\)"),
    "n_fft 1024": (setting("parameters.spec.n_fft", 1024), r"mel_basis must have shape \(128, 513\)"),
    "fmin NaN": (setting("parameters.spec.fmin", float("nan")), "fmin must be a number from 0"),
    "fmax infinite": (setting("parameters.spec.fmax", float("inf")), "fmax must be"),
    "amin 0": (setting("parameters.spec.amin", 0), "amin must be"),
    "top_db negative": (setting("parameters.spec.top_db", -80.0), "top_db must be"),
    # arrays
    "mean too short": (reshaped("mean", 263), r"mean must have shape \(264,\), got \(263,\)"),
    "mean 2-D": (reshaped("mean", 1, 264), "mean must have shape"),
    "mean 0-D": (reshaped("mean"), "its mean must be a plain array"),
    "std too long": (reshaped("std", 265), "std must have shape"),
    "support vectors too narrow": (reshaped("support_vectors", 40, 263), "support_vectors must have shape"),
    "no support vectors": (reshaped("support_vectors", 0, 264), "a model must have support vectors"),
    "support vectors 1-D": (reshaped("support_vectors", 264), "support_vectors must have shape"),
    "support vectors 3-D": (reshaped("support_vectors", 40, 264, 1), "its support_vectors must be a plain array"),
    "too few coefficients": (reshaped("coefficients", 39, 2), r"coefficients must have shape \(40, 2\)"),
    "coefficients of one regressor": (reshaped("coefficients", 40, 1), "coefficients must have shape"),
    "three intercepts": (reshaped("intercepts", 3), "intercepts must have shape"),
    "mel basis too small": (reshaped("mel_basis", 127, 1025), "mel_basis must have shape"),
    "mean float32": (retyped("mean", "f4"), "its mean must be a plain array of type <f8"),
    "mean big-endian": (retyped("mean", ">f8"), "its mean must be a plain array of type <f8"),
    "mean complex": (retyped("mean", "c16"), "its mean must be a plain array of type <f8"),
    "mean text": (retyped("mean", "U8"), "its mean must be a plain array of type <f8"),
    "mean dates": (lambda f: f.put("mean", np.zeros(264, "M8[s]")), "its mean must be a plain array of type <f8"),
    "support vectors float64": (
        retyped("support_vectors", "f8"),
        "its support_vectors must be a plain array of type <f4",
    ),
    "support vectors int32": (
        retyped("support_vectors", "i4"),
        "its support_vectors must be a plain array of type <f4",
    ),
    "header of bools": (
        lambda f: f.put("header", np.zeros(9, bool)) or f.keep_header(),
        "its header must be a plain array",
    ),
    "fortran order": (
        lambda f: f.put("support_vectors", np.asfortranarray(f.array("support_vectors"))),
        "its support_vectors must be a plain array of type <f4 in C order",
    ),
    "NaN in mean": (with_value("mean", np.nan), "mean has values that are not finite"),
    "NaN in the mel basis": (with_value("mel_basis", np.nan), "mel_basis has values that are not finite"),
    "infinite support vector": (with_value("support_vectors", np.inf), "support_vectors has values that are not"),
    "infinite coefficient": (with_value("coefficients", -np.inf), "coefficients has values that are not finite"),
    "NaN intercept": (with_value("intercepts", np.nan), "intercepts has values that are not finite"),
    "NaN in std": (with_value("std", np.nan), "std has values that are not finite"),
    "std 0": (with_value("std", 0.0), "every std must be positive"),
    "std negative": (with_value("std", -1.0), "every std must be positive"),
    # array headers
    "no array at all": (lambda f: f.members.update(mean=b""), "mean|magic"),
    "no magic": (lambda f: f.members.update(mean=b"x" * 2240), "magic"),
    "array version 2": (described("mean", MEAN, version=(2, 0)), r"its mean must be a plain array"),
    "array version 9": (described("mean", MEAN, version=(9, 0)), "version|format"),
    "array header longer than the file": (described("mean", MEAN, length=65_000), "EOF|its mean"),
    "array header of 60 kB": (described("mean", MEAN[:-1] + " " * 60_000 + "\n"), "its mean|Header info length"),
    "says one number more": (described("mean", MEAN.replace("264", "265")), NOT_LONG),
    "says one number less": (described("mean", MEAN.replace("264", "263")), NOT_LONG),
    "says 2**62 numbers": (described("mean", MEAN.replace("264", str(2**62))), NOT_LONG),
    "says more than any integer": (described("mean", MEAN.replace("264,", f"{2**64}, {2**64}")), NOT_LONG),
    "says -264 numbers": (described("mean", MEAN.replace("264", "-264")), "mean"),
    "negative twice": (described("support_vectors", MEAN.replace("264,", "-40, -264").replace("8", "4")), "must|long"),
    "shape of a float": (described("mean", MEAN.replace("264", "264.0")), "shape"),
    "shape is no tuple": (described("mean", MEAN.replace("(264,)", "264")), "shape"),
    "shape as Python 2 wrote it": (described("mean", MEAN.replace("264", "264L")), "mean"),
    "no fortran order": (described("mean", "{'descr': '<f8', 'shape': (264,)}"), "mean|keys"),
    "array header a list": (described("mean", "[]"), "mean|dictionary"),
    "array header no Python": (described("mean", "hello world"), "mean|parse"),
    "array header a call": (described("mean", "__import__('os').getpid()"), "mean|malformed"),
    "array header unfinished": (described("mean", "{'descr': ('<f8', "), "mean|parse"),
    "array header unindented": (described("mean", "  {\n 1:\n2}\n   3"), "mean|parse"),
    "array header nested": (described("mean", "(" * 500 + ")" * 500), "mean|parse|nested"),
    "array header deeply nested": (described("mean", "[" * 9000), "mean|parse|nested"),
    "array header of minus signs": (described("mean", "-" * 9000 + "1"), "mean|parse|nested|recursion"),
    "array header with an unhashable key": (described("mean", "{[]: 1}"), "mean|unhashable"),
    "array header with mixed keys": (described("mean", "{'descr': 1, 2: 3}"), "mean|keys"),
    "type is an empty tuple": (described("mean", MEAN.replace("'<f8'", "()")), "mean|descr"),
    "type is a number": (described("mean", MEAN.replace("'<f8'", "8")), "mean|descr"),
    "type is unknown": (described("mean", MEAN.replace("<f8", "nonsense")), "mean|descr"),
    "type is half a record": (described("mean", MEAN.replace("'<f8'", "[('a',)]")), "mean|descr"),
    "type is a record": (described("mean", MEAN.replace("'<f8'", "[('a', '<f8')]")), "mean"),
    "type is a record of records": (described("mean", MEAN.replace("'<f8'", "[" * 90 + "]" * 90)), "mean|descr"),
    "type is a comma": (described("mean", MEAN.replace("<f8", ",")), "mean|descr|type"),
    "type is an old name": (described("mean", MEAN.replace("<f8", "a8")), "mean|descr|type"),
    "type has a huge size": (described("mean", MEAN.replace("<f8", "V99999999999")), "mean|descr|type"),
    "type in parentheses": (described("mean", MEAN.replace("<f8", "(2,)<f8")), "mean"),
    "array header with a null": (described("mean", "{'descr': '\0'}"), "mean|null"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile(case, forgery, tmp_path):
    forge, message = HOSTILE[case]
    forge(forgery)
    path = tmp_path / "hostile.npz"
    forgery.write(path)
    assert_refused(path, message)


@pytest.mark.parametrize(
    ("name", "value"), [("std", 1e-300), ("mean", 1e300), ("support_vectors", 3e38), ("coefficients", 1e308)]
)
def test_numbers_too_extreme_to_count_with(name, value, forgery, tmp_path, features):
    """Finite, but what follows from them is not: refuse them, or predict numbers all the same."""
    forgery.put(name, np.full_like(forgery.array(name), value))
    forgery.write(tmp_path / "extreme.npz")
    try:
        model = EmotionModel.load(tmp_path / "extreme.npz")
    except ModelError:
        return
    assert np.isfinite(model.predict(features)).all()


def test_numbers_at_the_bounds_can_be_counted_with(model, features):
    """The most extreme model that is taken: all of it at once."""
    extreme = replace(
        model,
        mean=np.full_like(model.mean, 1e9),
        std=np.full_like(model.std, 1e-9),
        support_vectors=np.full_like(model.support_vectors, -1e9),
        coefficients=np.full_like(model.coefficients, 1e9),
        gamma=1e3,
    )
    with np.errstate(over="ignore"):
        assert np.isfinite(extreme.predict(features)).all()


@pytest.mark.parametrize("part", ["the file", "the header"])
def test_what_could_not_be_read_again_is_not_written(part, model, model_path, monkeypatch):
    if part == "the file":
        monkeypatch.setattr(model_file, "MAX_BYTES", 1000)
    before = model_path.read_bytes()
    with pytest.raises(ModelError, match=f"^{model_path}: was not written: "):
        replace(model, provenance={"notes": "x" * 2**16 * (part == "the header")}).save(model_path)
    assert model_path.read_bytes() == before
    assert list(model_path.parent.glob(".*")) == []


def test_spec_that_would_cost_much_memory(forgery, tmp_path):
    """Each value within its bounds, the file small, but the extractor's frames would take 100 GB."""
    forgery.header["parameters"]["spec"].update(n_fft=65_536, hop_length=1, window_length=400_000)
    forgery.write(tmp_path / "greedy.npz")
    assert_refused(tmp_path / "greedy.npz", "the frames of one window would take too much memory")


@pytest.fixture
def traced():
    """Peak of what Python and NumPy allocate from here on, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [60, 160])
def test_bomb_does_not_unfold(megabytes, forgery, tmp_path, traced):
    path = tmp_path / "bomb.npz"
    arrays = {name: forgery.array(name) for name in forgery.members} | {"mean": np.zeros(megabytes << 17)}
    np.savez_compressed(path, **arrays)
    del arrays
    assert path.stat().st_size < 2**21
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert_refused(path, "neither compressed nor encrypted")
    assert traced() - before < 2**20


@pytest.mark.slow
def test_large_header_is_not_parsed(forgery, tmp_path, traced):
    """60 MB of JSON would become 1.7 GB of objects."""
    forgery.put_json("[" + '{"":0},' * (60 * 2**20 // 7) + "0]")
    forgery.write(tmp_path / "talkative.npz")
    forgery.members.clear()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert_refused(tmp_path / "talkative.npz", "its header is larger than 64 kB")
    assert traced() - before < 2**20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    assert_refused(tmp_path / "pipe.npz", "is not a regular file")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no endless device")
def test_endless_device_is_not_read(tmp_path):
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    assert_refused(tmp_path / "zero.npz", "is not a regular file")


def test_file_over_the_limit_is_not_read(tmp_path, traced):
    path = tmp_path / "large.npz"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse: it takes no room
    assert_refused(path, "larger than 64 MB")
    assert traced() < 2**20


def test_limit_is_64_megabytes():
    assert MAX_BYTES == 64 * 2**20


def edited(path, signature, offset, layout, value, member=b"mean.npy"):
    """Change a number in a member's local (PK34) or central (PK12) entry."""
    raw = bytearray(path.read_bytes())
    name_at = {b"PK\3\4": 30, b"PK\1\2": 46}[signature]
    start = raw.find(signature)
    while raw[start + name_at : start + name_at + len(member)] != member:
        start = raw.find(signature, start + 1)
        assert start >= 0
    struct.pack_into(layout, raw, start + offset, value)
    path.write_bytes(raw)


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([(CENTRAL, 8, "<H", 1)], "neither compressed nor encrypted"),
        ([(LOCAL, 6, "<H", 1), (CENTRAL, 8, "<H", 1)], "neither compressed nor encrypted"),
        ([(CENTRAL, 8, "<H", 0x20)], "."),
        ([(CENTRAL, 8, "<H", 0x40)], "."),
        ([(CENTRAL, 10, "<H", 8)], "neither compressed nor encrypted"),
        ([(CENTRAL, 10, "<H", 99)], "neither compressed nor encrypted"),
        ([(CENTRAL, 6, "<H", 99)], "version"),
        ([(CENTRAL, 24, "<I", 2**31)], "larger than 64 MB"),
        ([(CENTRAL, 20, "<I", 2**31), (CENTRAL, 24, "<I", 2**31)], "larger than 64 MB"),
        ([(CENTRAL, 24, "<I", 2240 + 8)], "not as long as it says"),
        ([(CENTRAL, 20, "<I", 100)], "."),
        ([(CENTRAL, 20, "<I", 0)], "."),
        ([(CENTRAL, 16, "<I", 0)], "CRC|damaged"),
        ([(CENTRAL, 42, "<I", 2**31)], "."),
        ([(CENTRAL, 42, "<I", 1)], "."),
        ([(CENTRAL, 24, "<I", 2**32 - 1)], "."),
        ([(LOCAL, 26, "<H", 60_000)], "."),
        ([(LOCAL, 28, "<H", 60_000)], "."),
    ],
)
def test_zip_that_lies(edits, message, forgery, tmp_path):
    path = tmp_path / "lies.npz"
    forgery.write(path)
    for edit in edits:
        edited(path, *edit)
    assert_refused(path, message)


def end_of_archive(path, entries=7, size=0, offset=0):
    """Append 64-bit ends of archive that put its directory somewhere else."""
    raw = path.read_bytes()
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(raw), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(raw + end64 + locator + end)


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**62, 2**63, 2**64 - 1])
@pytest.mark.parametrize("offset", [0, 2**31, 2**62, 2**63, 2**64 - 1])
def test_directory_that_is_nowhere(size, offset, model_path):
    end_of_archive(model_path, size=size, offset=offset)
    assert_refused(model_path, ".")


@pytest.mark.parametrize("far", [2**40, 2**62, 2**63, 2**64 - 1])
def test_member_that_is_nowhere(far, forgery, tmp_path):
    """A 64-bit offset in an extra field."""
    path = tmp_path / "far.npz"
    forgery.write(path)
    raw = path.read_bytes()
    at = raw.index(b"mean.npy", raw.index(CENTRAL)) - 46
    entry = bytearray(raw[at : at + 46 + len("mean.npy")])
    struct.pack_into("<H", entry, 30, 12)
    struct.pack_into("<I", entry, 42, 2**32 - 1)
    directory = raw[raw.index(CENTRAL) : at] + entry + struct.pack("<2HQ", 1, 8, far) + raw[at + 46 + 8 :]
    end = bytearray(directory[-22:])
    struct.pack_into("<I", end, 12, len(directory) - 22)
    path.write_bytes(raw[: raw.index(CENTRAL)] + directory[:-22] + end)
    assert_refused(path, ".")


@pytest.mark.parametrize("part", np.linspace(0, 1, 40, endpoint=False).round(3))
def test_truncated(part, model_path):
    raw = model_path.read_bytes()
    model_path.write_bytes(raw[: int(part * len(raw))])
    assert_refused(model_path, "is not a model file, or is damaged")


@pytest.mark.parametrize("missing", [1, 2, 10, 21, 22, 23, 60, 300])
def test_end_cut_off(missing, model_path):
    model_path.write_bytes(model_path.read_bytes()[:-missing])
    assert_refused(model_path, "is not a model file, or is damaged")


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes(seed, tmp_path):
    path = tmp_path / "random.npz"
    start = [b"", b"PK\3\4", b"PK\5\6", b"\x93NUMPY\1\0"][seed % 4]
    path.write_bytes(start + np.random.default_rng(seed).bytes(10 ** (seed % 5)))
    assert_refused(path, "is not a model file, or is damaged")


def test_a_plain_array_is_no_model(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(5))
    assert_refused(tmp_path / "array.npy", "is not a model file, or is damaged")


def test_empty_file(tmp_path):
    path = tmp_path / "empty.npz"
    path.touch()
    assert_refused(path, "is not a model file, or is damaged")


def test_missing_file(tmp_path):
    assert_refused(tmp_path / "missing.npz", "no such model file; give another path")


def test_folder(tmp_path):
    assert_refused(tmp_path, "is not a regular file")


def test_path_through_a_file(model_path):
    assert_refused(model_path / "model.npz", "cannot be read: Not a directory")


def load_or_refuse(path):
    """Return the model or None; any other error than ModelError passes."""
    try:
        return EmotionModel.load(path)
    except ModelError as error:
        text = str(error)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return None


def important_positions(raw, random, count):
    """Return positions in a file: half of them anywhere, half outside the bulk of the arrays."""
    starts = [raw.find(CENTRAL)]
    while (found := raw.find(LOCAL, starts[-1] + 1 if len(starts) > 1 else 0)) >= 0:
        starts.append(found)
    near = np.concatenate([[start + np.arange(250) for start in starts[1:]]], axis=None)
    near = np.concatenate([near, np.arange(starts[0], len(raw))])
    return np.concatenate([random.integers(len(raw), size=count // 2), random.choice(near, count - count // 2)])


def test_flipped_bytes(model, model_path, features):
    random = np.random.default_rng(4)
    raw, few, refused = model_path.read_bytes(), features[::60], 0
    for position in important_positions(raw, random, 300):
        flipped = bytearray(raw)
        flipped[position] ^= int(random.integers(1, 256))
        model_path.write_bytes(flipped)
        if loaded := load_or_refuse(model_path):
            assert_same(loaded, model, few)
        else:
            refused += 1
    assert 200 < refused < 300  # some places, such as a member's time, mean nothing


@pytest.mark.slow
@pytest.mark.parametrize("name", ["header", "mean", "support_vectors"])
def test_flipped_bytes_with_the_right_checksum(name, forgery, tmp_path):
    """What a checksum would find is not always found by a checksum: a forger can count too."""
    random = np.random.default_rng(5)
    original, path, refused = forgery.members[name], tmp_path / "flipped.npz", 0
    forgery.keep_header()
    for _ in range(100):
        flipped = bytearray(original)
        flipped[random.integers(min(len(original), 600 if name == "header" else 160))] ^= int(random.integers(1, 256))
        forgery.members[name] = bytes(flipped)
        forgery.write(path)
        refused += load_or_refuse(path) is None
    assert refused > 10


def test_model_error_is_one_of_ours(tmp_path):
    with pytest.raises(EmodjError):
        EmotionModel.load(tmp_path / "missing.npz")
