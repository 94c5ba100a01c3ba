"""Helpers that know nothing of audio or models: text, files, signals, bounds, the machine."""
