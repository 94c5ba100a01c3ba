"""The contract of the reader, with an example of its lists: `yamkit plugins check` uses it, too."""

from yamkit.testing import LabelReaderContract
from yamkit.types import LabelledClip


class MineContract(LabelReaderContract):
    """A list as the reader wants it, and what is read from it."""

    plugin = "mine"
    example = "file|tags\nnight/1.wav|Dog,Bark\nnight/2.wav|\n"
    clips = (
        LabelledClip(("night/1.wav",), ("Dog", "Bark"), line=2),
        LabelledClip(("night/2.wav",), (), line=3),
    )
