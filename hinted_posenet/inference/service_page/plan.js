// The scene from above: a view that is moved and zoomed, with marks and handles of the same size at every zoom.

const SVG = "http://www.w3.org/2000/svg";
export const CHI_95 = Math.sqrt(-2 * Math.log(0.05)); // sigmas of the radius that holds 95 % in a plane
const MANY = 300; // training cameras, which get smaller dots
const ROUND = [1, 2, 5];

export function element(name, attributes = {}, parent = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

export class Plan {
  // bounds: [left, bottom, right, top] in metres; drawn: called after each change of the view
  constructor(svg, scene, drawn) {
    Object.assign(this, { svg, scene, drawn });
    this.picture = scene.picture && element("image", { href: scene.picture.url, preserveAspectRatio: "none" }, svg);
    this.cameras = element("path", { class: scene.cameras_m.length > MANY ? "cameras many" : "cameras" }, svg);
    this.marks = element("g", {}, svg);
    this.scale = element("g", { "aria-hidden": "true" }, svg);
    new ResizeObserver(() => this.resize()).observe(svg);
    this.fit();
    this.follow();
  }

  get size() { return [this.svg.clientWidth || 1, this.svg.clientHeight || 1]; }

  fit() {
    this.frame(this.scene.bounds_m, 0.96);
    this.widest = this.px_per_m / 8;
    this.fitted = true;
    this.draw();
  }

  // Shows points, with room around them
  show(points) {
    const [us, vs] = [0, 1].map((i) => points.map((at) => at[i]));
    this.frame([Math.min(...us), Math.min(...vs), Math.max(...us), Math.max(...vs)], 0.6);
    this.fitted = false;
    this.draw();
  }

  frame([left, bottom, right, top], share) {
    const [width, height] = this.size;
    this.center = [(left + right) / 2, (bottom + top) / 2];
    this.px_per_m = share * Math.min(width / Math.max(right - left, 1e-3), height / Math.max(top - bottom, 1e-3));
  }

  resize() { this.fitted ? this.fit() : this.draw(); }

  px([u, v]) {
    const [width, height] = this.size;
    return [width / 2 + (u - this.center[0]) * this.px_per_m, height / 2 - (v - this.center[1]) * this.px_per_m];
  }

  metres([x, y]) {
    const [width, height] = this.size;
    return [this.center[0] + (x - width / 2) / this.px_per_m, this.center[1] - (y - height / 2) / this.px_per_m];
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  zoom(factor, about = this.size.map((side) => side / 2)) {
    const before = this.metres(about);
    this.px_per_m = Math.min(Math.max(this.px_per_m * factor, this.widest), this.widest * 1e5);
    const after = this.metres(about);
    this.center = this.center.map((part, i) => part + before[i] - after[i]);
    this.fitted = false;
    this.draw();
  }

  pan(dx, dy) {
    this.center = [this.center[0] - dx / this.px_per_m, this.center[1] + dy / this.px_per_m];
    this.fitted = false;
    this.draw();
  }

  draw() {
    if (this.picture) {
      const [left, bottom, right, top] = this.scene.picture.bounds_m, [x, y] = this.px([left, top]);
      const size = { x, y, width: (right - left) * this.px_per_m, height: (top - bottom) * this.px_per_m };
      for (const [key, value] of Object.entries(size)) this.picture.setAttribute(key, value);
    }
    this.cameras.setAttribute("d", this.scene.cameras_m.map((at) => `M${this.px(at).map((p) => p.toFixed(1))}h0`).join(""));
    this.drawScale();
    this.drawn();
  }

  drawScale() {
    const [width, height] = this.size, most = Math.min(160, width / 3) / this.px_per_m;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = power * ROUND.filter((digit) => digit * power <= most).at(-1), px = length * this.px_per_m;
    const [first, second] = this.scene.axes, y = height - 16;
    this.scale.replaceChildren();
    element("path", { class: "scale", d: `M16 ${y - 6}v6h${px}v-6` }, this.scale);
    element("text", { x: 24 + px, y: y + 1 }, this.scale).textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
    element("path", { class: "scale", d: `M20 60v-36m-4 6l4-6l4 6M20 60h36m-6-4l6 4l-6 4` }, this.scale);
    element("text", { x: 28, y: 30 }, this.scale).textContent = second;
    element("text", { x: 60, y: 64 }, this.scale).textContent = first;
  }

  follow() { // mouse, touch and wheel on the background
    const down = new Map();
    let moved = 0;
    this.svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(1.0015 ** -event.deltaY, this.at(event));
    }, { passive: false });
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".handle") || event.button) return;
      down.set(event.pointerId, this.at(event));
      if (down.size === 1) moved = 0;
      if (event.pointerType === "mouse") this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (!before) return;
      const now = this.at(event), other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (other) this.zoom(distance(now, other) / Math.max(distance(before, other), 1), other);
      else if (moved > 5) this.pan(now[0] - before[0], now[1] - before[1]);
      down.set(event.pointerId, now);
    });
    this.svg.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
    this.svg.addEventListener("pointerup", (event) => {
      if (down.delete(event.pointerId) && !down.size && moved <= 5) this.picked?.(this.metres(this.at(event)));
    });
  }
}

export function distance(a, b) { return Math.hypot(a[0] - b[0], a[1] - b[1]); }

// Draws a pose into a group: its 95 % ellipse, a dot, an arrow where it heads, and a label.
export function drawPose(group, plan, { at, ellipse, pointer, label }) {
  group.replaceChildren();
  const [x, y] = plan.px(at);
  if (ellipse) {
    const [rx, ry] = ellipse.semi_axes_m.map((axis) => Math.max(axis * plan.px_per_m, 3));
    const shape = { cx: x, cy: y, rx, ry, transform: `rotate(${-ellipse.angle_deg} ${x} ${y})` };
    element("ellipse", { class: "halo", ...shape }, group);
    element("ellipse", { class: "outline", ...shape }, group);
  }
  if (pointer && Math.hypot(...pointer) > 0.5) {
    const d = arrow([x, y], pointer, 40);
    element("path", { class: "halo", d }, group);
    element("path", { class: "arrow", d }, group);
  }
  element("circle", { class: "dot", cx: x, cy: y, r: 7 }, group);
  if (label) element("text", { x: x + 11, y: y - 9 }, group).textContent = label;
}

function arrow([x, y], [right, up], length) {
  const tip = [x + right * length, y - up * length];
  const wing = (side) => [tip[0] - 10 * right + side * 6 * up, tip[1] + 10 * up + side * 6 * right];
  return `M${x} ${y}L${tip}M${wing(1)}L${tip}L${wing(-1)}`;
}
