"""What yamkit promises of every output format, and what you promise besides."""

from yamkit.testing import SinkContract


class TestMine(SinkContract):
    plugin = "mine"
