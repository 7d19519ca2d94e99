// The desk: keeps the state that the server tells, and what of it is shown.

import { el, fill, plain, setText } from "./dom.js";
import { Screen, news, reopenLost } from "./frames.js";
import { Graph } from "./graph.js";
import { Panel } from "./panel.js";
import { watch } from "./server.js";
import { WorldView } from "./world.js";

const SCREENS_MAX = 6;
const byId = (id) => document.getElementById(id);

// `items` has applications, spaces and paths by key, `dead` the dead letters of each application.
const model = { items: new Map(), dead: new Map() };
const screens = new Map();
let selected = null;
let view = null;
let asked = false;
let anew = false;

const graph = new Graph(byId("canvas"), (key) => choose(key));
const panel = new Panel(byId("panel"), { select: (key) => choose(key, true), open: show });
const world = new WorldView(byId("world"), (where) => go(where));

// The address says what is shown: a place of the world, or a view and what is selected.
function address() {
  const query = new URLSearchParams(location.search);
  return { app: query.get("app"), at: query.get("at"), face: query.get("face"), world: query.has("at") };
}

function go(where) {
  const query = Object.entries(where).filter(([, value]) => value);
  history.pushState(null, "", `/?${new URLSearchParams(query)}`);
  render();
}

function setView(name) {
  view = name;
  if (name !== "world" && address().world) history.pushState(null, "", "/");
  render();
}

function choose(key, reveal = false) {
  selected = key;
  graph.select(key, reveal);
  render();
  const holder = byId("panel");
  holder.scrollTop = 0;
  if (key && matchMedia("(max-width: 800px)").matches) holder.scrollIntoView({ block: "start" });
}

function show(space) {
  setView("screens");
  const tile = screens.get(space.key);
  if (!tile) return;
  if (!tile.screen.frame) tile.screen.open();
  tile.element.scrollIntoView({ block: "nearest" });
}

function add(key, value) {
  const kind = key.slice(0, key.indexOf("/"));
  const app = kind === "app" ? value.name : value.app;
  if (kind === "dead") {
    model.dead.set(app, value.letters);
    return;
  }
  const item = { ...value, is: kind, key, app };
  if (kind === "path") {
    item.source = `space/${app}/${value.from}`;
    item.target = `space/${app}/${value.to}`;
  }
  model.items.set(key, item);
}

function take({ set, gone }) {
  if (anew) {
    anew = false;
    model.items.clear();
    model.dead.clear();
  }
  for (const [key, value] of Object.entries(set)) add(key, value);
  for (const key of gone) {
    model.items.delete(key);
    if (key.startsWith("dead/")) model.dead.delete(key.slice("dead/".length));
  }
  renderSoon();
}

function renderSoon() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    render();
  });
}

function of(kind) {
  return [...model.items.values()].filter(({ is }) => is === kind);
}

function render() {
  const spaces = of("space").sort((a, b) => (a.key < b.key ? -1 : 1));
  const worlds = of("app").filter((app) => app.world);
  const where = address();
  if (view === null && model.items.size > 0) {
    view = where.world ? "world" : spaces.some(({ kind }) => kind === "UI") ? "screens" : "graph";
  }
  if (where.world) view = "world";
  for (const name of ["graph", "screens", "world"]) {
    byId(name).hidden = name !== view;
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === view));
    byId(`tab-${name}`).tabIndex = name === view ? 0 : -1;
  }
  byId("tab-world").hidden = worlds.length === 0 && !where.world;
  summary(spaces);
  list(spaces);
  tiles(spaces.filter(({ kind }) => kind === "UI"));
  if (view === "world") world.show(worlds, where, model.items);
  else world.hide();
  graph.update(new Map(spaces.map((space) => [space.key, space])), edges());
  panel.show(model, selected);
}

function edges() {
  const lanes = new Map();
  const edges = new Map();
  for (const path of of("path")) {
    const pair = [path.source, path.target].sort().join("|");
    const used = lanes.get(pair) ?? 0;
    lanes.set(pair, used + 1);
    const lane = used % 2 === 0 ? -used / 2 : (used + 1) / 2;
    edges.set(path.key, { from: path.source, to: path.target, lane, path });
  }
  return edges;
}

function summary(spaces) {
  const states = new Map();
  for (const space of spaces) states.set(space.state, (states.get(space.state) ?? 0) + 1);
  const order = ["failed", "degraded", "pending", "running", "stopped"];
  const known = order.filter((state) => states.has(state)).map((state) => [state, `${states.get(state)} ${state}`]);
  const now = JSON.stringify(known);
  const holder = byId("summary");
  if (holder.dataset.now === now) return;
  holder.dataset.now = now;
  fill(holder, known.map(([state, words]) => el("span", { class: `state ${state}` }, words)));
}

// The list: rows stay, so that the keyboard's place in it does.
const rows = new Map();

function list(spaces) {
  const holder = byId("list");
  const wanted = byId("filter").value.trim().toLowerCase();
  let before = null;
  for (const space of spaces) {
    let row = rows.get(space.key);
    if (!row) {
      const name = el("span", { class: "name" }, space.name);
      const state = el("span");
      const app = el("span", { class: "soft" }, `${plain(space.app)} · ${space.kind}`);
      const button = el("button", { type: "button", onclick: () => choose(space.key, true) }, name, state, app);
      row = { element: el("li", {}, button), button, state, told: "" };
      rows.set(space.key, row);
      if (before) before.after(row.element);
      else holder.prepend(row.element);
    }
    before = row.element;
    if (row.told !== space.state) {
      row.told = space.state;
      row.state.className = `state ${space.state}`;
      setText(row.state, space.state);
    }
    const words = `${space.app} ${space.name} ${space.kind} ${space.state}`.toLowerCase();
    row.element.hidden = !wanted.split(/\s+/).every((word) => words.includes(word));
    row.button.setAttribute("aria-current", String(space.key === selected));
  }
  for (const [key, row] of rows) {
    if (model.items.has(key)) continue;
    row.element.remove();
    rows.delete(key);
  }
  byId("none").hidden = spaces.length > 0;
}

function tiles(spaces) {
  const holder = byId("screens");
  for (const space of spaces) {
    const tile = screens.get(space.key);
    if (tile) {
      tile.screen.follow(space);
      continue;
    }
    const screen = new Screen(space.app, space.name);
    const wide = el("button", { type: "button", "aria-pressed": "false", onclick: () => {
      const on = element.classList.toggle("wide");
      wide.setAttribute("aria-pressed", String(on));
    } }, "Wide");
    const element = el("section", { class: "tile", "aria-label": `${plain(space.name)} of ${plain(space.app)}` },
      el("div", { class: "bar" },
        el("button", { type: "button", class: "link", onclick: () => choose(space.key, true) }, space.name),
        el("span", { class: "soft" }, space.app),
        el("span", { class: "right" }, wide,
          el("button", { type: "button", onclick: () => screen.open() }, "Reload"),
          el("button", { type: "button", onclick: () => screen.end("It is closed here.") }, "Close"))),
      screen.holder);
    screens.set(space.key, { screen, element });
    holder.append(element);
    screen.follow(space);
    if (screens.size <= SCREENS_MAX) screen.open();
    else screen.end("It is not open yet.");
  }
  for (const [key, { screen, element }] of screens) {
    if (model.items.has(key)) continue;
    screen.close();
    element.remove();
    screens.delete(key);
  }
  byId("no-screens").hidden = screens.size > 0;
}

function tabs() {
  const names = ["screens", "graph", "world"];
  for (const name of names) {
    byId(`tab-${name}`).addEventListener("click", () => {
      if (name !== "world") return setView(name);
      const app = of("app").find((app) => app.world);
      const first = app?.world.locations[0];
      go({ app: app?.name, at: first?.id ?? "none", face: Object.keys(first?.faces ?? {})[0] });
    });
  }
  byId("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const shown = names.filter((name) => !byId(`tab-${name}`).hidden);
    const next = shown[(shown.indexOf(view) + by + shown.length) % shown.length];
    byId(`tab-${next}`).focus();
    byId(`tab-${next}`).click();
    event.preventDefault();
  });
}

addEventListener("popstate", () => {
  if (!address().world && view === "world") view = "graph";
  render();
});
addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT"].includes(document.activeElement?.tagName);
  if (event.key === "/" && !typing) {
    byId("filter").focus();
    event.preventDefault();
  } else if (event.key === "Escape" && selected !== null) choose(null);
});
byId("filter").addEventListener("input", renderSoon);
for (const [id, act] of [["zoom-in", () => graph.zoom(1.25)], ["zoom-out", () => graph.zoom(0.8)], ["zoom-fit", () => graph.fit()]]) {
  byId(id).addEventListener("click", act);
}
tabs();

// The ticket is used up; nobody needs to see it.
const query = new URLSearchParams(location.search);
if (query.has("ticket")) {
  query.delete("ticket");
  history.replaceState(null, "", query.size > 0 ? `/?${query}` : "/");
}

let known = false;
watch({
  // What was shown stays until the whole state is here: a lost connection closes no screen.
  begin() {
    anew = true;
    if (known) reopenLost();
    known = true;
  },
  state: take,
  ui: news,
  there(is, why) {
    setText(byId("there"), is ? "live" : `${why}; trying again`);
    byId("there").className = is ? "live" : "lost";
  },
});
