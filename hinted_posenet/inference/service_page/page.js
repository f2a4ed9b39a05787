// The page: an image goes in, the hint is dragged, and the answer follows. One request at a time; the newest state wins.

import { AnswerView } from "./answer.js";
import { HintControl } from "./hint.js";
import { Plan } from "./plan.js";

const $ = (id) => document.getElementById(id);
const PAUSE_MS = 30, LONG_MS = 250, QUIET_MS = 700, RETRY_MS = 1000;

let image = null; // {file, id}: the id of an image that the service knows
let busy = false, again = false, timer = 0, quiet = 0;
let scene, plan, hint, answer;

async function start() {
  const response = await fetch("scene");
  scene = await response.json();
  $("about").textContent = `${scene.name}: ${scene.needs_hint ? "photos of the ground" : `${scene.cameras_m.length} training cameras`}`
    + `${scene.picture ? " from above" : ", in plan view"}`;
  document.title = `Localize an image: ${scene.name}`;
  if (scene.needs_hint) $("camera-note").textContent = "Left empty, it is taken from the EXIF of the image.";
  plan = new Plan($("plan"), scene, () => { answer?.draw(); hint?.draw(); });
  answer = new AnswerView(plan, scene);
  hint = new HintControl(plan, scene, changed);
  plan.picked = (at) => { if (scene.takes_hints) hint.set({ at, used: true }); };
  $("plan-note").hidden = !scene.takes_hints;
  $("closer").addEventListener("click", () => plan.zoom(1.5));
  $("wider").addEventListener("click", () => plan.zoom(1 / 1.5));
  $("whole").addEventListener("click", () => plan.fit());
  $("near").addEventListener("click", () => {
    const corners = [...hint.corners(), ...answer.corners()];
    if (corners.length) plan.show(corners);
  });
  $("file").addEventListener("change", () => { if ($("file").files[0]) take($("file").files[0]); });
  for (const id of ["focal", "K"]) $(id).addEventListener("change", () => { if (image) { image.id = null; changed(); } });
  for (const name of ["dragover", "dragleave", "drop"]) window.addEventListener(name, dropped);
  document.documentElement.dataset.ready = "yes";
}

function dropped(event) {
  event.preventDefault();
  document.body.classList.toggle("over", event.type === "dragover");
  if (event.type === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
}

function take(file) {
  if (file.size > 1e6 * scene.max_mb) {
    tell(`${file.name} has ${(file.size / 1e6).toFixed(1)} MB, more than the ${scene.max_mb} MB that are taken; shrink it.`);
    return;
  }
  URL.revokeObjectURL($("preview").src);
  image = { file, id: null };
  $("preview").hidden = true;
  $("preview").onload = () => { $("preview").hidden = false; };
  $("preview").src = URL.createObjectURL(file);
  $("preview").alt = `Preview of ${file.name}`;
  $("drop-text").textContent = file.name;
  changed();
}

function changed() {
  if (!image) return;
  again = true;
  document.documentElement.dataset.asking = "yes";
  clearTimeout(timer);
  if (!busy) timer = setTimeout(ask, PAUSE_MS);
}

async function ask() {
  busy = true;
  again = false;
  const long = setTimeout(() => waiting(true), LONG_MS);
  const asked = image, form = new FormData();
  form.append(...(asked.id ? ["image_id", asked.id] : ["image", asked.file]));
  const camera = { focal_px: $("focal").value, K: $("K").value.replaceAll(" ", "") };
  for (const [name, value] of Object.entries({ ...camera, ...hint.fields() })) if (value !== "") form.append(name, value);
  let pause = PAUSE_MS;
  try {
    const response = await fetch("locate", { method: "POST", body: form });
    const found = await response.json();
    if (response.ok && asked === image) {
      asked.id = found.image_id;
      tell("");
      answer.show(found);
      speak();
    } else if (response.status === 404 && asked.id) {
      asked.id = null;
      again = true;
    } else if (response.status === 503) {
      tell(found.error);
      again = true;
      pause = RETRY_MS;
    } else if (!response.ok) {
      tell(found.error);
      answer.stale(true);
    }
  } catch {
    tell("The service does not answer; is it still running? It is asked again with the next change.");
    answer.stale(true);
  }
  busy = false;
  clearTimeout(long);
  if (again) {
    timer = setTimeout(ask, pause);
    return;
  }
  waiting(false);
  document.documentElement.dataset.asking = "no";
}

function waiting(is) {
  $("computing").hidden = !is;
  $("answer").setAttribute("aria-busy", is);
}

function tell(text) {
  $("message").hidden = !text;
  $("message").textContent = text;
}

function speak() { // for screen readers, when nothing changes any more
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("live").textContent = `${$("status").textContent}. ${$("verdict").textContent}`; }, QUIET_MS);
}

start().catch(() => tell("The service does not answer; start it again and reload the page."));
