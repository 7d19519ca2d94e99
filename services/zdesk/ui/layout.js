// Where spaces stand: layers from senders to receivers, few crossings. Pure: the same graph, the same places.

export const NODE = { width: 176, height: 52 };
const BEND = { height: 16 };
const GAP = { x: 104, y: 22, app: 64, band: 60, title: 34 };
const SWEEPS = 6;
// The shape that is aimed at, and from when on.
const SHAPE = 1.6;
const COLUMNS_IN_A_BAND = 8;
const BENDS_MAX = 600;

// Gives each node's place and each edge's bends by key, and each application's box.
export function layout(nodes, edges) {
  const blocks = [...new Set(nodes.map((node) => node.app))].sort().map((app) => {
    const own = nodes.filter((node) => node.app === app).map((node) => node.key).sort();
    return { app, ...arrange(own, edges) };
  });
  const area = blocks.reduce((sum, { width, height }) => sum + (width + GAP.app) * (height + GAP.title + GAP.app), 0);
  const most = Math.max(Math.sqrt(area * SHAPE), ...blocks.map(({ width }) => width));
  const plan = { places: new Map(), bends: new Map(), boxes: [], width: 0, height: 0 };
  let [left, top, shelf] = [0, 0, 0];
  for (const { app, places, bends, width, height } of blocks) {
    if (left > 0 && left + width > most) {
      top += shelf + GAP.app;
      [left, shelf] = [0, 0];
    }
    const moved = ({ x, y }) => ({ x: x + left, y: y + top + GAP.title });
    for (const [key, place] of places) plan.places.set(key, moved(place));
    for (const [key, points] of bends) plan.bends.set(key, points.map(moved));
    plan.boxes.push({ app, x: left, y: top });
    plan.width = Math.max(plan.width, left + width);
    plan.height = Math.max(plan.height, top + height + GAP.title);
    shelf = Math.max(shelf, height + GAP.title);
    left += width + GAP.app;
  }
  return plan;
}

function arrange(keys, edges) {
  const known = new Set(keys);
  const own = edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to));
  const joined = new Set(own.flatMap(({ from, to }) => [from, to]));
  const forward = withoutCycles(keys, own);
  const connected = keys.filter((key) => joined.has(key));
  let ranks = rank(connected, forward);
  // In a web of paths the longest way says little.
  if (Math.max(0, ...ranks.values()) > 3 * Math.sqrt(keys.length)) ranks = steps(connected, forward);
  const layers = [];
  for (const key of connected) (layers[ranks.get(key)] ??= []).push(key);
  // What is too high for the whole stands in several columns; there, paths go straight.
  const rows = Math.max(6, Math.ceil(Math.sqrt(keys.length) * 1.1));
  const narrow = layers.length <= COLUMNS_IN_A_BAND && layers.every((layer) => layer.length <= rows);
  const chains = narrow ? bend(layers, ranks, forward) : { links: forward, ways: new Map() };
  order(layers, chains.links);
  const alone = keys.filter((key) => !joined.has(key));
  const columns = [...layers, alone].flatMap((layer) => split(layer, rows));
  const { spots, width, height } = stand(columns);
  const places = new Map(keys.map((key) => [key, spots.get(key)]));
  const bends = new Map();
  for (const [key, way] of chains.ways) {
    bends.set(key, way.map((link) => spots.get(link)).flatMap(({ x, y }) => [
      { x, y: y + BEND.height / 2 },
      { x: x + NODE.width, y: y + BEND.height / 2 },
    ]));
  }
  return { places, bends, width, height };
}

// Long edges get a place in each layer between, so that they do not pass under spaces.
function bend(layers, ranks, forward) {
  const links = [];
  const ways = new Map();
  let made = 0;
  for (const edge of forward) {
    const [first, last] = [ranks.get(edge.from), ranks.get(edge.to)];
    const way = [];
    for (let at = first + 1; at < last && made < BENDS_MAX; at += 1) {
      const link = { bend: `${edge.key} ${at}` };
      layers[at].push(link);
      way.push(link);
      made += 1;
    }
    if (way.length > 0) ways.set(edge.key, way);
    const chain = [edge.from, ...way, edge.to];
    for (let at = 1; at < chain.length; at += 1) links.push({ from: chain[at - 1], to: chain[at] });
  }
  return { links, ways };
}

function split(layer, rows) {
  const parts = Math.ceil(layer.length / rows);
  const size = Math.ceil(layer.length / Math.max(1, parts));
  return Array.from({ length: parts }, (_, at) => layer.slice(at * size, (at + 1) * size));
}

// Puts columns side by side, and bands of them one below the other where they are many.
function stand(columns) {
  const heightOf = (entry) => (entry.bend === undefined ? NODE.height : BEND.height);
  const tall = (column) => column.reduce((sum, entry) => sum + heightOf(entry) + GAP.y, -GAP.y);
  const across = NODE.width + GAP.x;
  const tallest = Math.max(NODE.height, ...columns.map(tall)) + GAP.band;
  const bands = columns.length <= COLUMNS_IN_A_BAND ? 1
    : Math.max(1, Math.round(Math.sqrt((columns.length * across) / (SHAPE * tallest))));
  const length = Math.ceil(columns.length / bands);
  const spots = new Map();
  let [width, top] = [NODE.width, 0];
  for (let first = 0; first < columns.length; first += length) {
    const band = columns.slice(first, first + length);
    const high = Math.max(...band.map(tall));
    band.forEach((column, at) => {
      let y = top + (high - tall(column)) / 2;
      for (const entry of column) {
        spots.set(entry, { x: at * across, y });
        y += heightOf(entry) + GAP.y;
      }
    });
    width = Math.max(width, band.length * across - GAP.x);
    top += high + GAP.band;
  }
  return { spots, width, height: Math.max(NODE.height, top - GAP.band) };
}

// Edges that lead back to where one came from are left out.
function withoutCycles(keys, edges) {
  const out = new Map(keys.map((key) => [key, []]));
  const entered = new Set();
  for (const edge of edges) {
    out.get(edge.from).push(edge);
    entered.add(edge.to);
  }
  const state = new Map();
  const forward = [];
  for (const root of [...keys.filter((key) => !entered.has(key)), ...keys]) {
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

function outgoing(keys, forward) {
  const out = new Map(keys.map((key) => [key, []]));
  const waits = new Map(keys.map((key) => [key, 0]));
  for (const { from, to } of forward) {
    out.get(from).push(to);
    waits.set(to, waits.get(to) + 1);
  }
  return { out, waits, ready: keys.filter((key) => waits.get(key) === 0) };
}

// Each key one layer after the last of those before it.
function rank(keys, forward) {
  const { out, waits, ready } = outgoing(keys, forward);
  const ranks = new Map(keys.map((key) => [key, 0]));
  for (const key of ready) {
    for (const next of out.get(key)) {
      ranks.set(next, Math.max(ranks.get(next), ranks.get(key) + 1));
      waits.set(next, waits.get(next) - 1);
      if (waits.get(next) === 0) ready.push(next);
    }
  }
  return ranks;
}

// Each key as many layers on as it takes steps to get there.
function steps(keys, forward) {
  const { out, ready } = outgoing(keys, forward);
  const ranks = new Map(ready.map((key) => [key, 0]));
  for (const key of ready) {
    for (const next of out.get(key)) {
      if (ranks.has(next)) continue;
      ranks.set(next, ranks.get(key) + 1);
      ready.push(next);
    }
  }
  return ranks;
}

// Sorts each layer by the mean place of its neighbours, back and forth.
function order(layers, links) {
  const before = new Map();
  const after = new Map();
  for (const { from, to } of links) {
    if (!before.has(to)) before.set(to, []);
    if (!after.has(from)) after.set(from, []);
    before.get(to).push(from);
    after.get(from).push(to);
  }
  const place = new Map();
  const number = (layer) => layer.forEach((key, at) => place.set(key, (at + 0.5) / layer.length));
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
      layer.sort((a, b) => mean.get(a) - mean.get(b) || place.get(a) - place.get(b));
      number(layer);
    }
  }
}
