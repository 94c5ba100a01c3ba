"""Completion in bash, zsh and fish, with what click leaves out; registered by the import."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from yamkit.cli._complete import Values

__all__: list[str] = []


class _Shell(ShellComplete):
    """Adds values after ``=``, which click leaves out."""

    def get_completions(self, args: list[str], incomplete: str) -> Values:
        items = super().get_completions(args, incomplete)
        option, is_assigned, _ = incomplete.partition("=")
        if is_assigned and option.startswith("--"):
            for item in items:
                item.value = f"{option}={item.value}" if item.type == "plain" else item.value
        return items


class _Bash(_Shell, BashComplete):
    """Quotes names with spaces and quotes, and joins words that bash splits."""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        # bash splits --model=mini into three words
        return [word for word in args if word != "="], "" if incomplete == "=" else incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        words = os.environ["COMP_WORDS"].split("\n")
        typed = words[min(int(os.environ["COMP_CWORD"]), len(words) - 1)]
        if item.type != "plain" or typed[:1] in ("'", '"'):
            return super().format_completion(item)
        # twice: the `read` in the script of click removes one backslash
        return f"{item.type},{re.sub(_SPECIAL, _ESCAPED, item.value)}"


_SPECIAL = re.compile(r"[^\w@%+=:,./-]")
_ESCAPED = r"\\\\\g<0>"


class _Zsh(_Shell, ZshComplete):
    pass


class _Fish(_Shell, FishComplete):
    """Keeps commas in names."""

    source_template = FishComplete.source_template.replace(
        'string split "," ', 'string split -m 1 "," '
    )


for _shell in (_Bash, _Zsh, _Fish):
    add_completion_class(_shell)
