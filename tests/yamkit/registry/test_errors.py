from __future__ import annotations

import pytest

from yamkit.errors import BrokenPluginError, DecodeError
from yamkit.registry import describe, plugin_errors


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError(""), "ValueError"),
        (SystemExit("bye"), "SystemExit: bye"),
    ],
)
def test_an_error_in_one_line(error: BaseException, text: str) -> None:
    assert describe(error) == text


def test_an_error_of_a_plugin_names_it() -> None:
    message = r"sink 'mine'.*ValueError.*broken"
    with (
        pytest.raises(BrokenPluginError, match=message) as caught,
        plugin_errors("sink 'mine'"),
    ):
        raise ValueError("broken")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(DecodeError, match="^cut off$"), plugin_errors("sink 'mine'"):
        raise DecodeError("cut off")
