"""The built-in plugins keep the contracts that strangers' plugins keep, with the same checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit import testing
from yamkit.plugin import RunnerOptions
from yamkit.registry import registry
from yamkit.testing import (
    BackendContract,
    FrontendContract,
    LabelReaderContract,
    PluginContract,
    ResamplerContract,
    RunnerContract,
    SinkContract,
)
from yamkit.types import LabelledClip, LabelledEvent


class TestOnnx(BackendContract):
    plugin = "onnx"


class TestNumpy(BackendContract):
    plugin = "numpy"


@pytest.mark.tensorflow
class TestKeras(BackendContract):
    plugin = "keras"


class TestLogMel(FrontendContract):
    plugin = "logmel"


@pytest.mark.tensorflow
class TestLogMelTf(FrontendContract):
    plugin = "logmel-tf"


class TestWaveform(FrontendContract):
    plugin = "waveform"


class TestPolyphase(ResamplerContract):
    plugin = "polyphase"


class TestPolyphaseLive(ResamplerContract):
    plugin = "polyphase-live"


@pytest.mark.long(reason="runs whole contracts")
class TestResampy(ResamplerContract):
    plugin = "resampy"


class TestLocal(RunnerContract):
    plugin = "local"


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")  # Ray's own
class TestRay(RunnerContract):
    plugin = "ray"

    @pytest.fixture(autouse=True)
    def _cluster(self, cluster: str) -> None:
        type(self).options = RunnerOptions(jobs=2, address=cluster)


def contract_of(base: type[PluginContract], plugin: str, **more: object) -> type[PluginContract]:
    return type(f"Test{plugin.title().replace('-', '')}", (base,), {"plugin": plugin, **more})


for _plugin in registry().plugins:
    if _plugin.distribution == "yamkit" and _plugin.kind == "sink":
        globals()[f"TestSink_{_plugin.name}"] = contract_of(SinkContract, _plugin.name)

EXAMPLES: dict[str, tuple[object, list[LabelledClip] | None]] = {
    "audioset": (
        "# Segments csv created Sun Mar  5 10:54:25 2017\n"
        "# num_ytids=2, num_segs=2, num_unique_labels=4, num_positive_labels=4\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
        '--4gqARaEJE, 0.000, 10.000, "/m/068hy,/m/07q6cd_,/m/0bt9lr,/m/0jbk"\n'
        '-0RWZT-miFs, 420.000, 430.000, "/m/03v3yw,/m/0k4j"\n',
        None,
    ),
    "fsd50k": (
        'fname,labels,mids,split\n64760,"Electric_guitar,Music","/m/02sgy,/m/04rlf",train\n',
        [LabelledClip(("64760.wav", "64760"), ("Electric_guitar", "Music"), split="train", line=2)],
    ),
    "esc50": (
        "filename,fold,target,category,esc10,src_file,take\n1-100032-A.wav,1,0,dog,True,100032,A\n",
        [LabelledClip(("1-100032-A.wav",), ("dog",), fold="1", line=2)],
    ),
    "urbansound8k": (
        "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
        "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n",
        None,
    ),
    "audioset-strong": (
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
        "b0RFKhbpFJA_30000\t0.000\t10.000\t/m/03m9d0z\n"
        "b0RFKhbpFJA_30000\t4.753\t5.720\t/m/05zppz\n",
        None,
    ),
    "dcase-strong": (
        "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.5\tDog\na.wav\t2.0\t3.0\tCat\n",
        [
            LabelledClip(
                ("a.wav",),
                ("Dog", "Cat"),
                line=2,
                events=(LabelledEvent("Dog", 0.5, 1.5), LabelledEvent("Cat", 2.0, 3.0)),
            )
        ],
    ),
    "dcase-weak": (
        "filename\tevent_labels\na.wav\tBlender,Speech\n",
        [LabelledClip(("a.wav",), ("Blender", "Speech"), line=2)],
    ),
    "csv": (
        'path,labels\nnight/1.wav,Dog;/m/09x0r\n"night/2, windy.wav",\n',
        [
            LabelledClip(("night/1.wav",), ("Dog", "/m/09x0r"), line=2),
            LabelledClip(("night/2, windy.wav",), (), line=3),
        ],
    ),
}

for _name, (_example, _clips) in EXAMPLES.items():
    globals()[f"TestReader_{_name}"] = contract_of(
        LabelReaderContract, _name, example=_example, clips=_clips
    )


class TestFolders(LabelReaderContract):
    plugin = "folders"

    @pytest.fixture(autouse=True)
    def _example(self, tmp_path: Path) -> None:
        for name in ("cat/1.wav", "dog/2.wav"):
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).touch()
        type(self).example = tmp_path


def test_no_built_in_is_forgotten() -> None:
    ours = {(p.kind, p.name) for p in registry().plugins if p.distribution == "yamkit"}
    tested = {
        (contract.kind, contract.plugin)
        for name, contract in globals().items()
        if name.startswith("Test") and issubclass(contract, PluginContract)
    }
    assert tested == ours
    assert set(testing.CONTRACTS) == {kind for kind, _ in ours}
