"""What yamkit promises of every front end, and what you promise besides."""

from yamkit.testing import FrontendContract


class TestMine(FrontendContract):
    plugin = "mine"
