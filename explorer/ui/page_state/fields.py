"""The fields of a page. One line declares the name, type, default and link text of a field."""

from collections.abc import Mapping
from typing import Any, Self, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.specs.base import explain
from explorer.specs.link_text import ListText, write


class PageFields(BaseModel):
    """Base of a page's fields.

    The name of a field is also its parameter in the link. The annotation sets the allowed values and, for a list with
    an unusual notation, its :class:`~explorer.specs.link_text.ListText`. The link leaves out a field at its default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _split(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: cls._list_text(name).read(value) if isinstance(value, str) and cls._is_list(name) else value
            for name, value in values.items()
        }

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Create the fields from widget values or from the texts of a link.

        Raises:
            InputError: If a value breaks a rule; names field, value and rule.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise InputError(explain(error.errors()[0])) from None

    @classmethod
    def read(cls, link: Mapping[str, str], where: str) -> tuple[Self, list[str]]:
        """Create the fields from a link. Returns them and the problems of the link.

        A text that can't be read leaves its field at the default.

        Args:
            link: Parameters of the link.
            where: Name of the part of the page, for messages about unknown parameters.
        """
        readable, problems = {}, []
        for name, text in link.items():
            if name not in cls.model_fields:
                problems.append(_("link, {name}: {show} has no such setting").format(name=shown(name), show=where))
                continue
            try:
                cls.parse({name: text})
                readable[name] = text
            except InputError as error:
                problems.append(_("link: {problem}").format(problem=error))
        return cls.parse(readable), problems

    def changed(self, **values: object) -> Self:
        """Return a copy with new values of some fields.

        Raises:
            InputError: If a value breaks a rule; names field, value and rule.
        """
        return self.parse({**dict(self), **values})

    def to_link(self) -> dict[str, str]:
        """Return the query parameters of all fields that differ from their default."""
        fields = type(self).model_fields
        return {
            name: self._list_text(name).write(value) if isinstance(value, tuple) else write(value)
            for name, value in self
            if value != fields[name].get_default()
        }

    @classmethod
    def _is_list(cls, name: str) -> bool:
        return name in cls.model_fields and get_origin(cls.model_fields[name].annotation) is tuple

    @classmethod
    def _list_text(cls, name: str) -> ListText:
        metadata = cls.model_fields[name].metadata
        return next((one for one in metadata if isinstance(one, ListText)), ListText())
