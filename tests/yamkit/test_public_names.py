"""What is exported stays exported: whoever removes a name here changes what others build on."""

from __future__ import annotations

import importlib

import pytest

import yamkit

NAMES = {
    "yamkit": """
        Batch Event EventParameters Tag TagClass TaggedClip Tagger YamkitError __version__
    """,
    "yamkit.types": """
        Batch ClipEnd ClipFailure ClipStart Event EventParameters FeatureSpec LEAVE_RATIO
        LabelledClip LabelledEvent LogMelSpec NetworkSpec Parameters PatchTags Peak RunInfo RunModel
        SinkItem Tag TagClass WaveformSpec
    """,
    "yamkit.plugin": """
        API_VERSION Backend BackendInfo BackendOptions Exporter Frontend FrontendInfo LabelReader
        LabelReaderInfo Model PluginInfo Resampler ResamplerInfo Runner RunnerInfo RunnerOptions
        Sink SinkInfo Work hookimpl hookspec
    """,
    "yamkit.testing": """
        CONTRACTS BackendContract Check ContractFailure FrontendContract Golden LabelReaderContract
        PluginContract ResamplerContract RunnerContract SinkContract golden run_contract
    """,
    "yamkit.errors": """
        AudioError AudioFileError AudioValueError AudioWarning AudioWarningError BrokenPluginError
        BundleError CalibrationError DecodeError DownloadError ExportError IncompatibleError
        LabelError MissingRequirementError ModelError ModelExistsError OutputError ParameterError
        PluginClashError PluginError ProviderWarning RunnerError StoreError UnknownModelError
        UnknownPluginError WeightFileError YamkitError
    """,
    "yamkit.networks": """
        Convolution fold_batch_norm mobilenet_v1 multiplications parameter_count same_padding
        weight_shapes
    """,
    "yamkit.features": "fourier_basis mel_matrix periodic_hann",
    "yamkit.export": "LARGEST_DIFFERENCE REFERENCE Export export_formats export_model",
}


@pytest.mark.parametrize("module", NAMES)
def test_exported_names(module: str) -> None:
    exported = importlib.import_module(module)
    assert sorted(exported.__all__) == sorted(NAMES[module].split())
    for name in exported.__all__:
        assert getattr(exported, name) is not None


def test_the_names_of_yamkit_load_when_they_are_used() -> None:
    assert set(yamkit.__all__) <= set(dir(yamkit))
    with pytest.raises(AttributeError, match="has no attribute 'Taggger'"):
        _ = yamkit.Taggger
