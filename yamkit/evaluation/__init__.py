"""Measure a tagger on labelled sets: readers, label maps, metrics, reports."""
