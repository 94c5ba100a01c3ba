"""What happens to scores between the network and a report: classes, aggregation, events."""
