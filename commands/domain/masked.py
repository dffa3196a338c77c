"""Where data is changed by taking its secrets out: it would be run, or asked, masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def masked(plain: object, redact: Callable[[object], object]) -> dict[str, object]:
    """What `redact` does not leave as it is in JSON-like data, by its path.

    Paths are as people write them: `environments.production.smoke[1].argv[2]`.
    """
    return dict(_differing("", plain, redact(plain)))


def places_of(wanted: object, data: object) -> tuple[str, ...]:
    """The paths under which a value stands in JSON-like data."""
    return tuple(masked(data, lambda plain: _without(plain, wanted)))


def each_string(data: object, change: Callable[[str], str]) -> object:
    """The same JSON-like data with every string changed, its keys left."""
    match data:
        case str():
            return change(data)
        case dict():
            return {key: each_string(value, change) for key, value in data.items()}
        case list() | tuple():
            return [each_string(value, change) for value in data]
        case _:
            return data


def _without(data: object, wanted: object) -> object:
    return each_string(data, lambda said: "" if said == wanted else said)


def _differing(path: str, plain: object, clean: object) -> Iterator[tuple[str, object]]:
    match plain, clean:
        case dict(), dict() if plain.keys() == clean.keys():
            for key, value in plain.items():
                yield from _differing(f"{path}.{key}".lstrip("."), value, clean[key])
        case ((list() | tuple()), (list() | tuple())):
            for at, (value, other) in enumerate(zip(plain, clean, strict=True)):
                yield from _differing(f"{path}[{at}]", value, other)
        case _ if plain != clean:
            yield path, plain
