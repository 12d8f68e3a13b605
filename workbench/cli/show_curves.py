"""ROC and precision-recall curves as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.cli.output import percent, say, table

if TYPE_CHECKING:
    from training.evaluation.curves import ClassCurve, EvaluationCurves

_EVERY = 5  # points to the next one that is printed


def show_curves(found: EvaluationCurves) -> None:
    """Print the areas under the curves of every class, in percent, and where the argmax lies."""
    columns = ["class", ">AUC %", ">±", ">AP %", ">AP from", ">to", ">argmax: recall %", ">precision %", ">pixels"]
    rows = []
    for each in found.classes:
        values = each.to_json()
        error = values["auc_error"]
        rows.append(
            (
                each.name,
                percent(values["auc"]),
                "n/a" if error is None else f"{100 * error:.2f}",
                *(percent(values[f"average_precision{end}"]) for end in ("", "_low", "_high")),
                percent(each.working_point.recall),
                percent(each.working_point.precision),
                each.pixels,
            )
        )
    table(None, columns, rows)
    say(
        f"\nEach class against the rest, from probabilities of sampled pixels in {found.bins} bins; ± and from - to are"
    )
    say("what the bins may hide.")
    for each in found.classes:
        if each.note:
            say(f"{each.name}: {each.note}")


def show_curve(each: ClassCurve) -> None:
    """Print points of one class's curves, in percent, and where the argmax lies."""
    values = each.to_json(points=True)
    if each.note:
        say(f"{each.name} has no curves. {each.note}")
        return
    say(f"{each.name}: AUC {percent(values['auc'])} %, average precision {percent(values['average_precision'])} %")
    names = ("recall", "false_positive_rate", "precision")
    rows = [(f"{p['threshold']:.2f}", *(percent(p[name]) for name in names)) for p in values["points"][::_EVERY]]
    argmax = ("argmax", *(percent(getattr(each.working_point, name)) for name in names))
    table(None, [">threshold", ">recall %", ">false positives %", ">precision %"], [*rows, argmax])
