"""From the network's scores to what is reported: classes, aggregation, calibration, events."""
