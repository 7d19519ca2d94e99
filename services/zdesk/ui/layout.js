// Where spaces stand: layers from senders to receivers, few crossings. Pure: the same graph, the same places.

export const NODE = { width: 176, height: 52 };
const GAP = { x: 84, y: 22, app: 70, title: 34 };
const SWEEPS = 6;

// Gives each node's place by key, and each application's box.
export function layout(nodes, edges) {
  const places = new Map();
  const boxes = [];
  let top = 0;
  let width = 0;
  for (const app of [...new Set(nodes.map((node) => node.app))].sort()) {
    const own = nodes.filter((node) => node.app === app).map((node) => node.key).sort();
    const block = arrange(own, edges);
    for (const [key, { x, y }] of block.places) places.set(key, { x, y: y + top + GAP.title });
    boxes.push({ app, x: 0, y: top, width: block.width, height: block.height + GAP.title });
    width = Math.max(width, block.width);
    top += block.height + GAP.title + GAP.app;
  }
  return { places, boxes, width, height: Math.max(0, top - GAP.app) };
}

function arrange(keys, edges) {
  const known = new Set(keys);
  const own = edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to));
  const joined = new Set(own.flatMap(({ from, to }) => [from, to]));
  const forward = withoutCycles(keys, own);
  const ranks = rank(keys.filter((key) => joined.has(key)), forward);
  const layers = [];
  for (const key of keys) if (joined.has(key)) (layers[ranks.get(key)] ??= []).push(key);
  order(layers, forward);
  const alone = keys.filter((key) => !joined.has(key));
  // A layer that is higher than the whole should be stands in several columns.
  const rows = Math.max(6, Math.ceil(Math.sqrt(keys.length) * 1.1));
  const columns = [];
  for (const layer of [...layers, alone]) {
    const parts = Math.ceil(layer.length / rows);
    const size = Math.ceil(layer.length / Math.max(1, parts));
    for (let at = 0; at < layer.length; at += size) columns.push(layer.slice(at, at + size));
  }
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const step = NODE.height + GAP.y;
  const places = new Map();
  columns.forEach((column, at) => {
    const offset = ((tallest - column.length) * step) / 2;
    column.forEach((key, row) => places.set(key, { x: at * (NODE.width + GAP.x), y: offset + row * step }));
  });
  const width = columns.length * (NODE.width + GAP.x) - GAP.x;
  return { places, width: Math.max(width, NODE.width), height: tallest * step - GAP.y };
}

// Edges that lead back to where one came from are left out.
function withoutCycles(keys, edges) {
  const out = new Map(keys.map((key) => [key, []]));
  for (const edge of edges) out.get(edge.from).push(edge);
  const state = new Map();
  const forward = [];
  for (const root of keys) {
    if (state.has(root)) continue;
    const stack = [{ key: root, at: 0 }];
    state.set(root, "open");
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const edge = out.get(top.key)[top.at];
      if (!edge) {
        state.set(top.key, "done");
        stack.pop();
        continue;
      }
      top.at += 1;
      if (state.get(edge.to) === "open") continue;
      forward.push(edge);
      if (!state.has(edge.to)) {
        state.set(edge.to, "open");
        stack.push({ key: edge.to, at: 0 });
      }
    }
  }
  return forward;
}

// Each key one layer after the last of those before it.
function rank(keys, forward) {
  const ranks = new Map(keys.map((key) => [key, 0]));
  const waits = new Map(keys.map((key) => [key, 0]));
  const out = new Map(keys.map((key) => [key, []]));
  for (const { from, to } of forward) {
    out.get(from).push(to);
    waits.set(to, waits.get(to) + 1);
  }
  const ready = keys.filter((key) => waits.get(key) === 0);
  while (ready.length > 0) {
    const key = ready.shift();
    for (const next of out.get(key)) {
      ranks.set(next, Math.max(ranks.get(next), ranks.get(key) + 1));
      waits.set(next, waits.get(next) - 1);
      if (waits.get(next) === 0) ready.push(next);
    }
  }
  return ranks;
}

// Sorts each layer by the mean place of its neighbours, back and forth.
function order(layers, forward) {
  const before = new Map();
  const after = new Map();
  for (const { from, to } of forward) {
    if (!before.has(to)) before.set(to, []);
    if (!after.has(from)) after.set(from, []);
    before.get(to).push(from);
    after.get(from).push(to);
  }
  const place = new Map();
  const number = (layer) => layer.forEach((key, at) => place.set(key, at / layer.length));
  layers.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    const neighbours = down ? before : after;
    for (const layer of down ? layers : [...layers].reverse()) {
      const mean = new Map();
      for (const key of layer) {
        const near = neighbours.get(key) ?? [];
        const sum = near.reduce((total, other) => total + place.get(other), 0);
        mean.set(key, near.length > 0 ? sum / near.length : place.get(key));
      }
      layer.sort((a, b) => mean.get(a) - mean.get(b) || (a < b ? -1 : 1));
      number(layer);
    }
  }
}
