"""The image of one service in a Compose override file, changed with every other byte as it was.

ruamel.yaml (0.19) says where things stand; a round trip through it would keep comments, but
would respell quotes, blanks and anchors. The result is parsed again before anybody writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from commands.domain.errors import ConfigFileError
from commands.domain.image_reference import ImageReference

_NULL = "tag:yaml.org,2002:null"
_STEP = "  "
# Compose 1.29 takes a file without services, networks, volumes and version for a version 1 file,
# and refuses to merge it.
_VERSION = 'version: "3"'


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key of a mapping, and its value."""

    key: ScalarNode
    value: Node

    @property
    def is_empty(self) -> bool:
        """No value yet: `api:` or `api: {}`."""
        return _tag(self.value) == _NULL or (_is_map(self.value) and not self.value.value)

    @property
    def is_block(self) -> bool:
        """A mapping of lines, which can take another one; an alias stands somewhere else."""
        here = self.value.start_mark.line > self.key.start_mark.line
        return isinstance(self.value, MappingNode) and not self.value.flow_style and here


@dataclass(frozen=True, slots=True)
class OverrideFile:
    """The text of one override file. `path` is for error messages only.

    Every method raises ConfigFileError if the file is no Compose file, or is written in a way
    (flow style, an alias in the way) in which one image cannot be changed alone.
    """

    path: str
    text: str

    @classmethod
    def of(cls, path: str, content: bytes) -> OverrideFile:
        """The file of these bytes. Raises ConfigFileError if they are no UTF-8."""
        try:
            return cls(path, content.decode())
        except UnicodeDecodeError as error:
            raise ConfigFileError(path, "is no UTF-8") from error

    def image(self, service: str) -> str | None:
        """The image that stands there for the service; None if there is none."""
        image = self._entry("services", service, "image")
        if image is None or _tag(image.value) == _NULL:
            return None
        if not isinstance(image.value, ScalarNode):
            raise ConfigFileError(self.path, f"services.{service}.image is no text")
        return str(image.value.value)

    def with_image(self, service: str, image: str) -> bytes:
        """The file with that image for the service."""
        try:
            ImageReference.parse(image)
        except ValueError as error:
            raise ConfigFileError(self.path, str(error)) from error
        wanted = ["services", service, "image"]
        place = self._entry(*wanted)
        if place is not None:
            text = self._with_value(place, image)
        else:
            known = next((n for n in (2, 1) if self._entry(*wanted[:n])), 0)
            parent = self._entry(*wanted[:known]) if known else None
            text = self._with_lines(parent, [*wanted[known:-1], f"image: {image}"])
        changed = OverrideFile(self.path, text)
        if changed._services_but(service) != self._services_but(service) or (
            changed.image(service) != image
        ):
            raise ConfigFileError(self.path, f"services.{service} cannot be changed alone")
        return text.encode()

    def without_image(self, service: str) -> bytes:
        """The file without an image for the service, and without the service if that was all.

        `services` stays, if only empty: an override file named on a command line must be there.
        """
        services, body = self._entry("services"), self._entry("services", service)
        image = self._entry("services", service, "image")
        if services is None or body is None or image is None:
            return self.text.encode()
        if not (services.is_block and body.is_block):
            raise ConfigFileError(self.path, f"services.{service} is not written in lines")
        first = body if len(body.value.value) == 1 else image
        begin = self._line_start(first.key.start_mark.index)
        text = self.text[:begin] + self.text[self._line_end(image.value.end_mark.index) :]
        if first is body and len(services.value.value) == 1:
            text = self._without_services(services, text)
        changed = OverrideFile(self.path, text)
        if changed._services_but(service) != self._services_but(service):
            raise ConfigFileError(self.path, f"services.{service} cannot be changed alone")
        return text.encode()

    def _without_services(self, services: _Entry, text: str) -> str:
        key, colon = services.key.start_mark.index, services.key.end_mark.index + 1
        others = [self._entry(name) for name in ("version", "networks", "volumes")]
        end = "\r\n" if "\r\n" in text else "\n"
        version = "" if any(other and not other.is_empty for other in others) else _VERSION + end
        return f"{text[:key]}{version}{text[key:colon]} {{}}{text[colon:]}"

    def _with_value(self, place: _Entry, image: str) -> str:
        begin, end = place.value.start_mark.index, place.value.end_mark.index
        quote = getattr(place.value, "style", None) or ""
        is_here = place.value.start_mark.line == place.key.start_mark.line
        if not is_here or quote not in ("", "'", '"'):
            raise ConfigFileError(self.path, "an image is not written on one line")
        blank = " " if begin == place.key.end_mark.index + 1 else ""
        return f"{self.text[:begin]}{blank}{quote}{image}{quote}{self.text[end:]}"

    def _with_lines(self, parent: _Entry | None, lines: list[str]) -> str:
        """The text with new lines under `parent`, each one deeper than the one before."""
        end = "\r\n" if "\r\n" in self.text else "\n"
        text, indent = self.text, ""
        at = len(text)
        if parent is not None:
            indent = " " * parent.key.start_mark.column + _STEP
            if parent.is_block:
                indent = " " * parent.value.start_mark.column
            elif parent.is_empty:
                text = self._emptied(parent)
            else:
                raise ConfigFileError(self.path, f"{parent.key.value} is not written in lines")
            at = text.find("\n", parent.key.end_mark.index) + 1 or len(text)
        before = text[:at] + ("" if not at or text[at - 1] == "\n" else end)
        *parents, leaf = lines
        new = [f"{indent}{_STEP * n}{key}:" for n, key in enumerate(parents)]
        new.append(f"{indent}{_STEP * len(parents)}{leaf}")
        return before + "".join(line + end for line in new) + text[at:]

    def _emptied(self, parent: _Entry) -> str:
        """Take the `{}` or `null` of an empty mapping away; its remark stays."""
        begin, end = parent.key.end_mark.index + 1, parent.value.end_mark.index
        if parent.value.start_mark.line > parent.key.start_mark.line:
            return self.text
        return self.text[:begin] + self.text[max(begin, end) :]

    def _entry(self, *keys: str) -> _Entry | None:
        node, entry = self._root(), None
        for key in keys:
            if not _is_map(node):
                if node is None or _tag(node) == _NULL:
                    return None
                raise ConfigFileError(self.path, f"what holds {key} is no mapping")
            found = [_Entry(k, v) for k, v in node.value if k.value == key]
            if len(found) > 1:
                raise ConfigFileError(self.path, f"{key} stands there {len(found)} times")
            if not found:
                return None
            entry, node = found[0], found[0].value
        return entry

    def _root(self) -> Any:  # noqa: ANN401 - ruamel.yaml does not say what it composes
        try:
            return YAML(typ="rt", pure=True).compose(self.text)
        except YAMLError as error:
            raise ConfigFileError(self.path, " ".join(str(error).split())[:300]) from error

    def _services_but(self, service: str) -> object:
        """All that the file says, but for the image of that service."""
        said = _plain(self._root())
        root = said if isinstance(said, dict) else {}
        root.pop("version", None)
        services = root.pop("services", None)
        services = services if isinstance(services, dict) else {}
        body = services.pop(service, None)
        body = body if isinstance(body, dict) else {}
        body.pop("image", None)
        return root, services, body

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        return self.text.find("\n", index) + 1 or len(self.text)


def _is_map(node: object) -> bool:
    return isinstance(node, MappingNode)


def _tag(node: Node) -> str:
    return str(node.tag)


def _plain(node: Node | None) -> object:
    """What a node says, whatever it looks like; unlike the constructors it knows every tag."""
    if isinstance(node, MappingNode):
        return {str(getattr(key, "value", key)): _plain(value) for key, value in node.value}
    if node is None or isinstance(node, ScalarNode):
        return node and (_tag(node), node.value)
    return [_plain(item) for item in node.value]
