"""The page of a calibration, ``scores.md``, and the sentence about it that a judged benchmark quotes."""

from typing import Any

from bimedix2.evaluate.report import percent, table
from bimedix2.evaluate.trial.calibration.columns import headline

HEADS = {
    "weighted_kappa": "weighted kappa",
    "kappa": "Cohen's kappa",
    "agreement": "the same",
    "within_one": "within one",
    "spearman": "Spearman",
    "pearson": "Pearson",
    "bias": "judge minus person",
    "distance": "mean distance",
}
SHARES = ("agreement", "within_one")


def _words(one: dict[str, Any] | None, form: str = ".2f", share: bool = False) -> str:
    """A value and its interval."""
    if one is None:
        return "-"
    if one["value"] is None:
        return "cannot be had"

    def number(value: float) -> str:
        return percent(value) if share else format(value, form)

    ends = "" if one["low"] is None else f" [{number(one['low'])}, {number(one['high'])}]"
    return number(one["value"]) + ends


def _cell(found: dict[str, Any], key: str) -> str:
    return _words(found.get(key), "+.2f" if key == "bias" else ".2f", key in SHARES)


def sentence(values: dict[str, Any], protocol: str) -> str:
    """The calibration in a sentence: how many items and people, and the first figures."""
    counts = values["counts"]
    if not counts["scored"]:
        return "Nobody has scored an item of the calibration."
    items, raters = counts["scored_items"], counts["raters"]
    said = []
    for name in headline(protocol):
        found = values["columns"][name]["each"]
        if found["pairs"]:
            key = "kappa" if "kappa" in found else "weighted_kappa"
            said.append(f"{HEADS[key]} {_cell(found, key)} on the {name}")
            if "bias" in found:
                said.append(f"judge minus person {_cell(found, 'bias')}")
    people = f"{items} item{'s' if items != 1 else ''} by {raters} rater{'s' if raters != 1 else ''}"
    over = f"(95 % intervals over {counts['images']} images)"
    return f"Judge calibrated on {people}: {'; '.join(said)} {over}."


def page(values: dict[str, Any], about: dict[str, Any], partial: str, signature: str) -> str:
    """Return Markdown; its first line says so where the result is partial."""
    parts = [f"**Partial: {partial}. These numbers are no whole result.**"] if partial else []
    parts += ["# Calibration of a judge", sentence(values, about["protocol"]), _summary(values, about)]
    parts += ["## The judge against one person at a time", _against(values, "each"), _notes()]
    if any("mean" in one for one in values["columns"].values()):
        parts += ["## The judge against the mean of an item's people", _against(values, "mean")]
    if len(values["raters"]) > 1:
        parts += ["## The judge against each person", _each(values)]
    parts += ["## Among people", _people(values)]
    for facet, found in values["groups"].items():
        parts += [f"## By {facet}: {headline(about['protocol'])[0]}", _groups(found, facet)]
    parts += ["## People", _raters(values), "## Un-blinding", _log(values)]
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def _summary(values: dict[str, Any], about: dict[str, Any]) -> str:
    counts, judge = values["counts"], about["judge"]
    times = ", ".join(f"{items} by {people}" for people, items in counts["per_item"].items())
    lacks = ", ".join(f"{n} {reason}" for reason, n in sorted(counts["unjudged"].items())) or "none"
    return (
        f"The judge `{judge['judge']}`, protocol `{judge['protocol']}`, prompt "
        f"`{'+'.join(judge['prompt'])}`, language `{judge['language']}`. {counts['items']} answers were "
        f"drawn of {counts['judged_answers']} that it scored (without a score, and not drawn: {lacks}). "
        f"{counts['judgements']} judgements ({times}): {counts['scored']} with scores, {counts['abstain']} "
        f"abstained, {counts['revised']} revised (the last counts). Items on which everybody abstained: "
        f"{counts['abstained_by_all']}."
    )


def _notes() -> str:
    return (
        "A judgement of a person is a pair with the judge's own of the same item. Kappa of scores has "
        "quadratic weights; `the same` is within half a point there, for the mean of two orders may lie "
        "between two scores. In brackets 95 % bootstrap intervals over images. The sample is even over kinds "
        "of item, so these are not the figures of a random one."
    )


def _against(values: dict[str, Any], side: str) -> str:
    shown = {name: one[side] for name, one in values["columns"].items() if side in one}
    keys = [key for key in HEADS if any(key in found for found in shown.values())]
    rows = [
        [name, *(_cell(found, key) for key in keys), str(found["pairs"])] for name, found in shown.items()
    ]
    return table(["", *(HEADS[key] for key in keys), "pairs"], rows)


def _each(values: dict[str, Any]) -> str:
    rows = []
    for name, column in values["columns"].items():
        for rater, found in column["raters"].items():
            key = "kappa" if column["kind"] == "labels" else "weighted_kappa"
            cells = [_cell(found, key), _cell(found, "agreement"), _cell(found, "bias")]
            rows.append([name, rater, *cells, str(found["pairs"])])
    return table(["", "person", "kappa", HEADS["agreement"], HEADS["bias"], "pairs"], rows)


def _people(values: dict[str, Any]) -> str:
    rows = []
    for name, column in values["columns"].items():
        for statistic, found in column["people"].items():
            said = {"fleiss_kappa": "Fleiss' kappa", "krippendorff_alpha": "Krippendorff's alpha"}[statistic]
            level = f", {found['level']}" if "level" in found else f", {found['ratings']} ratings each"
            rows.append([name, said + level, _words(found), str(found["items"])])
    if not rows:
        return "No item has scores of two people, so agreement among them cannot be measured."
    return table(["", "statistic", "value", "rated by two or more"], rows)


def _groups(found: dict[str, Any], facet: str) -> str:
    rows = []
    for name, one in found.items():
        rows.append([name, str(one["items"]), _cell(one, "agreement"), _cell(one, "bias"), str(one["pairs"])])
    return table([facet, "items", HEADS["agreement"], HEADS["bias"], "pairs"], rows)


def _raters(values: dict[str, Any]) -> str:
    rows = []
    for name, one in values["raters"].items():
        seconds = "-" if one["median_seconds"] is None else f"{one['median_seconds']:.0f}"
        rows.append(
            [name, *(str(one[key]) for key in ("judgements", "scored", "abstain", "revised")), seconds]
        )
    return table(["", "judgements", "scored", "abstained", "revised", "median seconds"], rows)


def _log(values: dict[str, Any]) -> str:
    rows = [[one["by"], one["at"], one["key_sha256"][:12]] for one in values["unblinding"]]
    return table(["by", "at", "key"], rows)
