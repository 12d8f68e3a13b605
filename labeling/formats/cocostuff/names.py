"""The classes of COCO-Stuff and their ids."""

from __future__ import annotations

from collections.abc import Iterable

# Ids 1 to 182 in order. https://github.com/nightrome/cocostuff/blob/master/labels.txt
_NAMES = """
person; bicycle; car; motorcycle; airplane; bus; train; truck; boat; traffic light; fire hydrant; street sign; stop
sign; parking meter; bench; bird; cat; dog; horse; sheep; cow; elephant; bear; zebra; giraffe; hat; backpack;
umbrella; shoe; eye glasses; handbag; tie; suitcase; frisbee; skis; snowboard; sports ball; kite; baseball bat;
baseball glove; skateboard; surfboard; tennis racket; bottle; plate; wine glass; cup; fork; knife; spoon; bowl;
banana; apple; sandwich; orange; broccoli; carrot; hot dog; pizza; donut; cake; chair; couch; potted plant; bed;
mirror; dining table; window; desk; toilet; door; tv; laptop; mouse; remote; keyboard; cell phone; microwave; oven;
toaster; sink; refrigerator; blender; book; clock; vase; scissors; teddy bear; hair drier; toothbrush; hair brush;
banner; blanket; branch; bridge; building-other; bush; cabinet; cage; cardboard; carpet; ceiling-other; ceiling-tile;
cloth; clothes; clouds; counter; cupboard; curtain; desk-stuff; dirt; door-stuff; fence; floor-marble; floor-other;
floor-stone; floor-tile; floor-wood; flower; fog; food-other; fruit; furniture-other; grass; gravel; ground-other;
hill; house; leaves; light; mat; metal; mirror-stuff; moss; mountain; mud; napkin; net; paper; pavement; pillow;
plant-other; plastic; platform; playingfield; railing; railroad; river; road; rock; roof; rug; salad; sand; sea;
shelf; sky-other; skyscraper; snow; solid-other; stairs; stone; straw; structural-other; table; tent; textile-other;
towel; tree; vegetable; wall-brick; wall-concrete; wall-other; wall-panel; wall-stone; wall-tile; wall-wood;
water-other; waterdrops; window-blind; window-other; wood
"""
NAMES: dict[int, str] = {id: " ".join(name.split()) for id, name in enumerate(_NAMES.split(";"), start=1)}
"""Names by id: 1 to 91 are things, 92 to 182 stuff; 0 is `unlabeled`."""

# README.md of the same repository, "Label Names & Indices".
_WITHOUT_PIXELS = frozenset(
    {
        *("blender", "desk", "door", "eye glasses", "hair brush", "hat"),
        *("mirror", "plate", "shoe", "street sign", "window"),
    }
)
USED: dict[int, str] = {id: name for id, name in NAMES.items() if name not in _WITHOUT_PIXELS}
"""The 171 classes that occur, by id: 11 things of COCO have no segmentation."""

_FIRST_STUFF, _OTHER = 92, 183


def is_stuff_only(categories: Iterable[tuple[str, str]]) -> bool:
    """Tell whether categories (id, name) are those of `stuff_*.json`: stuff, and `other` for things."""
    known = {str(id): name for id, name in NAMES.items() if id >= _FIRST_STUFF} | {str(_OTHER): "other"}
    found = list(categories)
    return bool(found) and all(known.get(id) == name for id, name in found)
