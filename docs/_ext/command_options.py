"""The directive `command-options`: what a management command takes, from its own parser.

Each argument is described as by Sphinx's `option`, so the role `option` links to it. What all of
Django's commands take is left out; what many of ours share is described where `shared` is given,
and elsewhere only named.
"""

import re
from argparse import Action, ArgumentParser
from typing import ClassVar

from django.core.management import load_command_class
from django.core.management.base import CommandParser
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from django_jetbase.management.base import JetbaseCommand

# What a help text quotes or names, which is code on a page.
_CODE = re.compile(r"""'(?P<quoted>\S+?)'(?!\w)|(?P<named>JETBASE\["\w+"\]|(?<!\w)--[\w-]+)""")


class CommandOptions(SphinxDirective):
    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {"shared": directives.flag}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        command = load_command_class("django_jetbase", name)
        assert isinstance(command, JetbaseCommand)
        parser, general = CommandParser(add_help=False), CommandParser(add_help=False)
        command.add_arguments(parser)
        JetbaseCommand.add_arguments(command, general)  # which come first in the other one too
        count = len(general._actions)
        own, shared = parser._actions[count:], parser._actions[:count]
        if "shared" in self.options:
            text = [description(action, parser) for action in shared]
        else:
            named = ", ".join(f"`{signature(action)}`" for action in shared)
            also = f"{'Also' if own else 'Takes'} {named}: see [](#options-of-many-commands)."
            text = [f":::{{program}} {name}\n:::", *(description(a, parser) for a in own), also]
        return self.parse_text_to_nodes("\n\n".join(text))


def description(action: Action, parser: ArgumentParser) -> str:
    said = _CODE.sub(
        lambda found: f"`{found['quoted'] or found['named']}`", (action.help or "") % vars(action)
    )
    sentences = f"{said[0].upper()}{said[1:]}. {exclusion(action, parser)}"
    return f":::{{option}} {signature(action)}\n{sentences}\n:::"


def signature(action: Action) -> str:
    """The ways to write an argument, each with its value."""
    value = action.metavar or "|".join(action.choices or ()) or action.dest.upper()
    value = value if isinstance(value, str) else " ".join(value)
    ways = (flag if action.nargs == 0 else f"{flag} {value}" for flag in action.option_strings)
    return ", ".join(ways) or value


def exclusion(action: Action, parser: ArgumentParser) -> str:
    """A sentence on the options that do not go together with this one."""
    for group in parser._mutually_exclusive_groups:
        others = [o.option_strings[-1] for o in group._group_actions if o is not action]
        if action in group._group_actions and others:
            listed = " or ".join(f"`{other}`" for other in others)
            return f"This or {listed} is required." if group.required else f"Not with {listed}."
    return ""


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("command-options", CommandOptions)
    return {"parallel_read_safe": True}
