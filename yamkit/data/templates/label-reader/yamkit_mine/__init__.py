"""The label reader `mine`. This module only says that it exists."""

from yamkit.plugin import LabelReaderInfo, hookimpl


@hookimpl
def yamkit_label_readers():
    """Describe it."""
    yield LabelReaderInfo(
        name="mine",
        summary="Lines of a file, a bar and its labels",
        factory="yamkit_mine._label_reader:Mine",
        api=1,
        contract="yamkit_mine._contract:MineContract",
    )
