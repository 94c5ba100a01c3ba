"""What yamkit promises of every label reader, and what you promise besides."""

from yamkit_mine._contract import MineContract


class TestMine(MineContract):
    pass
