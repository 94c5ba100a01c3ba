"""From samples to scores: a model with the plugins that run it."""
