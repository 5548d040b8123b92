"""The report for people: Markdown, and one figure (PNG)."""

from pathlib import Path
from typing import Any

from bimedix2.errors import MissingExtra

STATISTICS = {
    "krippendorff_alpha_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "fleiss_kappa": "Fleiss' kappa",
}


def _percent(rate: dict[str, Any]) -> str:
    if rate["share"] is None:
        return "none settled"
    return f"{rate['share']:.1%} ({rate['count']}/{rate['of']}; {rate['low']:.1%} to {rate['high']:.1%})"


def _value(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return "cannot be had: only one verdict was ever given"
    if found["low"] is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _plan_rows(plans: dict[str, Any]) -> list[str]:
    rows = []
    for name, found in plans.items():
        note = "" if found["estimates"] else " (chosen for what is wrong with them: no estimate of the rest)"
        size = f"{found['pairs']} of {found['population']}" if found["population"] else str(found["pairs"])
        shares = " | ".join(_percent(found[verdict]) for verdict in ("none", "minor", "major"))
        rows.append(f"| {name}{note} | {size} | {found['settled']} | {shares} |")
    return rows


def _agreement_rows(found: dict[str, Any]) -> list[str]:
    same = found["all_the_same"]
    rows = [f"| all first verdicts the same | {same['count']}/{same['of']} | {same['of']} |"]
    for key, name in STATISTICS.items():
        if key in found:
            rows.append(f"| {name} | {_value(found[key])} | {found[key]['pairs']} |")
    for names, kappa in found["cohen_kappa"].items():
        rows.append(f"| Cohen's kappa of {names} | {_value(kappa)} | {kappa['pairs']} |")
    return rows


def markdown(figures: dict[str, Any], title: str) -> str:
    """The report as Markdown."""
    accepted = figures["acceptance"]["accepted"]
    said = {True: "accepted", False: "not accepted", None: "not decided"}[accepted]
    lines = [
        f"# Review of {title}",
        "",
        f"**{said}**: the batch is accepted when {figures['acceptance']['rule']}.",
    ]
    lines += ["", "Shares are of settled pairs: share (count/settled; exact interval).", ""]
    lines += ["| plan | pairs | settled | none | minor | major |", "|---|---|---|---|---|---|"]
    lines += [*_plan_rows(figures["plans"]), "", "## Kinds of error", ""]
    lines += ["Settled pairs in which each was named; a pair may have several.", ""]
    kinds = list(next(iter(figures["plans"].values()))["categories"])
    lines += [f"| plan | {' | '.join(kinds)} |", f"|---{'|---' * len(kinds)}|"]
    for name, found in figures["plans"].items():
        lines.append(f"| {name} | {' | '.join(str(found['categories'][kind]) for kind in kinds)} |")
    if figures["agreement"]:
        lines += [
            "",
            "## Agreement",
            "",
            "Of first reviews, which were blind; 95 % intervals over subjects.",
            "",
        ]
        lines += ["| statistic | value | pairs |", "|---|---|---|", *_agreement_rows(figures["agreement"])]
    lines += ["", "## People", "", "| name | first reviews | none | minor | major |", "|---|---|---|---|---|"]
    for name, given in figures["people"].items():
        lines.append(
            f"| {name} | {given['reviews']} | {given['none']} | {given['minor']} | {given['major']} |"
        )
    states = figures["states"]
    lines += ["", f"{figures['overlap']} reviews a pair. Settled {states['settled']}, in conflict "]
    lines[-1] += f"{states['conflict']}, open {states['open']}. Resolved by an adjudicator: "
    lines[-1] += f"{figures['resolved_by_adjudicator']}; revised after a first review: "
    lines[-1] += f"{figures['revised_after_discussion']}."
    for reason, count in figures["kept_aside"].items():
        lines.append(f"Kept aside when the batch was opened: {count} ({reason}).")
    return "\n".join([*lines, *_import_rows(figures["imports"])]) + "\n"


def _import_rows(imports: list[dict[str, Any]]) -> list[str]:
    if not imports:
        return []
    rows = [
        "",
        "## Reviews of other tools",
        "",
        "Each thing that was not taken stands in `events.jsonl`.",
        "",
    ]
    rows += [
        "| file | reviews | resolutions | there already | not taken | noted |",
        "|---|---|---|---|---|---|",
    ]
    for one in imports:
        aside, noted = (
            ", ".join(f"{count} {reason}" for reason, count in one.get(key, {}).items()) or "nothing"
            for key in ("left_out", "noted")
        )
        counts = " | ".join(str(one.get(key, 0)) for key in ("reviews", "resolutions", "already_there"))
        rows.append(f"| {one['file']} ({one['format']}) | {counts} | {aside} | {noted} |")
    return rows


def picture(figures: dict[str, Any], file: Path, title: str) -> None:
    """Write the minor and major rates of each plan with their intervals, and the limit, as a PNG.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import PercentFormatter
    except ImportError as error:
        raise MissingExtra("matplotlib", "review") from error
    plans = {name: found for name, found in figures["plans"].items() if found["settled"]}
    figure = Figure(figsize=(8, 1.8 + 0.7 * max(1, len(plans))), layout="constrained")
    axes = figure.subplots()
    for number, (verdict, colour) in enumerate((("minor", "tab:blue"), ("major", "tab:red"))):
        rates = [found[verdict] for found in plans.values()]
        if not rates:
            break
        places = [row + 0.18 * (2 * number - 1) for row in range(len(plans))]
        shares = [rate["share"] for rate in rates]
        around = [[r["share"] - r["low"] for r in rates], [r["high"] - r["share"] for r in rates]]
        axes.errorbar(shares, places, xerr=around, fmt="o", color=colour, capsize=4, label=verdict)
    limit = figures["acceptance"]["limit"]
    axes.axvline(limit, color="tab:red", linestyle="--", linewidth=1, label=f"limit of major: {limit:.1%}")
    axes.set_yticks(range(len(plans)), [f"{name}\n{f['settled']} pairs" for name, f in plans.items()])
    axes.set_ylim(len(plans) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of settled pairs, with exact interval")
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=3)
    figure.savefig(file, dpi=120)
