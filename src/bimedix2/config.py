"""Recipes: YAML plus ``key=value`` overrides, checked once at the door by a room's pydantic ``Config``."""

import difflib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from bimedix2.errors import ConfigError


class Settings(BaseModel):
    """Base of every ``Config``: unknown keys fail, values do not change after the door."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


S = TypeVar("S", bound=Settings)


def ascending(bounds: tuple[int, int]) -> tuple[int, int]:
    """Check "at least, at most" of a recipe: not below 0, and not the wrong way round."""
    least, most = bounds
    if not 0 <= least <= most:
        raise ValueError(f"write at least and at most, as [{min(bounds)}, {max(bounds)}], from 0 on")
    return bounds


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key written twice: the second would silently win."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):  # a list or a mapping, as {{ x }} is one; the loader names its line
            continue
        if key in seen:
            raise ConfigError(f"the key '{key}' is written twice (line {key_node.start_mark.line + 1})")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def read_recipe(path: Path) -> dict[str, Any]:
    """Read one YAML recipe as a mapping.

    Raises:
        ConfigError: the file is absent, not YAML, not a mapping, or holds a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"recipe {path} does not exist; see recipes/ for the shipped ones") from None
    except OSError as error:
        raise ConfigError(f"recipe {path} cannot be read ({error.strerror}); check it") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"recipe {path} is not UTF-8 at byte {error.start}; convert it") from error
    try:
        value = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(f"recipe {path} is not YAML{where}; correct it there") from error
    except ConfigError as error:
        raise ConfigError(f"recipe {path}: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"recipe {path} must be a mapping of keys to values, not {type(value).__name__}")
    return value


def apply_overrides(recipe: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a copy of ``recipe`` with ``a.b=value`` applied.

    Values are read as YAML; ``a.0`` is the first item of a list.

    Raises:
        ConfigError: an override without ``=``, or one that goes through a value that is no mapping or list.
    """
    result: dict[str, Any] = _copy(recipe)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"'{override}' is no override; write key=value")
        try:
            value = yaml.safe_load(text) if text else None
        except yaml.YAMLError as error:
            raise ConfigError(f"the value of '{key}' is not YAML: {text}; put it in quotes") from error
        *parents, last = key.split(".")
        target: Any = result
        for parent in parents:
            target = target.setdefault(parent, {}) if isinstance(target, dict) else _item(target, parent, key)
        if isinstance(target, list):
            _item(target, last, key)
            target[int(last)] = value
        elif isinstance(target, dict):
            target[last] = value
        else:
            raise ConfigError(f"'{key}' goes through a value that is not a mapping; check the recipe")
    return result


def _item(values: Any, number: str, key: str) -> Any:
    """One item of a list, which a key names by its number from 0."""
    if not isinstance(values, list):
        raise ConfigError(f"'{key}' goes through a value that is not a mapping; check the recipe")
    if not number.isdigit() or int(number) >= len(values):
        raise ConfigError(f"'{key}': '{number}' is no item of that list, which has {len(values)}, from 0")
    return values[int(number)]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _valid_keys(model: type[BaseModel], location: Sequence[Any]) -> list[str]:
    """Keys allowed at ``location`` (the path to the offending key, which is its last item)."""
    fields = model.model_fields
    for part in location[:-1]:
        if not isinstance(part, str) or part not in fields:
            continue
        inner: Any = fields[part].annotation
        candidates = [inner, *getattr(inner, "__args__", ())]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return []
        fields = nested[0].model_fields
    return list(fields)


def explain(error: ValidationError, model: type[BaseModel], origin: str) -> str:
    """One sentence for the first problem of a ``ValidationError``, with the nearest valid key on a typo."""
    # A misspelt key also makes the right one missing: name the typo, not its shadow.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    location = [part for part in first["loc"] if not str(part).startswith("function-")]
    key = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        valid = _valid_keys(model, location)
        near = difflib.get_close_matches(str(location[-1]), valid, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"valid keys: {', '.join(sorted(valid))}"
        return f"{origin}: unknown key '{key}'; {hint}"
    if first["type"] == "missing":
        return f"{origin}: the key '{key}' is missing; add it, or pass {key}=VALUE"
    message = first["msg"].removeprefix("Value error, ")
    if not location:  # of the whole recipe, whose values would fill the line
        return f"{origin}: {message}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{origin}: '{key}': {message}; got {first.get('input')!r:.80}{more}"


def build(model: type[S], values: dict[str, Any], origin: str = "recipe") -> S:
    """Check ``values`` against a room's ``Config``; any problem is one ``ConfigError`` sentence."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, model, origin)) from error


def load(model: type[S], recipe: Path, overrides: Sequence[str] = ()) -> S:
    """Read a recipe, apply ``key=value`` overrides and check it: the one door of every room."""
    return build(model, apply_overrides(read_recipe(recipe), overrides), str(recipe))
