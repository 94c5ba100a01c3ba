"""What yamkit promises of every runner, and what you promise besides."""

from yamkit.testing import RunnerContract


class TestMine(RunnerContract):
    plugin = "mine"
