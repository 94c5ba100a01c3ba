"""Writes a line a clip: its path, its best class and the score, or what went wrong with it."""

from yamkit.types import ClipEnd, ClipFailure, ClipStart


class Mine:
    """The output format; see `yamkit.plugin.Sink` for the order of calls.

    yamkit opens and closes the stream, and puts the file in its place when `close` has returned.
    """

    def open(self, run, stream):
        """Begin: write the heading."""
        self._stream, self._path = stream, ""
        self._line("path", "class", "score", "error")

    def write(self, item):
        """Write one item; of those that are not mentioned here nothing is written."""
        if isinstance(item, ClipStart):
            self._path = item.path
        elif isinstance(item, ClipEnd):
            best = item.tags[:1]
            name, score = (best[0].name, f"{best[0].score:.6f}") if best else ("", "")
            self._line(self._path, name, score, "")
        elif isinstance(item, ClipFailure):
            self._line(item.path, "", "", item.message)

    def close(self):
        """End: everything is written."""

    def abort(self):
        """Give up: there is nothing to release."""

    def _line(self, *cells):
        # names of strangers may hold tabs and line ends
        self._stream.write("\t".join(_escaped(cell) for cell in cells) + "\n")


def _escaped(cell):
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cell)
