// The words of the field, each explained where it stands, for those who do not know it yet.
//
// term("miou", "mIoU", more) -> a dotted word that tells what it means to a pointer that rests on it, to the keyboard's
//   focus and to a finger; Escape takes the explanation away. more: what is told before it, such as a figure. It takes the
//   focus, so it stands in no button and no link, and where a word comes often, once.

import { h } from "./dom.js";

const WORDS = {
  // what data are for
  val: "val, for validation: labelled photos that a model does not learn from. During the training they tell how well it does on what it has not seen, and which checkpoint is the best.",
  revision: "A frozen snapshot of the labelled photos with their roles, lists and classes. Whatever is edited later, it still says what a model was trained or tested on.",
  ignored: "Pixels that count for nothing: a model does not learn from them, and no figure is about them.",
  imagenet: "Weights of a network that has learnt to tell a million everyday photos apart. From there a training needs far fewer photos and far less time than from random weights.",
  conflict: "Its labels were changed both here and at the source. Those here were kept, unless the import was told otherwise.",
  repaired: "Something about it was not in order, but it could be read all the same; the list below says what.",
  skipped: "It could not be read, so it was left out; the list below says why.",
  // training
  step: "One small correction of the network, made from a handful of photos. A training is hundreds or thousands of them.",
  epoch: "Once through all photos to train on.",
  batch: "How many photos are looked at together.",
  crop: "The piece of a photo, cut out at random, that is looked at in a step: height and width in pixels.",
  seed: "The number that random draws begin with: the same seed draws the same.",
  rate: "How far each step goes. Usually it begins high and falls, so that the end is fine work.",
  loss: "How wrong the network is on the photos it just trained on. It should fall, fast at first and then slowly.",
  checkpoint: "The state of a model at one step. `best` is that of the highest val mIoU, `last` the newest.",
  parameters: "The numbers a network learns. More can hold more, and want more memory and photos.",
  gflops: "GFLOPs, billions of additions and multiplications: the work that one photo is. To train on it takes about three times that.",
  encoder: "The front part of a network, which finds edges, textures and things in the photo. What follows draws the map from them.",
  stride: "Output stride: pixels of the photo for each pixel of the map that the network draws. Smaller is finer, and more work.",
  waits: "The share of the time in which the computing waited for photos to be read. Up to a few percent nothing is lost.",
  computes: "How exactly numbers are computed: fp32 is full precision; bf16 and fp16 are half of it, which is faster and seldom less good.",
  // figures
  iou: "IoU, intersection over union: of all pixels that are of a class or were called so, the share that are both. 100 % is perfect.",
  miou: "The mean over all classes of their IoU: of all pixels that are of a class or were called so, the share that are both. Small classes count as much as large ones.",
  pa: "The share of all labelled pixels that were called right. Large classes decide it: a sky found well hides lost bicycles.",
  ma: "The mean over all classes of the share of their pixels that were found.",
  fwiou: "The mean of the classes' IoU in which each counts by how many pixels it has.",
  precision: "Of the pixels that were called a class, the share that are of it. Low: it is seen where it is not.",
  recall: "Of the pixels that are of a class, the share that were called so. Low: it is overlooked.",
  f1: "Precision and recall in one figure, which is low as soon as one of them is.",
  boundary_f1: "How well the outlines of the classes are met: precision and recall of the boundary pixels in one figure. Within 0.75 % of the photo's diagonal is a hit.",
  boundary_iou: "IoU of two strips along the outlines alone, 2 % of the photo's diagonal wide. Large areas that are right do not help here.",
  iiou: "Instance-weighted IoU: each object counts as much as any other of its class, so that a car far away matters as one that fills the photo. It needs labels that tell objects apart.",
  ece: "Expected calibration error: by how much the confidence differs from how often it is right, on average. 0 is best: 90 % sure is then right in 90 %.",
  auc: "Area below the ROC curve, mean over the classes: how often a pixel of the class gets a higher probability for it than one that is not. 50 % is chance, 100 % is perfect.",
  ap: "Area below the precision-recall curve: high only if a class is found without calling much else so. Rare classes have it hard.",
  mapping: "Which class of the model counts as which class of the photos, where the two are not called the same.",
  // another domain
  brightness: "The mean grey level of a photo, 0 is black and 255 white.",
  contrast: "How far the grey levels of a photo are from their mean, usually: the standard deviation.",
  colour: "How far the pixels of a photo are from grey: the mean chroma in CIE L*a*b*.",
  warmth: "From blue, below 0, to yellow: the mean b* in CIE L*a*b*.",
  sharpness: "The variance of the Laplacian, which fine edges and noise raise and blur and darkness lower. All photos are measured at one size.",
  frechet: "How far two clouds of points lie apart: their middles, and their shapes. It has no unit, so beside it stands what chance gives.",
  delta: "Cliff's delta, from −1 to +1: of all pairs of one there and one at home, how many more have the larger one there than at home. 0 is no difference; at ±1 every one there is larger, or smaller, than every one at home.",
  adabn: "The network keeps a memory of how bright and contrasty its training photos were. AdaBN, adaptive batch normalisation, replaces it by that of these photos. It learns nothing else, and needs no label.",
  tent: "TENT trains a few numbers of the network, the scale and shift of each of its channels, on these photos until it is surer of them. It needs no label, but may become sure of what is wrong.",
  histogram: "Each photo is given the light and tint of home before the network sees it: its colour channels are stretched until they spread as those of home's photos do.",
  fourier: "Low-frequency style: the coarsest part of a photo, its light and its large soft gradients, is replaced by that of home's photos. Edges and texture stay.",
  looks: "The network looks at each photo several times, smaller, larger and mirrored, and the mean of it all decides. It takes several times as long.",
  atc: "Average thresholded confidence: an estimate from how sure the network is. At home a confidence is found that as many pixels exceed as are right; the share that exceeds it here is the estimate. It is too high where the network is sure and wrong.",
  entropy: "How unsure the network is of a pixel, or on average of a photo: 0 % if it knows one class only, 100 % if all are equally likely to it.",
  // use
  crf: "A dense CRF moves the borders of the prediction to edges of the photo. It takes some seconds a photo.",
};
const GAP = 6; // px between a word and what is told of it, and the least to the edge of the window
const REST = 150; // ms in which the pointer may get from one to the other

let shown = null; // {element, note}
let leaving = 0;

export function term(word, text, more = "") {
  if (!document.getElementById(idOf(word))) begin(word);
  return h("span", { class: "wb-term", tabindex: 0, role: "button", "aria-describedby": idOf(word), dataset: { word, more } }, text);
}

function idOf(word) {
  return `wb-word-${word}`;
}

// What is told of a word has one place in the page. It lies on top of everything, and no box cuts it off.
function begin(word) {
  if (!document.querySelector(".wb-word")) listen();
  document.body.append(h("div", { id: idOf(word), class: "wb-word", role: "tooltip", popover: "manual" }, WORDS[word]));
}

function listen() {
  const termAt = (event) => event.target.closest?.(".wb-term");
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return; // a finger taps
    const element = termAt(event);
    if (element) show(element);
    else if (shown && !shown.note.contains(event.target)) leave();
    else clearTimeout(leaving);
  });
  document.addEventListener("focusin", (event) => {
    const element = termAt(event);
    if (element?.matches(":focus-visible")) show(element);
    else if (!element) hide();
  });
  document.addEventListener("click", (event) => {
    const element = termAt(event);
    if (!element) return shown?.note.contains(event.target) || hide();
    event.preventDefault(); // what it is the name of, a field or a fold, stays as it is
    show(element);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && shown) {
      event.preventDefault(); // a dialog stays open
      event.stopPropagation();
      hide();
    } else if (["Enter", " "].includes(event.key) && termAt(event) === event.target) {
      event.preventDefault();
      show(event.target);
    }
  }, true);
}

function show(element) {
  clearTimeout(leaving);
  if (shown?.element === element) return;
  hide();
  const { word, more } = element.dataset;
  const note = document.getElementById(idOf(word));
  note.textContent = [more, WORDS[word]].filter(Boolean).join(" ");
  shown = { element, note };
  note.showPopover();
  stay(shown);
}

function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => { if (!shown?.element.matches(":focus-visible")) hide(); }, REST);
}

function hide() {
  clearTimeout(leaving);
  shown?.note.hidePopover();
  shown = null;
}

// Beside its word, whatever moves below it: scrolling, another size, a table that is drawn anew.
function stay(now) {
  if (now !== shown) return;
  const { element, note } = now;
  const at = element.getBoundingClientRect();
  if (!element.isConnected || !at.width || at.bottom < 0 || at.top > innerHeight) return hide();
  const { offsetWidth: width, offsetHeight: height } = note;
  const right = document.documentElement.clientWidth - width - GAP;
  const below = at.bottom + GAP;
  note.style.left = `${Math.max(GAP, Math.min(at.left, right))}px`;
  note.style.top = `${below + height + GAP > innerHeight ? Math.max(GAP, at.top - height - GAP) : below}px`;
  requestAnimationFrame(() => stay(now));
}
