"""``open``: a finished folder of translated records becomes a batch in the store."""

from collections import Counter
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import folder_hash
from bimedix2.records.store import read_records
from bimedix2.review import exchange
from bimedix2.review.accounts import add_people
from bimedix2.review.pairs import Item, load
from bimedix2.review.room import Room
from bimedix2.review.sampling import choose
from bimedix2.review.settings import Config
from bimedix2.review.store import Store


def open_batch(config: Config) -> str:
    """Choose the pairs, write them and the first event; return what to tell.

    Raises:
        RunError: the input is no finished folder, or the store holds a batch already.
        DataError: there is nothing to review; or a file of ``imports`` does not fit: the batch is open then.
    """
    inputs = input_hashes(config)
    sample = choose(read_records(config.input), config.plans, config.seed)
    items: list[Item] = []
    aside: Counter[str] = Counter()
    for found in load(sample.chosen, config.input, config.source):
        if isinstance(found, Item):
            items.append(found)
        else:
            aside[found[1]] += 1
    if not items:
        raise DataError(
            f"none of the {len(sample.chosen)} chosen records is a pair ({_said(aside)}); check 'source'"
        )
    payload = {
        "recipe": config.judged(),
        "inputs": inputs,
        "population": sample.population,
        "chosen": len(sample.chosen),
        "kept_aside": dict(sorted(aside.items())),
        "items": io.sha256_bytes(
            io.canonical_json([item.model_dump(mode="json") for item in items]).encode()
        ),
    }
    with Store(config.store, make=True) as store:
        store.begin(items, "open", payload)
        given = add_people(store, config.people, (), config.passwords_file)
        room = Room(store, config)
        try:
            taken = take_imports(room, config)
        except DataError as error:
            _export(room, config)
            raise DataError(
                f"{error}; the batch is open without it (first passwords: {config.passwords_file}), and "
                "serve and close read the file again"
            ) from error
        left_out = _export(room, config)
    kept = f", {aside.total()} kept aside ({_said(aside)})" if aside else ""
    told = f"{len(items)} pairs to review{kept}, {imports_told(taken)}."
    told += f" {left_out} pairs hold '* * *' and were not exported." if left_out else ""
    return f"{told} First passwords of {', '.join(given)}: {config.passwords_file}" if given else told


def _export(room: Room, config: Config) -> int:
    """Write the files for other tools where the recipe wants them; return how many pairs they cannot hold."""
    return 0 if config.export is None else exchange.write(config.export, room.board, config.people)


def input_hashes(config: Config) -> dict[str, str]:
    """The hashes of the folders that the batch is made of."""
    folders = {"input": config.input, "source": config.source}
    return {name: folder_hash(folder) for name, folder in folders.items() if folder is not None}


def check_inputs(room: Room, config: Config) -> None:
    """Refuse to go on with other folders than the batch was opened with.

    Raises:
        RunError: a folder is another one now.
    """
    for name, digest in input_hashes(config).items():
        if room.board.opened["inputs"].get(name) != digest:
            raise RunError(
                f"{getattr(config, name)} is not the folder that the batch was opened with; restore it"
            )


def take_imports(room: Room, config: Config) -> list[dict[str, Any]]:
    """Read in the files of reviews that were not read yet; return what the log says of each."""
    taken = []
    for given in config.imports:
        digest = io.sha256_file(given.path) if given.path.is_file() else ""
        if digest in room.board.imported and digest:
            continue
        read = exchange.read(given, room.board, config.people)
        done = room.take_in(digest, {"format": given.format, "file": given.path.name}, read)
        if done is not None:
            taken.append(done)
    return taken


def imports_told(taken: list[dict[str, Any]]) -> str:
    """How many reviews came in, and what was not taken and why, as one clause."""
    counts: Counter[str] = Counter()
    aside: Counter[str] = Counter()
    for one in taken:
        counts.update({key: one[key] for key in ("reviews", "resolutions", "already_there")})
        aside.update(one["left_out"])
    said = f"{counts['reviews']} reviews imported"
    said += f" and {counts['resolutions']} resolutions" if counts["resolutions"] else ""
    said += f", {counts['already_there']} were there already" if counts["already_there"] else ""
    said += f", {aside.total()} not taken ({_said(aside)})" if aside else ""
    noted = sum((Counter(one["noted"]) for one in taken), Counter())
    return said + (f", of them {_said(noted)}" if noted else "")


def _said(aside: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(aside.items())) or "none chosen"
