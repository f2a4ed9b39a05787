// The hint: what it says, its handles on the plan and its fields, which all show the same.

import { CHI_95, distance, element } from "./plan.js";

const $ = (id) => document.getElementById(id);
const LEAST_SIGMA_M = 0.01, MOST_SIGMA_M = 1e5;

export class HintControl {
  constructor(plan, scene, changed) {
    Object.assign(this, { plan, scene, changed });
    const [left, bottom, right, top] = scene.bounds_m, size = Math.max(right - left, top - bottom);
    this.at = [(left + right) / 2, (bottom + top) / 2];
    this.sigma_m = rounded(size / 20);
    this.third = { known: scene.needs_hint, value: rounded(scene.third_m), sigma_m: rounded(Math.max(size / 40, 0.5)) };
    this.heading = { known: false, deg: 0, sigma_deg: 10 };
    this.hasHeading = String(scene.plane) === "0,1";
    this.used = scene.needs_hint;
    this.group = element("g", { class: "of-hint", id: "hint-mark" }, plan.marks);
    this.build();
    this.name();
    this.listen();
    this.show();
  }

  // The fields of POST /locate
  fields() {
    if (!this.used) return {};
    const found = {}, position = [0, 0, 0], sigmas = ["inf", "inf", "inf"], third = 3 - this.scene.plane[0] - this.scene.plane[1];
    this.scene.plane.forEach((axis, i) => { position[axis] = this.at[i]; sigmas[axis] = this.sigma_m; });
    if (this.third.known) {
      position[third] = this.scene.has_ground ? 0 : this.third.value;
      sigmas[third] = this.third.sigma_m;
      if (this.scene.has_ground) found.height_above_ground_m = this.third.value;
    }
    Object.assign(found, { position_m: position.join(), sigma_m: sigmas.join() });
    if (this.hasHeading && this.heading.known) {
      Object.assign(found, { heading_deg: this.heading.deg, sigma_r_deg: this.heading.sigma_deg });
    }
    return found;
  }

  corners() { // of its ellipse
    const reach = CHI_95 * this.sigma_m;
    return this.used ? [-reach, reach].map((off) => this.at.map((part) => part + off)) : [];
  }

  build() {
    const handle = (id, label) => {
      const made = element("g", { class: "handle", id, tabindex: 0, role: "slider", "aria-label": label }, this.group);
      element("circle", { class: "reach", r: 22 }, made);
      element("circle", { class: "ring", r: 14 }, made);
      element("circle", { class: "grip", r: 8 }, made);
      return made;
    };
    this.halo = element("circle", { class: "halo" }, this.group);
    this.outline = element("circle", { class: "outline", id: "hint-outline" }, this.group);
    this.stalk = element("path", { class: "arrow" }, this.group);
    this.size = handle("hint-size", "Standard deviation of the hint");
    this.turn = handle("hint-turn", "Heading of the hint");
    this.middle = handle("hint-middle", "Position of the hint");
    this.middle.setAttribute("aria-roledescription", "point on the map");
    drag(this.middle, this.plan, (now, start) => this.set({ at: this.plan.metres([now[0] + start.off[0], now[1] + start.off[1]]) }),
      (at) => ({ off: difference(this.plan.px(this.at), at) }));
    drag(this.size, this.plan, (now, start) => this.set({ sigma_m: start.sigma_m * distance(now, this.plan.px(this.at)) / start.far }),
      (at) => ({ sigma_m: this.sigma_m, far: Math.max(distance(at, this.plan.px(this.at)), 4) }));
    drag(this.turn, this.plan, (now) => {
      const [right, down] = difference(now, this.plan.px(this.at));
      this.setHeading({ deg: (Math.atan2(right, -down) * 180 / Math.PI + 360) % 360 });
    }, () => ({}));
  }

  name() {
    const [first, second, third] = this.scene.axes, height = this.scene.has_ground ? "Height above ground" : third === "up" ? "Height (up)" : third;
    $("u-label").innerHTML = `${first} <small>m</small>`;
    $("v-label").innerHTML = `${second} <small>m</small>`;
    $("third-label").textContent = `${height} is known`;
    $("third-value-label").innerHTML = `${height} <small>m</small>`;
    $("north").textContent = second;
    $("heading-part").hidden = !this.hasHeading;
    $("use").disabled = this.scene.needs_hint || !this.scene.takes_hints;
    $("third-known").disabled = this.scene.has_ground;
    const note = !this.scene.takes_hints ? "This localizer was trained without hints and would ignore one."
      : this.scene.needs_hint ? "Over a map, a hint of the position is needed: the map is searched around it." : "";
    $("hint-note").textContent = note;
    $("hint-note").hidden = !note;
  }

  listen() {
    const number = (id, take) => $(id).addEventListener("input", (event) => {
      if (event.target.value !== "" && event.target.validity.valid) take(Number(event.target.value), event.target);
    });
    $("use").addEventListener("change", (event) => this.set({ used: event.target.checked }));
    number("u", (value, field) => this.set({ at: [value, this.at[1]] }, field));
    number("v", (value, field) => this.set({ at: [this.at[0], value] }, field));
    number("sigma", (value, field) => this.set({ sigma_m: value }, field));
    number("sigma-slide", (value, field) => this.set({ sigma_m: rounded(10 ** value) }, field));
    number("third", (value, field) => this.setThird({ value }, field));
    number("third-sigma", (value, field) => this.setThird({ sigma_m: value }, field));
    number("heading", (value, field) => this.setHeading({ deg: value % 360 }, field));
    number("heading-slide", (value, field) => this.setHeading({ deg: value }, field));
    number("heading-sigma", (value, field) => this.setHeading({ sigma_deg: value }, field));
    $("third-known").addEventListener("change", (event) => this.setThird({ known: event.target.checked }));
    $("heading-known").addEventListener("change", (event) => this.setHeading({ known: event.target.checked }));
    this.group.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) { // arrows move; + and - change the size; on the other handles, arrows change what they stand for
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    const sign = { "+": 1, "=": 1, "-": -1 }[event.key] ?? (steps ? steps[0] + steps[1] : 0);
    if (!sign) return;
    event.preventDefault();
    const far = (event.shiftKey ? 40 : 4) / this.plan.px_per_m;
    if (event.target === this.turn) this.setHeading({ deg: (this.heading.deg + sign * (event.shiftKey ? 15 : 1) + 360) % 360 });
    else if (event.target === this.size || !steps) this.set({ sigma_m: this.sigma_m * (event.shiftKey ? 1.5 : 1.05) ** sign });
    else this.set({ at: [this.at[0] + far * steps[0], this.at[1] + far * steps[1]] });
  }

  setThird(change, field) { this.set({ third: { ...this.third, ...change } }, field); }

  setHeading(change, field) { this.set({ heading: { ...this.heading, ...change } }, field); }

  set(change, field = null) {
    Object.assign(this, change);
    this.sigma_m = Math.min(Math.max(this.sigma_m, LEAST_SIGMA_M), MOST_SIGMA_M);
    this.show(field);
    this.changed();
  }

  show(typed = null) { // not over what is just being typed
    const put = (id, value) => { if ($(id) !== typed) $(id).value = value; };
    const [first, second] = this.scene.axes, digits = decimals(1 / this.plan.px_per_m);
    $("use").checked = this.used;
    $("hint-fields").disabled = !this.used;
    put("u", this.at[0].toFixed(digits));
    put("v", this.at[1].toFixed(digits));
    put("sigma", rounded(this.sigma_m));
    put("sigma-slide", Math.log10(this.sigma_m));
    put("third", this.third.value);
    put("third-sigma", this.third.sigma_m);
    put("heading", rounded(this.heading.deg));
    put("heading-slide", Math.round(this.heading.deg));
    put("heading-sigma", this.heading.sigma_deg);
    $("third-known").checked = this.third.known;
    $("third-fields").hidden = !this.third.known;
    $("heading-known").checked = this.heading.known;
    $("heading-fields").hidden = !this.heading.known;
    this.middle.setAttribute("aria-valuetext", `${first} ${this.at[0].toFixed(digits)} m, ${second} ${this.at[1].toFixed(digits)} m`);
    this.size.setAttribute("aria-valuetext", `${rounded(this.sigma_m)} m`);
    this.turn.setAttribute("aria-valuetext", `${Math.round(this.heading.deg)} degrees`);
    const now = [[this.middle, this.at[0]], [this.size, this.sigma_m], [this.turn, this.heading.deg]];
    for (const [handle, value] of now) handle.setAttribute("aria-valuenow", rounded(value));
    this.draw();
  }

  draw() {
    this.group.setAttribute("display", this.used ? "inline" : "none");
    const [x, y] = this.plan.px(this.at), r = CHI_95 * this.sigma_m * this.plan.px_per_m;
    for (const circle of [this.halo, this.outline]) for (const [key, value] of Object.entries({ cx: x, cy: y, r })) circle.setAttribute(key, value);
    const place = (handle, angle, far) => handle.setAttribute("transform",
      `translate(${x + far * Math.sin(angle)} ${y - far * Math.cos(angle)})`);
    const [width, height] = this.plan.size, reach = Math.max(Math.min(r, width / 2 - 20, height / 2 - 20), 26);
    const heading = this.heading.deg * Math.PI / 180, aside = this.heading.known ? heading + Math.PI / 2 : Math.PI / 2;
    place(this.middle, 0, 0);
    place(this.size, aside, reach);
    place(this.turn, heading, reach + 30);
    const turns = this.hasHeading && this.heading.known;
    for (const part of [this.turn, this.stalk]) part.setAttribute("display", turns ? "inline" : "none");
    this.stalk.setAttribute("d", `M${x} ${y}L${x + (reach + 30) * Math.sin(heading)} ${y - (reach + 30) * Math.cos(heading)}`);
  }
}

function drag(handle, plan, move, begin) {
  let start = null;
  handle.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.stopPropagation();
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    start = begin(plan.at(event));
  });
  handle.addEventListener("pointermove", (event) => { if (start) move(plan.at(event), start); });
  for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => { start = null; });
}

function difference(a, b) { return [a[0] - b[0], a[1] - b[1]]; }

export function rounded(value) { return Number(value.toPrecision(3)); }

export function decimals(step) { return Math.min(Math.max(Math.ceil(-Math.log10(step)), 0), 3); }
