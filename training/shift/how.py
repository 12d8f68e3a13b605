"""The words of a report of other domains, in a sentence each."""

from __future__ import annotations

from training.evaluation.reporting.how import HOW

_ALSO = ("Counts", "n/a", "IoU", "Images")

HOW_ELSEWHERE = (
    *(each for each in HOW if each[0] in _ALSO),
    (
        "Differences",
        "Percentage points, there minus home. Intervals hold 95 % of the differences when the images are drawn anew "
        "(bootstrap); where one has 0 within, the images cannot tell.",
    ),
    (
        "Effect",
        "Cliff's delta: how much oftener the larger of two, one there and one at home by chance, is that there; from "
        "-1 to 1, 0 is no difference.",
    ),
    (
        "AdaBN",
        "Means and variances of the batch normalisation are measured anew on the photos there; no weight is trained "
        "(Li et al., 2016, arXiv:1603.04779).",
    ),
    (
        "TENT",
        "Scales and shifts of the batch normalisation are trained on the photos there until predictions are sure; no "
        "label is used (Wang et al., ICLR 2021, arXiv:2006.10726).",
    ),
    (
        "ATC",
        "Average thresholded confidence expects of photos without labels: the share of pixels above that confidence "
        "which, at home, as many pixels exceed as are right (Garg et al., ICLR 2022).",
    ),
)
