"""Reads lists with a heading ``file|tags``, and a line a clip."""

from yamkit.errors import LabelError
from yamkit.types import LabelledClip

_HEADING = "file|tags"


class Mine:
    """The reader; see `yamkit.plugin.LabelReader`."""

    def recognises(self, path, head):
        """Tell whether a list is of this layout, by its first lines."""
        return list(head[:1]) == [_HEADING]

    def vocabulary(self, path):
        """Name no classes beyond those of the list."""
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
                raise LabelError(f"{path}: line {number}: {line[:80]!r}; wanted FILE|TAG,TAG")
            labels = dict.fromkeys(tag.strip() for tag in tags.split(",") if tag.strip())
            yield LabelledClip((file,), tuple(labels), line=number)
