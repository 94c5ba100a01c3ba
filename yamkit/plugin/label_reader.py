r'''Label readers read the list of a labelled set in one layout.

A reader returns what the list says. The core finds the files, maps labels to the classes of the
model and selects clips. This reader reads a simple text layout. Its first file describes it:

```python title="yamkit_mine/__init__.py"
"""The label reader `mine`; this module only describes it."""

from yamkit.plugin import LabelReaderInfo, hookimpl


@hookimpl
def yamkit_label_readers():
    """Describe the label reader."""
    yield LabelReaderInfo(
        name="mine",
        summary="Lines such as night/1.wav|Dog,Bark",
        factory="yamkit_mine._label_reader:Mine",
        api=1,
        contract="yamkit_mine._contract:MineContract",
    )
```

The second file is the implementation, which yamkit imports when it reads the list of a set:

```python title="yamkit_mine/_label_reader.py"
"""Reads lists with the header ``file|tags`` and a line for each clip."""

from yamkit.errors import LabelError
from yamkit.types import LabelledClip

_HEADER = "file|tags"


class Mine:
    """The reader; see `yamkit.plugin.LabelReader`."""

    def recognises(self, path, head):
        """Return whether a list has this layout, by its first lines."""
        return list(head[:1]) == [_HEADER]

    def vocabulary(self, path):
        """Return no labels: the layout has no list of them."""
        return {}

    def read(self, path):
        """Read the clips, in the order of the list."""
        try:
            text = path.read_text("utf-8-sig")
        except OSError as error:
            raise LabelError(f"{path}: {error.strerror or 'cannot be read'}") from None
        except ValueError:
            raise LabelError(f"{path}: not UTF-8 text") from None
        for number, line in enumerate(text.splitlines()[1:], start=2):
            file, bar, tags = line.partition("|")
            if not (file and bar) or "\0" in line:
                raise LabelError(f"{path}: line {number}: {line[:80]!r}: must be FILE|TAG,TAG")
            labels = dict.fromkeys(tag.strip() for tag in tags.split(",") if tag.strip())
            yield LabelledClip((file,), tuple(labels), line=number)
```

The contract needs an example of a list. The descriptor names the contract, so that
`yamkit plugins check` finds it:

```python title="yamkit_mine/_contract.py"
"""The contract of the label reader, with an example of its lists."""

from yamkit.testing import LabelReaderContract
from yamkit.types import LabelledClip


class MineContract(LabelReaderContract):
    """A list in this layout, and the clips that the reader returns for it."""

    plugin = "mine"
    example = "file|tags\nnight/1.wav|Dog,Bark\nnight/2.wav|\n"
    clips = (
        LabelledClip(("night/1.wav",), ("Dog", "Bark"), line=2),
        LabelledClip(("night/2.wav",), (), line=3),
    )
```

The last file runs the contract with pytest:

```python title="tests/test_contract.py"
"""The contract of all label readers, and your own tests."""

from yamkit_mine._contract import MineContract


class TestMine(MineContract):
    pass
```

`yamkit plugins new yamkit-mine --kind label-reader` makes a distribution with these files.
Installed, it reads every list that it recognises:

```console
$ yamkit eval labels.txt --audio recordings/
```
'''

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from yamkit.types import LabelledClip

__all__ = ["LabelReader", "LabelReaderInfo"]


class LabelReaderInfo(PluginInfo):
    """Describes a label reader; the factory is a `LabelReader` class or makes one."""


class LabelReader(Protocol):
    """Reads the list of a labelled set in one layout: ``factory() -> LabelReader``.

    It returns what the list says. The core does the rest: it finds the files, maps labels to the
    classes of a model, selects clips and detects duplicates. The core also finds files whose names
    differ from the list's in folders, case, Unicode form or slashes, and files with any audio
    extension for a name that has none.
    """

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Return whether a list has this layout.

        Parameters
        ----------
        path : Path
            A file or a folder.
        head : sequence of str
            The first five lines of a file, without line ends and byte order mark; empty for a
            folder.
        """

    def vocabulary(self, path: Path, /) -> Mapping[str, str]:
        """Read all labels of the set, including those that no clip of the list has.

        Returns
        -------
        mapping of str to str
            Display name by label; empty if the layout has no such list, or the list is missing.

        Raises
        ------
        yamkit.errors.LabelError
            If the list of labels is invalid.
        """

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, in the order of the list.

        Raises
        ------
        yamkit.errors.LabelError
            If the list is invalid; the message is one line with the file and the line in it.
        """
