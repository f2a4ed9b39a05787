"use strict";
// Draws the figures that Python made in the colors of the page, and links them: a group of frames, a method and a
// frame are selected for all of them at once.
const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false };
const POSITIONS = ["map", "scene"];
const state = { group: "all", method: 0, frame: 0, order: [] };
let data;

async function unpack(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function length(metres) {
  if (metres === null) return "no answer";
  if (metres < 1) return `${(100 * metres).toFixed(1)} cm`;
  return metres < 10 ? `${metres.toFixed(2)} m` : `${metres.toFixed(0)} m`;
}
const angle = (degrees) => (degrees === null ? "" : `${degrees.toFixed(degrees < 1 ? 2 : 1)}°`);
const errors = (line, frame) => `${length(line.t[frame])}, ${angle(line.r[frame])}`;

// ---- plots

function template() {
  const style = getComputedStyle(document.documentElement);
  const [ink, rule] = ["--ink", "--rule"].map((name) => style.getPropertyValue(name).trim());
  const axis = { gridcolor: rule, linecolor: rule, zerolinecolor: rule, automargin: true };
  return {
    layout: {
      font: { color: ink, size: 13, family: getComputedStyle(document.body).fontFamily },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, dragmode: false,
      margin: { l: 56, r: 12, t: 12, b: 48 }, height: 400, hovermode: "closest",
      colorway: [ink], xaxis: axis, yaxis: axis, scene: { xaxis: axis, yaxis: axis, zaxis: axis },
    },
  };
}

function draw(id) {
  const figure = data.figures[id][state.group] ?? data.figures[id][""];
  const shown = new Set(all("[name=line]:checked").map((box) => data.lines[box.value].title));
  const traces = figure.data.map((trace) => ({
    ...trace, visible: !trace.meta || trace.meta.some((title) => shown.has(title)),
  }));
  if (POSITIONS.includes(id)) fill(id, traces);
  const layout = { ...figure.layout, template: template(), uirevision: "kept" };
  if (id === "map") layout.height = Math.min(680, 60 + byId(id).clientWidth * layout.meta.aspect);
  return Plotly.react(id, traces, layout, CONFIG);
}
const drawAll = () => Promise.all(Object.keys(data.figures).map(draw));

// The empty traces of a figure of positions: training, true, the way to the answers, the chosen frame.
function fill(id, traces) {
  const { true: truth, train, answers, sequence } = data.positions;
  const answer = answers[state.method];
  const rows = data.groups[state.group];
  const breaks = (i, n) => sequence && n && sequence[i] !== sequence[rows[n - 1]];
  const path = (of) => rows.flatMap((i, n) => (breaks(i, n) ? [null, of(i)] : [of(i)]));
  ["x", "y", "z"].slice(0, id === "map" ? 2 : 3).forEach((axis, a) => {
    traces[0][axis] = train[a];
    traces[1][axis] = path((i) => truth[a][i]);
    traces[2][axis] = rows.flatMap((i) => [truth[a][i], answer[a][i], null]);
    traces[3][axis] = [truth[a][state.frame], answer[a][state.frame]];
  });
  traces[1].customdata = path((i) => i);
  if (!sequence) traces[1].mode = "markers";
  if (id === "map" && byId(id).clientWidth < 600) traces[1].marker = { ...traces[1].marker, size: 3 };
  traces[2].line = { ...traces[2].line, color: data.lines[state.method].colour };
}

// ---- frames

function picture(kind, name) {
  const uri = data.pictures[kind][name];
  if (uri) return make("img", { src: uri, alt: kind === "query" ? `frame ${name}` : `training image ${name}` });
  const why = uri === null ? "image file not found when this report was written" : "this report has no picture of this frame";
  return make("div", { className: "none", textContent: why });
}

function setMethod(method) {
  state.method = method;
  all("select.method").forEach((select) => (select.value = method));
  const line = data.lines[method];
  const error = (i) => line.t[i] ?? Infinity;
  state.order = [...line.t.keys()].sort((a, b) => error(b) - error(a) || a - b);
  byId("frame").replaceChildren(...state.order.map((i) =>
    make("option", { value: i, textContent: `${data.frames.name[i]}: ${errors(line, i)}` })));
  byId("gallery").replaceChildren(...Object.entries(line.picks).map(([kind, rows]) =>
    make("div", {}, make("h3", { textContent: kind }), make("ul", {}, ...rows.map((i) => make("li", {}, thumbnail(line, i)))))));
}

function thumbnail(line, i) {
  const button = make("button", { type: "button", onclick: () => setFrame(i) }, picture("query", data.frames.name[i]), errors(line, i));
  button.dataset.frame = i;
  return button;
}

function setFrame(frame) {
  state.frame = frame;
  byId("frame").value = frame;
  all("#gallery button").forEach((button) => button.setAttribute("aria-pressed", Number(button.dataset.frame) === frame));
  const { name, tags, neighbour } = data.frames;
  byId("query").replaceChildren(picture("query", name[frame]));
  byId("query-caption").textContent = ["Frame " + name[frame], tags[frame]].filter(Boolean).join(", ");
  byId("neighbour").replaceChildren(picture("train", neighbour[frame]));
  byId("neighbour-caption").textContent = neighbour[frame] ? "Most similar training image: " + neighbour[frame] : "";
  [...byId("errors").rows].forEach((row, n) => {
    row.cells[1].textContent = length(data.lines[n].t[frame]);
    row.cells[2].textContent = angle(data.lines[n].r[frame]);
  });
  return Promise.all(POSITIONS.filter(byId).map(draw));
}

function step(by) {
  const place = state.order.indexOf(state.frame) + by;
  setFrame(state.order[Math.min(Math.max(place, 0), state.order.length - 1)]);
}

// ---- table

function sort(header) {
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  all("#table thead th").forEach((other) => other.setAttribute("aria-sort", "none"));
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const number = (text) => (text === "inf" ? Infinity : Number(text)); // inf: no answer, or an empty cell
  const value = (row) => number(row.cells[header.cellIndex].dataset.value);
  all("#table tbody").forEach((body) =>
    body.append(...[...body.rows].sort((a, b) => (ascending ? 1 : -1) * (value(a) - value(b) || 0))));
}

// ---- start

function listen() {
  all("#table thead button").forEach((button) => (button.onclick = () => sort(button.parentElement)));
  all("[name=line]").forEach((box) => (box.onchange = drawAll));
  all("select.method").forEach((select) => (select.onchange = () => { setMethod(Number(select.value)); setFrame(state.frame); }));
  byId("controls").onsubmit = (event) => event.preventDefault();
  byId("frame").onchange = (event) => setFrame(Number(event.target.value));
  byId("worse").onclick = () => step(-1);
  byId("better").onclick = () => step(1);
  if (byId("group")) byId("group").onchange = (event) => {
    state.group = event.target.value;
    all("#table tbody").forEach((body) => (body.hidden = body.dataset.group !== state.group));
    drawAll();
  };
  all("[data-eye]").forEach((button) => (button.onclick = () => {
    const [x, y, z] = button.dataset.eye.split(",").map(Number);
    Plotly.relayout("scene", { "scene.camera": { eye: { x, y, z }, up: { x: 0, y: z > 2 ? 1 : 0, z: z > 2 ? 0 : 1 } } });
  }));
  POSITIONS.filter(byId).forEach((id) => byId(id).on("plotly_click", ({ points }) => {
    const frame = points[0].customdata;
    if (Number.isInteger(frame)) setFrame(frame);
  }));
  const pad = () => (document.documentElement.style.scrollPaddingTop = `${byId("controls").offsetHeight}px`);
  window.addEventListener("resize", pad);
  pad(); // so that the sticky bar does not hide the headings that links lead to
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  const print = (on) => { document.documentElement.classList.toggle("print", on); drawAll(); };
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
}

async function start() {
  if (!("DecompressionStream" in window)) throw new Error("this browser is too old to unpack the plots; use a version from 2023 or later");
  document.head.append(make("script", { textContent: await unpack("plotly") }));
  data = JSON.parse(await unpack("data"));
  setMethod(Math.max(0, data.lines.findLastIndex((line) => line.non_oracle)));
  state.frame = state.order[0];
  await drawAll();
  await setFrame(state.frame);
  listen();
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView(); // the plots have moved it
  document.documentElement.dataset.ready = "yes";
}
start().catch((error) => {
  byId("message").hidden = false;
  byId("message").textContent = `Plots and pictures are missing: ${error.message}`;
  throw error;
});
