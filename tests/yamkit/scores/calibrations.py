"""Classes and a calibration of them, for tests."""

from __future__ import annotations

from yamkit.scores.calibration import Calibration, ClassCalibration
from yamkit.types import TagClass

__all__ = ["CALIBRATION", "CLASSES", "ISOTONIC", "PLATT", "RAW"]

CLASSES = (
    TagClass(0, "/m/09x0r", "Speech"),
    TagClass(1, "/m/0bt9lr", "Dog"),
    TagClass(2, "/m/05tny_", 'Bark, "loud"'),
)
PLATT = ClassCalibration(
    1, "/m/0bt9lr", "Dog", "dog", "platt", 40, 60, 0.4, (2.0, 1.0), 0.9, 0.8, 0.85, 0.1, 0.05
)
ISOTONIC = ClassCalibration(
    2, "/m/05tny_", 'Bark, "loud"', "bark, 1", "isotonic", 9, 9, 0.5, (0.1, 0.2, 0.6, 0.0, 0.5, 1.0)
)
RAW = ClassCalibration(0, "/m/09x0r", "Speech", "speech", "raw", 2, 98)
CALIBRATION = Calibration("net", "ab" * 32, "clip", "mean", (RAW, PLATT, ISOTONIC), "2", "3")
