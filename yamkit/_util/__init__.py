"""Helpers without audio, models or scores: text, files, signals, bounds, the machine."""
