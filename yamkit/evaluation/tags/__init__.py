"""Metrics of tags: scores of clips against labels of clips.

`metrics` has each metric as a pure function. A report computes them all at once, also on bootstrap
resamples: `ranking` sorts clips, `counts` counts them under many weightings, `metric_table` lists
the metrics, each in one entry, `bootstrap` resamples, `evaluate` makes the report, and `report`
writes it.

A new metric is a function in `metrics` and an entry in `metric_table`.
"""
