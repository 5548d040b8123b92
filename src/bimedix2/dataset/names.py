"""Names that a recipe gives and that nothing among the records has: each would do nothing, in silence."""

from collections.abc import Iterable, Mapping, Sequence

from bimedix2.dataset.components import Component
from bimedix2.dataset.mixture import OWN, MixtureConfig, cell_of
from bimedix2.dataset.survey import Profile, Survey
from bimedix2.errors import ConfigError

LISTED = 60
"""Known names that an error lists, at most."""


def check(
    survey: Survey,
    folders: int,
    mixtures: Mapping[str, MixtureConfig],
    components: Mapping[str, Component],
    within: Sequence[str],
) -> None:
    """Compare the names of ``leakage.within`` and of the mixtures with what there is.

    What a declared component asks for is known too, whether its folder is there or not. Without any record
    nothing is compared.

    Args:
        survey: of all rows.
        folders: how many of the folders are written.
        mixtures: one a side, by its name.
        components: as the recipe declares them.
        within: sources.

    Raises:
        ConfigError: the first name that is unknown, with those that are known.
    """
    profiles = [profile for profile in survey.profiles if profile.folder < folders]
    if not profiles:
        return
    declared = components.values()
    sources = {profile.source for profile in survey.profiles} | {s for one in declared for s in one.source}
    _unknown("leakage.within", within, sources, "no record comes from {}; sources are")
    tasks = {profile.task for profile in profiles} | {task for one in declared for task in one.task}
    for side, mixture in mixtures.items():
        _unknown(f"{side}.whole", mixture.whole, tasks, "no record has the task {}; tasks are")
        _check_balance(survey, side, mixture, components)
        _check_weights(survey, profiles, side, mixture, components)


def _unknown(key: str, names: Iterable[str], known: set[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{key}: {what.format(repr(name))}: {_listed(known)}")


def _listed(known: Iterable[str]) -> str:
    names = sorted(name for name in known if name)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _check_balance(
    survey: Survey, side: str, mixture: MixtureConfig, components: Mapping[str, Component]
) -> None:
    known = OWN - ({"component"} if not components else set()) | survey.meta_keys
    if "component" in mixture.balance and not components:
        raise ConfigError(
            f"{side}.balance: 'component' makes no cells where the recipe declares no components; "
            f"cells can be made of: {_listed(known)}"
        )
    what = "{} is neither one of a record's own names nor a key of any record's meta; cells can be made of"
    _unknown(f"{side}.balance", mixture.balance, set(known), what)


def _check_weights(
    survey: Survey,
    profiles: Sequence[Profile],
    side: str,
    mixture: MixtureConfig,
    components: Mapping[str, Component],
) -> None:
    """A weight names a task, or a value that the side's ``balance`` makes cells of."""
    meta = survey.looked.meta

    def values(balance: Sequence[str]) -> set[str]:
        found = {name for one in profiles for name in cell_of(one, "", balance, meta)}
        for one in components.values():
            asked = {"task": one.task, "language": [str(a.value) for a in one.language], "source": one.source}
            found |= {name for key in ("task", *balance) for name in asked.get(key, [])}
        return found | (set(components) if "component" in balance else set())

    known = values(mixture.balance)
    for name in mixture.weights:
        if name in known:
            continue
        others = [key for key in [*sorted(OWN), *meta] if key not in mixture.balance]
        makes = next((key for key in others if name in values([key])), None)
        hint = f" (it is a {makes}: add '{makes}' to {side}.balance)" if makes else ""
        raise ConfigError(
            f"{side}.weights: {name!r} is no task and no value of {', '.join(mixture.balance)}{hint}; "
            f"known are: {_listed(known)}"
        )
