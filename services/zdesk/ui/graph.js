// The graph on a canvas: spaces, paths, what moves on them. It draws when something changed, and only what is seen.

import { count, plain, rate } from "./dom.js";
import { NODE, layout } from "./layout.js";

const STATES = ["pending", "running", "degraded", "stopped", "failed"];
const MOVING_MAX = 400;
const ZOOM = { least: 0.04, most: 2.5, labels: 0.42, rates: 0.62 };

export class Graph {
  constructor(canvas, onselect) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.onselect = onselect;
    this.nodes = new Map();
    this.edges = new Map();
    this.shape = "";
    this.plan = { places: new Map(), bends: new Map(), boxes: [], width: 0, height: 0 };
    this.view = { x: 0, y: 0, scale: 1 };
    this.moved = false;
    this.selected = null;
    this.pointers = new Map();
    this.asked = false;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    this.recolour();
    this.listen();
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = Object.fromEntries(
      ["back", "card", "line", "text", "soft", "accent", "path", "bad", "warn", ...STATES].map((name) => [name, value(name)]),
    );
    this.draw();
  }

  // Spaces and paths as the server tells them, by key.
  update(nodes, edges) {
    this.nodes = nodes;
    this.edges = edges;
    const shape = JSON.stringify([[...nodes.keys()].sort(), [...edges].map(([key, { from, to }]) => [key, from, to]).sort()]);
    if (shape !== this.shape) {
      this.shape = shape;
      const known = [...edges].map(([key, { from, to }]) => ({ key, from, to }));
      this.plan = layout([...nodes].map(([key, { app }]) => ({ key, app })), known);
      if (!this.moved) this.fit();
    }
    this.draw();
  }

  select(key, reveal = false) {
    this.selected = key;
    const place = reveal && this.plan.places.get(key);
    if (place) this.reveal(place);
    this.draw();
  }

  reveal({ x, y }) {
    const { width, height } = this.size();
    const { scale } = this.view;
    const left = x * scale + this.view.x;
    const top = y * scale + this.view.y;
    const inside = left > 0 && top > 0 && left + NODE.width * scale < width && top + NODE.height * scale < height;
    if (inside) return;
    this.view.x = width / 2 - (x + NODE.width / 2) * scale;
    this.view.y = height / 2 - (y + NODE.height / 2) * scale;
  }

  size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  resize() {
    const { width, height } = this.size();
    if (width === 0 || height === 0) return;
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    if (!this.moved) this.fit();
    this.draw();
  }

  fit() {
    const { width, height } = this.size();
    if (width === 0 || this.plan.width === 0) return;
    const margin = 28;
    const scale = Math.min((width - 2 * margin) / this.plan.width, (height - 2 * margin) / this.plan.height, 1.15);
    this.view.scale = Math.max(scale, ZOOM.least);
    this.view.x = (width - this.plan.width * this.view.scale) / 2;
    this.view.y = (height - this.plan.height * this.view.scale) / 2;
    this.moved = false;
    this.draw();
  }

  zoom(factor, x = this.size().width / 2, y = this.size().height / 2) {
    const scale = Math.min(ZOOM.most, Math.max(ZOOM.least, this.view.scale * factor));
    const by = scale / this.view.scale;
    this.view = { scale, x: x - (x - this.view.x) * by, y: y - (y - this.view.y) * by };
    this.moved = true;
    this.draw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
      this.travel = 0;
    });
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", (event) => {
      const alone = this.pointers.size === 1;
      this.pointers.delete(event.pointerId);
      if (alone && this.travel < 6) this.onselect(this.at(event.offsetX, event.offsetY));
    });
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("dblclick", () => this.fit());
  }

  drag(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) {
      this.canvas.style.cursor = this.at(event.offsetX, event.offsetY) ? "pointer" : "grab";
      return;
    }
    const now = { x: event.offsetX, y: event.offsetY };
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, pointer]) => pointer);
    this.pointers.set(event.pointerId, now);
    this.travel += Math.hypot(now.x - last.x, now.y - last.y);
    if (others.length > 0) {
      const apart = (pointer) => Math.max(1, Math.hypot(pointer.x - others[0].x, pointer.y - others[0].y));
      this.zoom(apart(now) / apart(last), (now.x + others[0].x) / 2, (now.y + others[0].y) / 2);
    } else if (this.travel > 5) {
      this.view.x += now.x - last.x;
      this.view.y += now.y - last.y;
      this.moved = true;
      this.draw();
    }
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (steps[event.key]) this.step(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoom(1.25);
    else if (event.key === "-") this.zoom(0.8);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  // The nearest space in a direction.
  step(dx, dy) {
    const from = this.plan.places.get(this.selected);
    let best = null;
    for (const [key, { x, y }] of this.plan.places) {
      if (!from) {
        if (best === null || x + y < best.cost) best = { key, cost: x + y };
        continue;
      }
      const along = (x - from.x) * dx + (y - from.y) * dy;
      const aside = Math.abs((x - from.x) * dy) + Math.abs((y - from.y) * dx);
      const cost = along + 2 * aside;
      if (along > 0 && (best === null || cost < best.cost)) best = { key, cost };
    }
    if (!best) return;
    this.onselect(best.key);
    this.select(best.key, true);
  }

  // The key of what is at a point: a space, or else a path.
  at(px, py) {
    const x = (px - this.view.x) / this.view.scale;
    const y = (py - this.view.y) / this.view.scale;
    for (const [key, place] of this.plan.places) {
      if (x >= place.x && x <= place.x + NODE.width && y >= place.y && y <= place.y + NODE.height) return key;
    }
    const near = 9 / this.view.scale;
    let best = null;
    for (const [key, edge] of this.edges) {
      const way = this.way(key, edge);
      for (let t = 0.025; way.length > 0 && t < 1; t += 0.05 / way.length) {
        const point = along(way, t);
        const apart = Math.hypot(point.x - x, point.y - y);
        if (apart < near && (best === null || apart < best.apart)) best = { key, apart };
      }
    }
    return best?.key ?? null;
  }

  // Curves from a space's right side to a space's left side; paths between the same two lie side by side.
  way(key, { from, to, lane }) {
    const a = this.plan.places.get(from);
    const b = this.plan.places.get(to);
    if (!a || !b) return [];
    const shift = lane * 12;
    const start = { x: a.x + NODE.width, y: a.y + NODE.height / 2 + shift };
    const end = { x: b.x, y: b.y + NODE.height / 2 + shift };
    const points = [start, ...(this.plan.bends.get(key) ?? []), end];
    return points.slice(1).map((point, at) => curve(points[at], point, a.y === b.y));
  }

  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((time) => {
      this.asked = false;
      if (this.canvas.clientWidth === 0) return;
      if (this.paint(time) && !document.hidden) this.draw();
    });
  }

  // Whether something moves.
  paint(time) {
    const { context, view, colours } = this;
    const { width, height } = this.size();
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.translate(view.x, view.y);
    context.scale(view.scale, view.scale);
    const seen = {
      left: -view.x / view.scale,
      top: -view.y / view.scale,
      right: (width - view.x) / view.scale,
      bottom: (height - view.y) / view.scale,
    };
    context.textBaseline = "middle";
    for (const box of this.plan.boxes) this.title(box);
    const moving = this.paths(seen, time);
    for (const [key, place] of this.plan.places) {
      const outside =
        place.x > seen.right || place.y > seen.bottom || place.x + NODE.width < seen.left || place.y + NODE.height < seen.top;
      const space = this.nodes.get(key);
      if (!outside && space) this.node(key, space, place);
    }
    return moving;
  }

  title({ app, x, y }) {
    const { context, colours, view } = this;
    context.fillStyle = colours.soft;
    context.font = `600 ${Math.min(40, 13 / Math.min(1, view.scale))}px system-ui, sans-serif`;
    context.fillText(plain(app), x, y + 8);
  }

  paths(seen, time) {
    const { context, colours, view } = this;
    const dots = [];
    for (const [key, edge] of this.edges) {
      const way = this.way(key, edge);
      if (way.length === 0 || !inside(way, seen)) continue;
      const { path } = edge;
      const chosen = key === this.selected || edge.from === this.selected || edge.to === this.selected;
      const trouble = path.dropped > 0 ? colours.bad : path.blocked > 0 ? colours.warn : null;
      const colour = chosen ? colours.accent : trouble ?? colours.path;
      const end = way[way.length - 1][3];
      context.strokeStyle = colour;
      context.fillStyle = colour;
      context.globalAlpha = chosen || trouble || path.rate > 0 ? 1 : 0.55;
      context.lineWidth = (1.2 + Math.min(4, Math.log2(1 + path.rate) / 2)) * (chosen ? 1.5 : 1);
      context.setLineDash(trouble ? [7, 5] : []);
      context.beginPath();
      context.moveTo(way[0][0].x, way[0][0].y);
      for (const [, b, c, d] of way) context.bezierCurveTo(b.x, b.y, c.x, c.y, d.x, d.y);
      context.stroke();
      context.setLineDash([]);
      context.beginPath();
      context.moveTo(end.x, end.y);
      context.lineTo(end.x - 9, end.y - 5);
      context.lineTo(end.x - 9, end.y + 5);
      context.fill();
      context.globalAlpha = 1;
      if (path.rate > 0) dots.push([way, path.rate, colour]);
      if (view.scale > ZOOM.rates) this.label(way, edge, chosen);
    }
    if (this.still.matches || dots.length === 0 || dots.length > MOVING_MAX) return false;
    for (const [way, speed, colour] of dots) {
      const turn = (time / 1000) * Math.min(1.2, 0.25 + Math.log2(1 + speed) / 8);
      context.fillStyle = colour;
      for (const shift of [0, 0.5]) {
        const point = along(way, (turn / way.length + shift) % 1);
        context.beginPath();
        context.arc(point.x, point.y, 3.2, 0, 7);
        context.fill();
      }
    }
    return true;
  }

  label(way, { path, lane }, chosen) {
    const { context, colours } = this;
    const figures = [path.rate > 0 ? rate(path.rate) : null, path.dropped > 0 ? `✕ ${count(path.dropped)}` : null];
    const words = [...(chosen || figures.some(Boolean) ? [plain(path.name)] : []), ...figures].filter(Boolean).join("  ");
    if (words === "") return;
    const point = along(way.slice(0, 1), 0.5);
    context.font = "11px system-ui, sans-serif";
    const top = point.y - 11 + lane * 6;
    context.textAlign = "center";
    // A rim in the ground's colour keeps words readable across lines.
    context.strokeStyle = colours.back;
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeText(words, point.x, top);
    context.fillStyle = path.dropped > 0 ? colours.bad : colours.soft;
    context.fillText(words, point.x, top);
    context.textAlign = "left";
  }

  node(key, space, { x, y }) {
    const { context, colours, view } = this;
    const chosen = key === this.selected;
    const state = colours[space.state];
    context.fillStyle = colours.card;
    context.strokeStyle = chosen ? colours.accent : colours.line;
    context.lineWidth = chosen ? 3 : 1.2;
    context.beginPath();
    context.roundRect(x, y, NODE.width, NODE.height, 9);
    context.fill();
    context.stroke();
    context.fillStyle = state;
    context.beginPath();
    context.roundRect(x, y, 7, NODE.height, [9, 0, 0, 9]);
    context.fill();
    if (view.scale < ZOOM.labels) {
      context.globalAlpha = 0.28;
      context.fillRect(x + 7, y, NODE.width - 7, NODE.height);
      context.globalAlpha = 1;
      return;
    }
    context.fillStyle = colours.text;
    context.font = "600 13.5px system-ui, sans-serif";
    context.fillText(shortened(plain(space.name)), x + 17, y + 18);
    context.fillStyle = colours.soft;
    context.font = "11.5px system-ui, sans-serif";
    const waiting = space.waiting > 0 ? ` · ${count(space.waiting)} waiting` : "";
    context.fillText(`${space.kind} · ${space.state}${waiting}`, x + 17, y + 37);
  }
}

function shortened(name) {
  return name.length > 20 ? `${name.slice(0, 19)}…` : name;
}

function curve(start, end, level) {
  const forward = end.x > start.x;
  const bend = forward ? (end.x - start.x) / 2 : 90;
  const lift = forward ? 0 : NODE.height * (level ? 1.4 : 0.7);
  return [start, { x: start.x + bend, y: start.y + lift }, { x: end.x - bend, y: end.y + lift }, end];
}

function inside(way, { left, top, right, bottom }) {
  const points = way.flat();
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return Math.min(...xs) < right && Math.max(...xs) > left && Math.min(...ys) < bottom && Math.max(...ys) > top;
}

// The point at a part of the way.
function along(way, part) {
  const at = Math.min(way.length - 1, Math.floor(part * way.length));
  const [a, b, c, d] = way[at];
  const t = part * way.length - at;
  const u = 1 - t;
  const mix = (axis) => u ** 3 * a[axis] + 3 * u * u * t * b[axis] + 3 * u * t * t * c[axis] + t ** 3 * d[axis];
  return { x: mix("x"), y: mix("y") };
}
