// The models behind evaluations: how their trainings differ, their learning curves, and what a prediction costs.

import { address, getJson } from "../../api.js";
import { mountCurves } from "../../curves.js";
import { exact, h, name, percent } from "../../dom.js";
import { sample } from "../../look.js";
import { mountPareto } from "../../pareto.js";

const CHARTS = [{ id: "loss", title: "Training loss", log: true }, { id: "miou", title: "Validation mIoU", percent: true }];
const MUCH = 1.15; // faster than the same network: more than measuring again gives
const AXES = [["images_per_second", "against speed"], ["parameters", "against size"]];

export async function mountModels(element, { ids, project, evaluations }) {
  element.replaceChildren(h("p", { class: "wb-hint", role: "status" }, "Loading …"));
  try {
    const found = await getJson(address("/api/evaluations/compare/several/models", { ids: ids.join(",") }));
    const places = new Map(evaluations.map((each) => [each.evaluation, each]));
    const of = (run) => found.models.filter((model) => model.run === run).map(({ evaluation }) => places.get(evaluation).letter).join(", ");
    element.replaceChildren(trainings(found, project, of), curves(found, project, of), costs(found, places));
  } catch (error) {
    element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
  }
}

// What the trainings were asked, where it is not the same; what is always told stands first.
function trainings({ models, runs, settings }, project, of) {
  const without = models.filter(({ run, note }) => run === null || note);
  const notes = without.map(({ evaluation, model, note }) => h("li", {}, `Evaluation ${evaluation}, model `, name(model), `: ${note}`));
  const heads = runs.map((run) => h("th", { scope: "col" }, `${of(run)}: `, h("a", { href: address("/runs", { project, run }) }, `run ${run}`)));
  const row = ({ name: setting, values, same }) => h("tr", { class: same ? "wb-same" : null }, h("th", { scope: "row" }, setting),
    ...values.map((value) => h("td", {}, value === null ? "–" : name(value))), h("td", {}, h("span", { class: "wb-hint wb-verdict" }, same ? "the same" : "differs")));
  const table = runs.length > 0 && h("div", { class: "wb-stuck" }, h("div", { class: "wb-sheet", role: "group", tabindex: 0, "aria-label": "Trainings" }, h("table", { id: "wb-compare-settings" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Training"), ...heads, h("th", {}))), h("tbody", {}, ...settings.map(row)))));
  const one = runs.length === 1 && h("p", { class: "wb-hint" }, `All that have a run come from run ${runs[0]}: nothing of the training differs.`);
  return h("div", {}, h("h3", { class: "wb-part-title" }, "What the trainings were asked"), one, table, notes.length > 0 && h("ul", { class: "wb-notes" }, ...notes));
}

function curves({ runs }, project, of) {
  const [place, legend] = [h("div", {}), h("p", { class: "wb-legend-line" })];
  if (!runs.length) return h("p", { class: "wb-hint" }, "No model here comes from a run of this workbench: there are no learning curves.");
  const fill = async () => {
    const { runs: found } = await getJson(address(`/api/projects/${project}/curves`, { runs: runs.join(",") }));
    const label = ({ run }) => `${of(run)}: run ${run}`;
    const charts = CHARTS.map((chart) => ({ ...chart, series: found.map((run, look) => ({ id: `${chart.id}-${run.run}`, label: label(run), look })) }));
    const shown = mountCurves(place, { charts });
    shown.set(Object.fromEntries(found.flatMap((run) => CHARTS.map(({ id }) => [`${id}-${run.run}`, run[id].step.map((at, i) => [at, run[id].value[i]])]))));
    legend.replaceChildren(...found.map((run, look) => h("span", { class: "wb-key" }, sample(look), ` ${label(run)}`)));
  };
  fill().catch((error) => place.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message)));
  return h("div", {}, h("h3", { class: "wb-part-title" }, "Learning curves"), legend, place, h("p", { class: "wb-hint" }, "Validation mIoU while training is of the validation photos at the size they are trained at; the evaluations' figures are not these."));
}

// mIoU against what a prediction costs. Speeds are as whoever measured them has it, and only those of one kind are in a chart.
function costs({ models }, places) {
  const kinds = [...new Set(models.flatMap(({ speeds }) => speeds.map(({ by }) => by)))];
  const place = h("div", {});
  const pareto = mountPareto(place);
  let [axis, kind] = ["images_per_second", kinds[0]];
  const speedOf = ({ speeds }) => speeds.find(({ by }) => by === kind);
  const rows = () => {
    const points = models.map((model) => ({ model, miou: model.miou, images_per_second: speedOf(model)?.images_per_second ?? null, parameters: model.parameters }));
    const beaten = (point, key, sign) => points.some((other) => other.miou !== null && other[key] !== null && other.miou >= point.miou && sign * other[key] >= sign * point[key] && (other.miou > point.miou || sign * other[key] > sign * point[key]));
    return points.filter(({ miou }) => miou !== null).map((point) => ({
      ...point, architecture: `${places.get(point.model.evaluation).letter}: ${point.model.architecture ?? point.model.model}`, miou: { mean: point.miou, deviation: null },
      frontier: [["images_per_second", 1], ["parameters", -1]].filter(([key, sign]) => point[key] !== null && !beaten(point, key, sign)).map(([key]) => key),
    }));
  };
  const isOneNetworkAtTwoSpeeds = () => models.some((one) => models.some((another) => one.parameters !== null && one.architecture === another.architecture && one.parameters === another.parameters
    && speedOf(one)?.images_per_second > MUCH * speedOf(another)?.images_per_second));
  const warning = h("p", { class: "wb-warn" });
  const show = () => {
    pareto.show(rows(), axis);
    const speeds = models.map(speedOf).filter(Boolean);
    const other = ["device", "precision"].filter((key) => new Set(speeds.map((each) => each[key])).size > 1);
    warning.textContent = axis !== "images_per_second" ? "" : other.length ? `Not measured alike: another ${other.join(" and ")}. Compare such speeds with care.`
      : isOneNetworkAtTwoSpeeds() ? "One network stands here at two speeds: other work ran beside one of them. A bench measures all alike." : "";
  };
  const select = (label, choices, chosen, pick) => {
    const element = h("select", { onchange: () => { pick(element.value); show(); } }, ...choices.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    return h("label", { class: "wb-select" }, `${label} `, element);
  };
  const said = (speed) => (speed ? `${Number(speed.images_per_second.toPrecision(3))}` : "n/a");
  const row = (model) => h("tr", {}, h("th", { scope: "row" }, `${places.get(model.evaluation).letter}: evaluation ${model.evaluation}`), h("td", {}, model.architecture ?? "n/a"), h("td", { class: "wb-number" }, percent(model.miou)),
    h("td", { class: "wb-number" }, model.parameters === null ? "n/a" : exact(model.parameters)),
    ...kinds.flatMap((by) => {
      const speed = model.speeds.find((each) => each.by === by);
      return [h("td", { class: "wb-number" }, said(speed)), h("td", { title: speed?.how }, speed ? `${speed.device}, ${speed.precision}` : "n/a")];
    }));
  const head = (text, number) => h("th", { scope: "col", class: number ? "wb-number" : null }, text);
  show();
  const methods = [...new Map(models.flatMap(({ speeds }) => speeds.map(({ by, how }) => [by, how]))).entries()];
  return h("div", {}, h("h3", { class: "wb-part-title" }, "What accuracy costs"),
    h("div", { class: "wb-bar" }, select("mIoU", AXES, axis, (value) => { axis = value; }), kinds.length > 1 && select("Speed measured by", kinds.map((each) => [each, each]), kind, (value) => { kind = value; })),
    warning, place,
    h("div", { class: "wb-stuck" }, h("div", { class: "wb-sheet", role: "group", tabindex: 0, "aria-label": "Costs" }, h("table", { id: "wb-compare-costs" },
      h("thead", {}, h("tr", {}, head(""), head("Architecture"), head("mIoU %", true), head("Parameters", true), ...kinds.flatMap((by) => [head(`Images/s (${by})`, true), head("On")]))),
      h("tbody", {}, ...models.map(row))))),
    h("ul", { class: "wb-notes" }, ...methods.map(([by, how]) => h("li", {}, name(by), `: ${how}`))));
}
