"""What yamkit promises of every backend, and what you promise besides."""

from yamkit.testing import BackendContract


class TestMine(BackendContract):
    plugin = "mine"
