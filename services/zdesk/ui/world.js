// The world view: one face of one location, and the ways from there.

import { el, fill, plain } from "./dom.js";
import { Screen } from "./frames.js";

const AROUND = ["north", "east", "south", "west"];

export class WorldView {
  constructor(holder, go) {
    this.holder = holder;
    this.go = go;
    this.shown = "";
    this.screen = null;
    this.head = el("div", { class: "bar" });
    this.body = el("div", { class: "face" });
    fill(holder, [this.head, this.body]);
    holder.addEventListener("keydown", (event) => {
      const turn = { ArrowLeft: 3, ArrowRight: 1 }[event.key];
      if (turn && this.where && !event.altKey && !event.metaKey) {
        this.turn(turn);
        event.preventDefault();
      }
    });
  }

  turn(by) {
    const { app, at, face } = this.where;
    this.go({ app, at, face: AROUND[(AROUND.indexOf(face) + by) % 4] });
  }

  // `apps` are those with a world; `where` is what the address says; `items` has the spaces by key.
  show(apps, where, items) {
    const app = apps.find(({ name, world }) =>
      where.app ? name === where.app : world.locations.some(({ id }) => id === where.at),
    ) ?? apps[0];
    const location = app?.world.locations.find(({ id }) => id === where.at) ?? (where.at ? null : app?.world.locations[0]);
    const face = AROUND.includes(where.face) ? where.face : location ? AROUND.find((side) => location.faces[side]) ?? "north" : "north";
    const ui = location?.faces[face];
    const now = JSON.stringify([app?.world, location?.id ?? where.at, face]);
    if (now === this.shown) return this.screen?.follow(items.get(`space/${app.name}/${ui}`));
    this.shown = now;
    this.where = { app: app?.name, at: location?.id, face };
    this.screen?.close();
    this.screen = null;
    const held = this.head.contains(document.activeElement) ? document.activeElement.dataset.way : null;
    fill(this.head, app ? this.bar(app, location, face) : []);
    // Whoever goes by keyboard goes on from here.
    if (held) (this.head.querySelector(`[data-way="${held}"]`) ?? this.head.querySelector("select"))?.focus();
    if (!app) return fill(this.body, el("p", { class: "empty" }, "No application here has a world."));
    if (!location) return fill(this.body, el("p", { class: "empty" }, `There is no location ${plain(where.at)}.`));
    if (!ui) return fill(this.body, el("p", { class: "empty" }, `Nothing is to be seen to the ${face} of ${plain(location.id)}.`));
    this.screen = new Screen(app.name, ui, { at: location.id, face });
    this.screen.follow(items.get(`space/${app.name}/${ui}`));
    fill(this.body, this.screen.holder);
    this.screen.open();
  }

  hide() {
    this.shown = "";
    this.screen?.close();
    this.screen = null;
  }

  // At another location one looks the same way, if there is something to be seen.
  goTo({ name, world }, id, face) {
    const faces = world.locations.find((location) => location.id === id)?.faces ?? {};
    this.go({ app: name, at: id, face: faces[face] ? face : AROUND.find((side) => faces[side]) ?? face });
  }

  bar(app, location, face) {
    const { world } = app;
    const places = el(
      "select",
      { "aria-label": "Location", "data-way": "at", onchange: (event) => this.goTo(app, event.target.value, face) },
      location ? [] : el("option", { selected: true, value: "" }, "–"),
      world.locations.map(({ id }) => el("option", { value: id, selected: id === location?.id }, id)),
    );
    const near = world.routes
      .filter((route) => location && route.includes(location.id))
      .map(([a, b]) => (a === location.id ? b : a));
    const ways = [...new Set(near)].sort();
    return [
      el("strong", {}, world.name),
      places,
      el("span", { class: "compass", role: "group", "aria-label": "Face" },
        AROUND.map((side) =>
          el("button", {
            type: "button",
            "data-way": side,
            "aria-pressed": String(side === face),
            class: location?.faces[side] ? "" : "blank",
            onclick: () => location && this.go({ app: app.name, at: location.id, face: side }),
          }, side),
        )),
      ways.length > 0 ? el("span", { class: "ways" }, "to ", ways.map((id) =>
        el("button", { type: "button", "data-way": "on", onclick: () => this.goTo(app, id, face) }, `→ ${plain(id)}`),
      )) : null,
    ];
  }
}
