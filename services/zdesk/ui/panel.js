// The details of what is selected: an application, a space, a path.

import { bytes, clock, count, duration, el, fill, plain, rate, setText } from "./dom.js";
import { post, read, stream } from "./server.js";

const LINES_MAX = 1000;
const MESSAGES_MAX = 300;
const LOG_PERIOD = 700;

export class Panel {
  constructor(holder, { select, open }) {
    this.holder = holder;
    this.select = select;
    this.open = open;
    this.key = null;
    this.parts = null;
    this.end = () => {};
  }

  // `model` is the whole state; `key` names what is selected.
  show(model, key) {
    const item = key ? model.items.get(key) : null;
    if (key !== this.key || (item === undefined) !== this.missing) {
      this.end();
      this.end = () => {};
      this.key = key;
      this.missing = item === undefined;
      this.parts = this.build(key, item);
    }
    this.parts?.update(item, model);
  }

  build(key, item) {
    if (!key) return this.overview();
    if (!item) {
      fill(this.holder, this.back(), el("p", { class: "empty" }, "This is no more."));
      return null;
    }
    if (item.is === "space") return this.space(item);
    if (item.is === "path") return this.path(item);
    return this.application(item);
  }

  back() {
    return el("button", { type: "button", class: "back", onclick: () => this.select(null) }, "← All applications");
  }

  overview() {
    const list = el("div", { class: "cards" });
    fill(this.holder, el("h2", {}, "Applications"), list);
    let told = "";
    return {
      update: (_, model) => {
        const apps = [...model.items.values()].filter((item) => item.is === "app");
        const now = JSON.stringify(apps);
        if (now === told) return;
        told = now;
        fill(list, apps.length === 0 ? el("p", { class: "empty" }, "No application runs here.") : apps.map((app) =>
          el("button", { type: "button", class: "card", onclick: () => this.select(app.key) },
            el("span", { class: "row" }, el("strong", {}, app.name), state(app.state)),
            el("span", { class: "soft" }, app.reason),
            app.remarks.map((remark) => el("span", { class: "remark" }, remark)),
          )));
      },
    };
  }

  application(app) {
    const facts = el("dl");
    const dead = el("tbody");
    const remarks = el("div");
    const head = el("span");
    const places = app.world ? app.world.locations.flatMap(({ id, faces }) =>
      Object.keys(faces).map((face) =>
        el("a", { href: `/?${new URLSearchParams({ app: app.name, at: id, face })}` }, `${plain(id)}, ${face}`))) : [];
    fill(this.holder, this.back(), el("h2", {}, app.name, " ", head), remarks, facts,
      places.length > 0 ? [el("h3", {}, "World"), el("p", { class: "links" }, places)] : null,
      el("h3", {}, "Dead letters"),
      el("div", { class: "scroll" }, el("table", {}, columns("Time", "From", "To", "Reason", "Times"), dead)));
    let told = "";
    return {
      update: (item, model) => {
        fill(head, state(item.state));
        fill(remarks, item.remarks.map((remark) => el("p", { class: "remark" }, remark)));
        const spaces = [...model.items.values()].filter(({ is, app: own }) => is === "space" && own === item.name);
        pairs(facts, {
          Why: item.reason,
          Spaces: `${spaces.filter((space) => space.state === "running").length} of ${spaces.length} run`,
          "Models today": item.models.length === 0 ? null : item.models.map(spent).join("; "),
        });
        const letters = model.dead.get(item.name) ?? [];
        const now = JSON.stringify(letters);
        if (now === told) return;
        told = now;
        fill(dead, letters.length === 0 ? none(5, "Every message reached its receiver.") : [...letters].reverse().slice(0, 200).map((letter) =>
          cells(clock(letter.time), letter.from, letter.to, letter.reason, count(letter.times))));
      },
    };
  }

  space(space) {
    const head = el("span");
    const facts = el("dl");
    const placement = el("p", { class: "placement" });
    const memory = el("meter", { min: 0, max: 1, "aria-label": "Memory" });
    const memoryText = el("span", { class: "soft" });
    const rights = el("tbody");
    const paths = el("ul", { class: "paths" });
    const log = this.log(space);
    fill(this.holder, this.back(),
      el("h2", {}, space.name, " ", head),
      el("div", { class: "row actions" },
        space.kind === "UI" ? el("button", { type: "button", onclick: () => this.open(space) }, "Show") : null,
        this.action(space, "restart", "Restart"), this.action(space, "kill", "Kill"), this.told = el("span", { role: "status", class: "soft" })),
      facts,
      el("p", { class: "row" }, memory, memoryText),
      el("h3", {}, "Authority"),
      el("div", { class: "scroll" }, el("table", {}, columns("Capability", "Declared", "Used", "Refused"), rights)),
      el("h3", {}, "Placement"), placement,
      el("h3", {}, "Paths"), paths,
      el("h3", {}, "Log"), log);
    let told = "";
    return {
      update: (item, model) => {
        fill(head, state(item.state));
        pairs(facts, {
          Why: item.reason,
          "Next try": item.next_retry === null ? null : `in ${duration(item.next_retry * 1e6)}`,
          Type: item.kind,
          Application: item.app,
          Instance: item.instance === null ? "none" : `${plain(item.name)}#${item.instance}`,
          Restarts: count(item.restarts),
          "Last failure": item.failure === null ? null : `${clock(item.failure.time)}: ${item.failure.reason}`,
          Host: item.host ?? "none",
          Waiting: `${count(item.waiting)} messages`,
          Cache: item.cache === null ? null : `${count(item.cache.hits)} found, ${count(item.cache.near)} alike, ${count(item.cache.misses)} not found`,
        });
        setText(placement, item.placement || "Nothing was decided yet.");
        const has = item.memory === null ? "not known" : bytes(item.memory);
        memory.hidden = item.memory === null || item.memory_max === 0;
        memory.value = memory.hidden ? 0 : item.memory / item.memory_max;
        setText(memoryText, item.memory_max > 0 ? `${has} of ${bytes(item.memory_max)}` : has);
        const own = [...model.items.values()].filter((path) => path.is === "path" && (path.source === item.key || path.target === item.key));
        const now = JSON.stringify([item.capabilities, own.map(({ key }) => key)]);
        if (now === told) return;
        told = now;
        fill(rights, item.capabilities.length === 0 ? none(4, "It holds nothing.") : item.capabilities.map(right));
        fill(paths, own.map((path) =>
          el("li", {}, el("button", { type: "button", onclick: () => this.select(path.key) },
            `${plain(path.from)} → ${plain(path.to)}: ${plain(path.name)}`))));
      },
    };
  }

  // A second press within three seconds does it.
  action(space, action, label) {
    let sure = 0;
    const button = el("button", {
      type: "button",
      class: "danger",
      onclick: async () => {
        if (!sure) {
          setText(button, `${label}: sure?`);
          sure = setTimeout(() => {
            sure = 0;
            setText(button, label);
          }, 3000);
          return;
        }
        clearTimeout(sure);
        sure = 0;
        setText(button, label);
        const { refused } = await post("/api/actions", { app: space.app, space: space.name, action });
        setText(this.told, refused ? refused.says : "done");
      },
    }, label);
    return button;
  }

  log({ app, name }) {
    const lines = el("ol", { class: "log", tabindex: 0, "aria-label": `Log of ${plain(name)}` }, el("li", { class: "soft" }, "Nothing was logged."));
    let after = 0;
    let timer = 0;
    let over = false;
    this.end = () => {
      over = true;
      clearTimeout(timer);
    };
    const look = async () => {
      const { lines: fresh, refused } = await read("/api/logs", { app, space: name, after });
      if (over) return;
      if (fresh?.length > 0) {
        if (after === 0) fill(lines);
        const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
        after = fresh[fresh.length - 1].number;
        lines.append(...fresh.map((line) => el("li", {}, el("time", {}, clock(line.time)), " ", el("bdi", {}, line.text))));
        while (lines.childElementCount > LINES_MAX) lines.firstChild.remove();
        if (atEnd) lines.scrollTop = lines.scrollHeight;
      } else if (refused && after === 0) fill(lines, el("li", { class: "soft" }, refused.says));
      timer = setTimeout(look, LOG_PERIOD);
    };
    look();
    return lines;
  }

  path(path) {
    const facts = el("dl");
    const bars = el("div", { class: "bars", role: "img" });
    const tap = this.tap(path);
    fill(this.holder, this.back(),
      el("h2", {}, path.name),
      el("p", { class: "links" },
        el("button", { type: "button", onclick: () => this.select(path.source) }, path.from), " → ",
        el("button", { type: "button", onclick: () => this.select(path.target) }, path.to)),
      facts, el("h3", {}, "From sending to taking"), bars, el("h3", {}, "Messages"), tap);
    return {
      update: (item) => {
        pairs(facts, {
          Rate: rate(item.rate),
          Sent: count(item.sent),
          Taken: count(item.taken),
          Waiting: count(item.queued),
          Dropped: count(item.dropped),
          "Without credit": count(item.blocked),
        });
        histogram(bars, item.latency);
      },
    };
  }

  tap(path) {
    const list = el("ol", { class: "log", tabindex: 0, "aria-label": `Messages on ${plain(path.name)}` });
    const hint = el("li", { class: "soft" }, "Messages appear here as they pass.");
    fill(list, hint);
    let paused = false;
    const pause = el("button", { type: "button", "aria-pressed": "false", onclick: () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      setText(pause, paused ? "Go on" : "Pause");
    } }, "Pause");
    const clear = el("button", { type: "button", onclick: () => fill(list) }, "Clear");
    this.end = stream("/api/tap", { app: path.app, from: path.from, path: path.name }, {
      on: {
        messages(messages) {
          if (paused) return;
          hint.remove();
          for (const message of messages) list.prepend(...seen(message));
          while (list.childElementCount > MESSAGES_MAX) list.lastChild.remove();
        },
      },
      ended: (why) => setText(hint, `No more messages: ${why}.`),
    });
    return [el("p", { class: "row" }, pause, clear), list];
  }
}

function seen({ missed, is_answer: isAnswer, id, from, time, bytes: size, text, hex }) {
  const body = text ?? hex.replace(/..(?!$)/g, "$& ");
  const line = el("li", { class: isAnswer ? "answer" : null },
    el("time", {}, clock(time)), " ", el("span", { class: "soft" }, `${isAnswer ? "↩ " : ""}${plain(from)} · ${id} · ${bytes(size)}`), " ",
    el("bdi", { class: text === undefined ? "hex" : "text" }, body), size > 4096 ? "…" : null);
  return missed > 0 ? [line, el("li", { class: "remark" }, `${count(missed)} messages passed unseen`)] : [line];
}

function state(name) {
  return el("span", { class: `state ${name}` }, name);
}

function columns(...names) {
  return el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name))));
}

function cells(...values) {
  return el("tr", {}, values.map((value) => el("td", {}, value)));
}

function none(span, text) {
  return el("tr", {}, el("td", { colspan: span, class: "soft" }, text));
}

function uses(used, granted) {
  if (used === null) return "not counted";
  return used > 0 ? count(used) : granted ? "never" : "–";
}

function right({ name, granted, used, refused }) {
  const row = cells(el("code", {}, name), granted ? "yes" : "no", uses(used, granted), refused > 0 ? count(refused) : "–");
  row.className = !granted || refused > 0 ? "bad" : used === 0 ? "unused" : "";
  return row;
}

// What was spent on a model, of what may be.
function spent(model) {
  const part = (used, most, what, show = count) =>
    used === 0 && most === null ? [] : [`${show(used)}${most === null ? "" : ` of ${show(most)}`} ${what}`];
  const cost = (millionths) => String(millionths / 1e6);
  return `${plain(model.name)}: ${[
    ...part(model.requests, model.requests_max, "requests"),
    ...part(model.tokens, model.tokens_max, "tokens"),
    ...part(model.cost, model.cost_max, "spent", cost),
  ].join(", ") || "not asked"}`;
}

function pairs(list, facts) {
  const wanted = Object.entries(facts).filter(([, value]) => value !== null);
  const names = wanted.map(([name]) => name).join();
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    fill(list, wanted.map(([name]) => [el("dt", {}, name), el("dd")]));
  }
  wanted.forEach(([, value], at) => setText(list.children[2 * at + 1], value));
}

function histogram(bars, latency) {
  const most = Math.max(1, ...latency.map(({ count: number }) => number));
  const all = latency.reduce((sum, { count: number }) => sum + number, 0);
  bars.setAttribute("aria-label", latency.filter(({ count: number }) => number > 0).map(({ up_to: end, count: number }) =>
    `${count(number)} ${end === null ? "longer" : `within ${duration(end)}`}`).join(", ") || "no message was taken");
  if (bars.childElementCount !== latency.length) {
    fill(bars, latency.map(({ up_to: end }) => el("div", {}, el("i"), el("span", {}, end === null ? "more" : duration(end)))));
  }
  latency.forEach(({ count: number }, at) => {
    const bar = bars.children[at].firstChild;
    bar.style.height = `${Math.max(number > 0 ? 4 : 0, (number / most) * 100)}%`;
    bar.title = `${number} of ${all}`;
  });
}
