// What was answered: marks on the plan, a table, and one sentence on what the hint was worth.

import { drawPose, element } from "./plan.js";

const $ = (id) => document.getElementById(id);
const MINUS = "\u2212", NARROW = "\u00a0"; // a minus sign, and a space where no line ends
const LEAST_WEIGHT = 0.01; // of a place that is shown beside the answer
const LITTLE = 1.1; // times narrower, which is no difference that anybody would notice

export class AnswerView {
  constructor(plan, scene) {
    Object.assign(this, { plan, scene, found: null });
    this.alone = element("g", { class: "of-alone", id: "alone-mark" }, plan.marks);
    this.modes = element("g", { class: "of-answer of-mode", id: "mode-marks" }, plan.marks);
    this.mark = element("g", { class: "of-answer", id: "answer-mark" }, plan.marks);
    $("first-axis").innerHTML = `${scene.axes[0]} <small>m</small>`;
    $("second-axis").innerHTML = `${scene.axes[1]} <small>m</small>`;
  }

  show(found) {
    this.found = found;
    this.stale(false);
    for (const id of ["poses", "poses-note", "details"]) $(id).hidden = false;
    $("status").hidden = false;
    $("status").textContent = found.status;
    $("status").className = `chip ${found.status.split(" ")[0]}`;
    $("verdict").textContent = this.verdict();
    this.row("row-hint", "Hint", found.hint);
    this.row("row-answer", "Answer", found);
    this.row("row-alone", "Without hint", found.without_hint);
    $("row-hint").hidden = !found.hint;
    $("row-alone").hidden = !found.without_hint;
    this.list();
    this.draw();
  }

  stale(is) {
    for (const part of [this.mark, this.modes, this.alone, $("poses"), $("more")]) part.classList.toggle("stale", is);
  }

  draw() {
    const { found, plan } = this;
    if (!found) return;
    const other = this.others(), numbered = other.length > 0;
    drawPose(this.mark, plan, { at: this.at(found), ellipse: found.ellipse_95, pointer: found.pointer, label: numbered ? "1" : "" });
    this.modes.replaceChildren();
    other.forEach((mode, i) => {
      const group = element("g", { opacity: 0.45 + 0.55 * mode.weight }, this.modes);
      drawPose(group, plan, { at: this.at(mode), ellipse: mode.ellipse_95, pointer: null, label: String(i + 2) });
    });
    this.alone.replaceChildren();
    const alone = found.without_hint;
    if (alone) drawPose(this.alone, plan, { at: this.at(alone), ellipse: alone.ellipse_95, pointer: null, label: "" });
  }

  others() { return this.found.modes.slice(1).filter((mode) => mode.weight >= LEAST_WEIGHT); }

  // Corners of what is drawn, for the view that shows it
  corners() {
    if (!this.found) return [];
    return [this.found, ...this.others(), this.found.without_hint].filter(Boolean).flatMap((place) => {
      const reach = place.ellipse_95?.semi_axes_m[0] ?? 0;
      return [-reach, reach].map((off) => this.at(place).map((part) => part + off));
    });
  }

  at(place) { return this.scene.plane.map((axis) => place.position_m[axis]); }

  // Standard deviation per axis of the plan: the root mean square of both
  sigma(place) {
    const sigmas = this.scene.plane.map((axis) => place?.sigma_m[axis] ?? null);
    return sigmas.includes(null) ? null : Math.hypot(...sigmas) / Math.SQRT2;
  }

  verdict() {
    const { found } = this, { hint, without_hint: alone } = found;
    const [answer, told, free] = [this.sigma(found), this.sigma(hint), alone ? this.sigma(alone) : null];
    if (!hint) return `From the image alone: ±${NARROW}${metres(answer)}. ${doubt(found)}`;
    if (found.started_from === "ignored") return `This localizer was trained without hints: the hint changes nothing. ±${NARROW}${metres(answer)}.`;
    if (found.started_from === "contradicted") {
      return `The image contradicts the hint, which was left out. The answer is ±${NARROW}${metres(answer)}, from the image alone.`;
    }
    if (found.fits_map === false) return `The image does not fit the map around the hint, so the answer is only the hint: ±${NARROW}${metres(answer)}.`;
    if (found.landmarks === 0) return `Too few landmarks agree, so the answer is only what it started from: ±${NARROW}${metres(answer)}.`;
    const stated = told === null ? "The hint knows no position" : `Hint ±${NARROW}${metres(told)}`;
    const parts = [`${stated}, answer ±${NARROW}${metres(answer)}${free === null ? "" : `, without the hint ±${NARROW}${metres(free)}`}.`];
    if (told !== null && told / answer < LITTLE) parts.push("The answer knows hardly more than the hint: the image added little.");
    else if (free !== null && free / answer < LITTLE) parts.push("The hint was worth little: the image alone says as much.");
    else {
      const than = [[told, "the hint"], [free, "the image alone"]].filter(([sigma]) => sigma !== null);
      parts.push(`The answer is ${than.map(([sigma, what]) => `${times(sigma / answer)} narrower than ${what}`).join(", and ")}.`);
    }
    if (alone) {
      const off = Math.hypot(...this.at(found).map((part, i) => part - this.at(alone)[i]));
      parts.push(`The hint moved it by ${metres(off)}.`);
    }
    return [...parts, doubt(found)].join(" ");
  }

  row(id, name, place) {
    const cells = place ? this.cells(place) : ["–", "–", "–", "–"];
    const header = document.createElement("th"), swatch = document.createElement("span");
    header.scope = "row";
    swatch.className = "swatch";
    header.append(swatch, name);
    $(id).replaceChildren(header, ...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  }

  cells(place) {
    const sigma = this.sigma(place), [u, v] = this.at(place), known = this.scene.plane.map((axis) => place.sigma_m[axis] !== null);
    const turn = place.sigma_heading_deg;
    return [
      known[0] ? short(u, sigma) : "–",
      known[1] ? short(v, sigma) : "–",
      sigma === null ? "–" : digits(sigma),
      turn === null || turn > 100 ? "–" : `${Math.round(place.heading_deg) % 360} ±${NARROW}${digits(turn)}°`,
    ];
  }

  list() {
    const { found, scene } = this, third = 3 - scene.plane[0] - scene.plane[1], sigma = found.sigma_m[third];
    const rows = [[scene.axes[2], `${short(found.position_m[third], sigma)} ±${NARROW}${digits(sigma)} m`]];
    if (found.latitude !== null) rows.push(["latitude, longitude", `${found.latitude.toFixed(6)}, ${found.longitude.toFixed(6)}`]);
    if (found.altitude !== null) {
      const above = found.altitude_above === "unknown" ? "" : ` above the ${found.altitude_above}`;
      rows.push(["altitude", `${short(found.altitude, sigma)} m${above}`]);
    }
    if (found.ellipse_95) rows.push(["95 % ellipse, half axes", `${found.ellipse_95.semi_axes_m.map(digits).join(" × ")} m`]);
    rows.push(["started from", found.started_from]);
    if (found.landmarks !== null) rows.push(["landmarks that agree", found.landmarks]);
    if (found.fits_map !== null) rows.push(["fits the map", found.fits_map ? "yes" : "no"]);
    rows.push(["computed in", `${digits(found.time_ms)} ms${found.cached ? ", image known" : ""}`]);
    $("more").replaceChildren(...rows.flatMap(([name, text]) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    ]));
    const shown = [found.modes[0], ...this.others()];
    $("modes").hidden = shown.length < 2;
    $("modes").replaceChildren(...shown.map((mode) => Object.assign(document.createElement("li"), {
      textContent: `${Math.round(100 * mode.weight)} %: ${this.at(mode).map((part) => short(part, sigma)).join(", ")} m`,
    })));
  }
}

function doubt(found) {
  return { ok: "", uncertain: "It is less certain than nearly all images that it was tested with.",
    "outside the map": "It is unlike all training images: perhaps another place." }[found.status];
}

function digits(value) { return value === null ? "unknown" : value >= 99.5 ? value.toFixed(0) : String(Number(value.toPrecision(2))); }

function metres(value) { return value === null ? "unknown" : value >= 9950 ? `${digits(value / 1000)}${NARROW}km` : `${digits(value)}${NARROW}m`; }

function times(factor) { return `${factor >= 9.5 ? factor.toFixed(0) : factor.toFixed(1)} times`; }

function short(value, sigma) { return value.toFixed(sigma !== null && sigma < 0.5 ? 2 : 1).replace("-", MINUS); }
