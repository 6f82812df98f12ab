"""The fields of a page: each is one row with its name, type, default and text in the link."""

from collections.abc import Mapping
from typing import Any, Self, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.specs.base import explain
from explorer.specs.link_text import ListText, write


class PageFields(BaseModel):
    """Base of a page's fields.

    A field's name is its parameter of the link. Its annotation says what is allowed, and how a list is written where
    that is not the usual way (:class:`~explorer.specs.link_text.ListText`). A field at its default stands in no link.
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
        """The fields with values of widgets, or with texts of a link.

        Raises:
            InputError: naming field, value and rule.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise InputError(explain(error.errors()[0])) from None

    @classmethod
    def read(cls, link: Mapping[str, str], where: str) -> tuple[Self, list[str]]:
        """The fields of a link, and what is wrong with it: a text that can't be read leaves its field at the default.

        Args:
            link: The parameters.
            where: The name of what has these fields, for a parameter that is none of them.
        """
        good, problems = {}, []
        for name, text in link.items():
            if name not in cls.model_fields:
                problems.append(_("link, {name}: {show} has no such setting").format(name=shown(name), show=where))
                continue
            try:
                cls.parse({name: text})
                good[name] = text
            except InputError as error:
                problems.append(_("link: {problem}").format(problem=error))
        return cls.parse(good), problems

    def changed(self, **values: object) -> Self:
        """The same with other values of some fields.

        Raises:
            InputError: naming field, value and rule.
        """
        return self.parse({**dict(self), **values})

    def to_link(self) -> dict[str, str]:
        """The query parameters of the fields that aren't at their default."""
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
