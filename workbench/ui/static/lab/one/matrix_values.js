// What stands in the cells of a confusion matrix, and how strongly they are coloured.
//
// new MatrixValues({labels: {truth: [...], predicted: [...]}, counts: [[...]], mode, mistakes, order})
//   mode: "truth" (shares of the row), "prediction" (shares of the column) or "pixels"; mistakes: the diagonal is left out
//   order: places of the classes as they stand below one another

import { exact, isolated, percent } from "../../dom.js";

export const MODES = [["truth", "% of the truth"], ["prediction", "% of the prediction"], ["pixels", "pixels"]];
export const HUES = { right: [26, 152, 80], wrong: [215, 48, 39] };
const [FAINTEST, STRONGEST] = [0.12, 0.8]; // opacity of a cell that is not empty

export class MatrixValues {
  constructor({ labels, counts, mode, mistakes, order }) {
    Object.assign(this, { labels, counts, mode, mistakes, rows: order });
    const other = labels.truth.length;
    this.truth = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
    this.predicted = labels.predicted.map((_, m) => counts.reduce((sum, row) => sum + row[m], 0));
    // The column `other` is worth its width only where something lies in it.
    this.columns = this.predicted[other] ? [...order, other] : order;
    this.most = mistakes || mode === "pixels" ? this.largest() : 1;
  }

  largest() {
    let most = 0;
    this.counts.forEach((row, t) => row.forEach((_, m) => { most = Math.max(most, this.value(t, m) ?? 0); }));
    return most;
  }

  // A share, 0..1, or a count; null where it is not defined.
  value(t, m) {
    const count = this.counts[t][m];
    if (this.mistakes && t === m) return null;
    if (this.mode === "pixels") return count;
    const all = this.mode === "truth" ? this.truth[t] : this.predicted[m];
    return all ? count / all : null;
  }

  // Opacity of a cell, 0..1. The root, and the logarithm of counts, let what is small be seen beside what is large.
  opacity(t, m) {
    const value = this.value(t, m);
    if (!value) return 0;
    const level = this.mode === "pixels" ? Math.log1p(value) / Math.log1p(this.most) : Math.sqrt(value / this.most);
    return FAINTEST + (STRONGEST - FAINTEST) * level;
  }

  text(t, m) {
    const value = this.value(t, m);
    if (!value) return "";
    if (this.mode === "pixels") return compact(value);
    return value < 0.005 ? "<1" : percent(value, 0);
  }

  // Everything about a cell, for those who cannot see where it is and for those who do.
  sentence(t, m) {
    const { labels, counts } = this;
    const [truth, predicted] = [isolated(labels.truth[t]), isolated(labels.predicted[m])];
    const share = (all, text) => (all ? `, ${told(counts[t][m] / all)} ${text}` : "");
    return `truth ${truth}, predicted ${predicted}: ${exact(counts[t][m])} pixels`
      + share(this.truth[t], `of the truth ${truth}`) + share(this.predicted[m], `of what was predicted ${predicted}`);
  }

  // Is a class in the truth, or at least predicted?
  isPresent(index) {
    return Boolean(this.truth[index] || this.predicted[index]);
  }

  // Where most went wrong: [{t, m, pixels, share}], by `pixels` or by `share` of the true class.
  mistakenMost(by, most) {
    const found = this.counts.flatMap((row, t) => row.flatMap((pixels, m) => (t === m || !pixels ? [] : [{ t, m, pixels, share: pixels / this.truth[t] }])));
    return found.sort((a, b) => b[by] - a[by] || b.pixels - a.pixels).slice(0, most);
  }
}

export function told(share) {
  if (share > 0 && share < 0.001) return "under 0.1 %";
  return `${percent(share)} %`;
}

// 1234567 -> "1.2M": what a cell has room for.
function compact(count) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (count >= size) return `${(count / size).toFixed(count < 10 * size ? 1 : 0)}${unit}`;
  }
  return String(count);
}
