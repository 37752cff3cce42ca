"""What the docstrings of the packages have and mkdocstrings does not know: roles, shapes, names that share a line."""

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":(?:func|class|meth|mod|data):`([\w.]+)`")
EXAMPLE = re.compile(r"^Example:(?: (?P<caption>.+))?$", re.MULTILINE)
SHAPE = re.compile(r"^Shape:\n    (?P<text>.+(?:\n    .+)*)", re.MULTILINE)
RETURNS = re.compile(r"^Returns:\n    (?=\S)", re.MULTILINE)
SHARED = re.compile(r"^    (?P<names>\w+(?:, \w+)+): (?P<text>.*(?:\n {8}.*)*)", re.MULTILINE)


class PlainDocstrings(Extension):
    """A role with its target in full becomes a link, ``Shape:`` a line, ``a, b: text`` two lines."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of every module, class, function and attribute."""
        if obj.docstring:
            text = ROLE.sub(_link, obj.docstring.value)
            text = SHARED.sub(_one_a_line, SHAPE.sub(_line, text))
            # Else what stands before a colon in the text is taken for the type.
            if obj.is_function and obj.returns:
                text = RETURNS.sub(f"Returns:\n    {obj.returns}: ", text)
            obj.docstring.value = EXAMPLE.sub(_examples, text)


def _link(role: re.Match[str]) -> str:
    target = role[1]
    name = target.rsplit(".", 1)[-1]
    return f"[`{name}`][{target}]" if target.startswith("lip") else f"`{target}`"


def _line(shape: re.Match[str]) -> str:
    return f"**Shape:** {' '.join(shape['text'].split())}"


def _one_a_line(shared: re.Match[str]) -> str:
    return "\n".join(f"    {name}: {shared['text']}" for name in shared["names"].split(", "))


def _examples(example: re.Match[str]) -> str:
    caption = example["caption"]
    return "Examples:" + (f"\n    {caption[:1].upper()}{caption[1:]}\n" if caption else "")
