"""Cityscapes' labels, and what the values of its two kinds of masks mean.

All from https://github.com/mcordts/cityscapesScripts/blob/master/cityscapesscripts/helpers/labels.py: name, train id
(None: left out of the evaluation, 255 in a mask of train ids) and colour of each id from 0 to 33. `license plate`, id
-1, is never drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.formats.masks.legend import Legend
from labeling.options import DatasetOptions

NOT_DRAWN = "license plate"
GROUP = "group"
"""Ends the label of a polygon around several objects that could not be told apart (`cargroup`)."""
FIRST_OBJECT = 1000
"""A value of an instanceIds mask is 1000 times the id plus the object's number; smaller ones are ids alone
(cityscapesscripts/preparation/json2instanceImg.py)."""


@dataclass(frozen=True)
class CityscapesLabel:
    """A label: its name, its train id where it is evaluated, and its colour."""

    name: str
    train_id: int | None
    color: RGB


LABELS = (
    CityscapesLabel("unlabeled", None, (0, 0, 0)),
    CityscapesLabel("ego vehicle", None, (0, 0, 0)),
    CityscapesLabel("rectification border", None, (0, 0, 0)),
    CityscapesLabel("out of roi", None, (0, 0, 0)),
    CityscapesLabel("static", None, (0, 0, 0)),
    CityscapesLabel("dynamic", None, (111, 74, 0)),
    CityscapesLabel("ground", None, (81, 0, 81)),
    CityscapesLabel("road", 0, (128, 64, 128)),
    CityscapesLabel("sidewalk", 1, (244, 35, 232)),
    CityscapesLabel("parking", None, (250, 170, 160)),
    CityscapesLabel("rail track", None, (230, 150, 140)),
    CityscapesLabel("building", 2, (70, 70, 70)),
    CityscapesLabel("wall", 3, (102, 102, 156)),
    CityscapesLabel("fence", 4, (190, 153, 153)),
    CityscapesLabel("guard rail", None, (180, 165, 180)),
    CityscapesLabel("bridge", None, (150, 100, 100)),
    CityscapesLabel("tunnel", None, (150, 120, 90)),
    CityscapesLabel("pole", 5, (153, 153, 153)),
    CityscapesLabel("polegroup", None, (153, 153, 153)),
    CityscapesLabel("traffic light", 6, (250, 170, 30)),
    CityscapesLabel("traffic sign", 7, (220, 220, 0)),
    CityscapesLabel("vegetation", 8, (107, 142, 35)),
    CityscapesLabel("terrain", 9, (152, 251, 152)),
    CityscapesLabel("sky", 10, (70, 130, 180)),
    CityscapesLabel("person", 11, (220, 20, 60)),
    CityscapesLabel("rider", 12, (255, 0, 0)),
    CityscapesLabel("car", 13, (0, 0, 142)),
    CityscapesLabel("truck", 14, (0, 0, 70)),
    CityscapesLabel("bus", 15, (0, 60, 100)),
    CityscapesLabel("caravan", None, (0, 0, 90)),
    CityscapesLabel("trailer", None, (0, 0, 110)),
    CityscapesLabel("train", 16, (0, 80, 100)),
    CityscapesLabel("motorcycle", 17, (0, 0, 230)),
    CityscapesLabel("bicycle", 18, (119, 11, 32)),
)
EVALUATED = tuple(label for label in LABELS if label.train_id is not None)
"""The 19 labels of the evaluation, in the order of their train ids."""

_ID_REMEDY = "*_labelIds.png hold Cityscapes' ids, 0 to 33; name masks of train ids *_labelTrainIds.png."
_TRAIN_ID_REMEDY = "*_labelTrainIds.png hold train ids, 0 to 18, and 255; name masks of Cityscapes' ids *_labelIds.png."


def classes_of(options: DatasetOptions) -> tuple[CityscapesLabel, ...]:
    """Return the labels that become classes: those of the evaluation, or all 34."""
    return LABELS if options.void == "class" else EVALUATED


def legend_of_ids(options: DatasetOptions) -> Legend:
    """Return what a mask of ids means."""
    classes = classes_of(options)
    values = {index: classes.index(label) if label in classes else IGNORE for index, label in enumerate(LABELS)}
    names = tuple(label.name for label in classes)
    return Legend(names, values, remedy=_ID_REMEDY).without(options.ignore_index)


def legend_of_train_ids(options: DatasetOptions) -> Legend:
    """Return what a mask of train ids means; what they leave out stays left out."""
    classes = classes_of(options)
    values = {IGNORE: IGNORE, **{index: classes.index(label) for index, label in enumerate(EVALUATED)}}
    names = tuple(label.name for label in classes)
    return Legend(names, values, remedy=_TRAIN_ID_REMEDY).without(options.ignore_index)


def colors_of(options: DatasetOptions) -> dict[str, RGB]:
    """Return the classes' colours, of labels that share one that of the first; black, of several voids, is none."""
    colors: dict[str, RGB] = {}
    for label in classes_of(options):
        if label.color != (0, 0, 0) and label.color not in colors.values():
            colors[label.name] = label.color
    return colors
