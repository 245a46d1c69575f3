"""Objects instead of dicts for payloads, where a package was generated with `--models msgspec` or `pydantic`.

They are made without validation, since a service that has changed must not break its clients: declared keys become
attributes whatever their values are, missing ones are UNSET (msgspec) or None (pydantic), and all others stay
reachable. `plain` gives back what was read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, cast

from digirm_runtime.errors import RemoteManagerError, TransportError

if TYPE_CHECKING:
    import pydantic

    from digirm_runtime.structs import Object

#: Makes an object of a value in an answer, where it is one of the kind expected.
_Convert: TypeAlias = Callable[[Any], Any]
_STRUCTS = "digirm_runtime.structs"
_SCALARS = (str, int, float, bytes)


class Model(Protocol):
    """Makes an object of a decoded JSON item, and never loses or refuses what the item holds."""

    def read(self, item: Any) -> Any:
        """The object; what is no JSON object is given back as it is."""
        ...


class Reader:
    """The model of one generated class, imported when something is first read: `name` of `..models.<module>`."""

    __slots__ = ("_module", "_name", "_package", "_shape")

    def __init__(self, package: str | None, module: str, name: str) -> None:
        self._package = package
        self._module = module
        self._name = name
        self._shape: _Shape | None = None

    def read(self, item: Any) -> Any:
        """The object; what is no JSON object is given back as it is.

        Raises TransportError where objects lie in each other deeper than Python can follow.
        """
        if not isinstance(item, dict):
            return item
        if self._shape is None:
            from importlib import import_module

            self._shape = _shape(getattr(import_module(f"..models.{self._module}", self._package), self._name))
        try:
            return self._shape.read(item)
        except RecursionError:
            raise TransportError(f"the answer holds too many {self._name} in each other") from None


def require(library: str) -> None:
    """Raise RemoteManagerError where a library that payload objects are made with is not installed."""
    from importlib.util import find_spec

    if sys.modules.get(library) is None and find_spec(library) is None:
        raise RemoteManagerError(f"this package was generated with --models {library}: pip install {library}")


def plain(value: Any) -> Any:
    """Payload objects, alone or in dicts and lists, as the JSON objects that they stand for; all else as it is.

    Unknown keys are kept, keys that were missing and not set since are left out, null stays null. Other pydantic models
    become dicts of what was set too, without their own serializers. Raises ValueError where objects lie in each other
    deeper than Python can follow.
    """
    # Where neither was ever imported there is nothing to look for.
    if _STRUCTS not in sys.modules and "pydantic" not in sys.modules:
        return value
    try:
        return _plain(value)
    except RecursionError:
        raise ValueError("too many objects in each other, or one in itself") from None


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if _is_struct(cls := type(value)):
        from msgspec import UNSET

        names = zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True)
        declared = {key: found for key, name in names if key and (found := getattr(value, name)) is not UNSET}
        return _plain({**value.extra, **declared})
    if _is_pydantic(cls):
        # Not `model_dump`, which refuses keys that are no UTF-8.
        fields, given = cls.model_fields.items(), value.model_fields_set
        declared = {field.serialization_alias or name: getattr(value, name) for name, field in fields if name in given}
        return _plain({**(value.model_extra or {}), **declared})
    return value


def _is_struct(cls: Any) -> TypeGuard[type[Object]]:
    module = sys.modules.get(_STRUCTS)
    return module is not None and isinstance(cls, type) and issubclass(cls, module.Object)


def _is_pydantic(cls: Any) -> TypeGuard[type[pydantic.BaseModel]]:
    module = sys.modules.get("pydantic")
    return module is not None and isinstance(cls, type) and issubclass(cls, module.BaseModel)


class _Shape:
    """How objects of one class are made: attribute and converter by key, and what takes these and the other keys."""

    __slots__ = ("_fields", "_make")

    def __init__(
        self, hints: Mapping[str, tuple[str, Any]], make: Callable[[dict[str, Any], dict[str, Any]], Any]
    ) -> None:
        self._fields = {key: (name, _converter(hint)) for key, (name, hint) in hints.items()}
        self._make = make

    def read(self, item: dict[str, Any]) -> Any:
        values: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key, value in item.items():
            field = self._fields.get(key)
            if field is None:
                rest[key] = value
            else:
                name, convert = field
                values[name] = value if convert is None else convert(value)
        return self._make(values, rest)


@cache
def _shape(cls: type) -> _Shape:
    if _is_struct(cls):
        return _struct_shape(cls)
    assert _is_pydantic(cls)
    return _pydantic_shape(cls)


def _struct_shape(cls: type[Object]) -> _Shape:
    from msgspec import UNSET
    from msgspec.structs import fields

    declared = [field for field in fields(cls) if field.encode_name]
    unset = {field.name: UNSET for field in declared if field.required}

    def make(values: dict[str, Any], rest: dict[str, Any]) -> Object:
        return cls(extra=rest, **{**unset, **values})

    return _Shape({field.encode_name: (field.name, field.type) for field in declared}, make)


def _pydantic_shape(cls: type[pydantic.BaseModel]) -> _Shape:
    # Not through the arguments of `model_construct`, where a key that is unknown can be taken for an attribute's name;
    # and a copy takes a tenth of its time.
    empty = cls.model_construct()
    vars(empty).update({name: None for name, field in cls.model_fields.items() if field.is_required()})

    def make(values: dict[str, Any], rest: dict[str, Any]) -> pydantic.BaseModel:
        made = empty.model_copy()
        vars(made).update(values)
        made.model_fields_set.update(values)
        cast("dict[str, Any]", made.model_extra).update(rest)
        return made

    return _Shape({field.alias or name: (name, field.annotation) for name, field in cls.model_fields.items()}, make)


def _converter(hint: Any) -> _Convert | None:
    """What makes objects of values of a type: of JSON objects, and of those in lists and maps; None where none is."""
    from types import UnionType
    from typing import Union, get_args, get_origin

    union = get_origin(hint) in (Union, UnionType)
    of_dict: _Convert | None = None
    of_list: _Convert | None = None
    for part in get_args(hint) if union else (hint,):
        origin, arguments = get_origin(part), get_args(part)
        if origin is list:
            of_list = of_list or _each(_converter(arguments[0]))
        elif origin is dict:
            of_dict = of_dict or _each_value(_converter(arguments[1]))
        elif _is_struct(part) or _is_pydantic(part):
            of_dict = of_dict or _one(part)
    if of_dict is None and of_list is None:
        return None

    def convert(value: Any) -> Any:
        if isinstance(value, dict):
            return value if of_dict is None else of_dict(value)
        return of_list(value) if of_list is not None and isinstance(value, list) else value

    return convert


def _one(cls: type) -> _Convert:
    # Not its shape itself: a class may hold itself.
    return lambda item: _shape(cls).read(item)


def _each(convert: _Convert | None) -> _Convert | None:
    return None if convert is None else lambda items: [convert(item) for item in items]


def _each_value(convert: _Convert | None) -> _Convert | None:
    return None if convert is None else lambda items: {key: convert(item) for key, item in items.items()}
