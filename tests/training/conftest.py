"""A folder of generated audio with an index."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty clips of tones, noise and clicks, one of them broken, another held out."""
    folder = tmp_path_factory.mktemp("audio")
    random = np.random.default_rng(0)
    rows = []
    for number in range(20):
        time = np.arange(int(random.integers(2000, 12000))) / 8000
        sound = {
            0: lambda: np.sin(2 * np.pi * 100 * (1 + number) * time),  # noqa: B023
            1: lambda: random.normal(0, 0.3, len(time)),  # noqa: B023
            2: lambda: (np.arange(len(time)) % 400 == 0) * 1.0,  # noqa: B023
        }[number % 3]()
        name = f"clip{number}.wav"
        soundfile.write(folder / name, 0.5 * sound, 8000)
        rows.append((name, f"collection{number % 2}"))
    (folder / "broken.wav").write_bytes(b"RIFF but not really")
    rows.append(("broken.wav", "collection0"))
    (folder / "secret.wav").write_bytes(b"must never be opened")
    rows.append(("secret.wav", "librosa/data"))
    with (folder / "index.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "repository"), *rows])
    return folder
