"""Metrics of events: found events against strong labels.

`counts` holds events and counts; `segments`, `collars` and `psds` compute metrics as pure
functions. `metric_table` lists the metrics, each in one entry, `evaluate` finds events in scores
and makes the report, and `report` writes it. `past_end` checks strong labels against the durations
of their clips.

A new metric is a function in its own module and an entry in `metric_table`.
"""
