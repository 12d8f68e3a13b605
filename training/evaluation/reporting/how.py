"""How the figures of a report are computed, in a sentence each."""

from __future__ import annotations

HOW = (
    (
        "Counts",
        "Every figure comes from integer counts of pixels over the whole dataset, never from a mean over images. "
        "Pixels that are ignored in the truth count nowhere.",
    ),
    (
        "n/a",
        "A class in neither truth nor prediction has no figures and is left out of the means. A class that is never "
        "predicted has no precision; its IoU and F1 are 0.",
    ),
    ("IoU", "TP / (TP + FP + FN) of a class; mean IoU is the mean over the classes that have one."),
    ("Accuracy", "Pixel accuracy is the share of right pixels; mean accuracy the mean recall of the classes."),
    (
        "Boundary F1, boundary IoU",
        "Boundary F1 with a tolerance of 0.75 % of the photo's diagonal (Csurka et al., BMVC 2013), added up over all "
        "images; boundary IoU of strips 2 % of the diagonal wide (Cheng et al., CVPR 2021, arXiv:2103.16562).",
    ),
    (
        "Instance-weighted IoU",
        "Pixels of an object weigh the mean size of its class's objects over its own (Cordts et al., CVPR 2016, "
        "arXiv:1604.01685).",
    ),
    (
        "Calibration",
        "Pixels are put into bins by the softmax of the class that won; ECE is the mean difference of confidence and "
        "accuracy, weighted by pixels (Guo et al., 2017, arXiv:1706.04599).",
    ),
    (
        "ROC, precision and recall",
        "One class against the rest, from probabilities of sampled pixels counted in equally wide bins. AP is the sum "
        "of precision times the recall gained. Dots are where the argmax lies, from all pixels.",
    ),
    ("Images", "The score of an image is the mean IoU over the classes that its truth or prediction has."),
)
