"""The words people type: one grammar for Slack, Telegram, the terminal and the shell.

Words become a record of `commands.domain.spoken` or a GrammarError that says how to mend them.
Nothing here starts a process, prints, or asks the world; click only takes options apart, and its
own messages are never shown.
"""

from commands.grammar.buttons import Token, read_token
from commands.grammar.help import HelpPage, help_page
from commands.grammar.parse import parse, parse_arguments
from commands.grammar.suggest import nearest

__all__ = [
    "HelpPage",
    "Token",
    "help_page",
    "nearest",
    "parse",
    "parse_arguments",
    "read_token",
]
