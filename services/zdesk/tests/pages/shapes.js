// Lays out graphs of many shapes, and gives the names of those in which something is wrong.
(async () => {
  const { NODE, layout } = await import("/layout.js");
  const some = (count, app = () => "a") => [...Array(count).keys()].map((at) => ({ key: `s${at}`, app: app(at) }));
  const join = (pairs) => pairs.map(([from, to], at) => ({ key: `e${at}`, from: `s${from}`, to: `s${to}` }));
  const numbers = [...Array(1000).keys()];
  const shapes = {
    nothing: [[], []],
    one: [some(1), []],
    itself: [some(1), join([[0, 0]])],
    pair: [some(2), join([[0, 1], [1, 0], [0, 1]])],
    alone: [some(1000), []],
    chain: [some(1000), join(numbers.slice(1).map((at) => [at - 1, at]))],
    star: [some(1000), join(numbers.slice(1).map((at) => [0, at]))],
    ring: [some(1000), join(numbers.map((at) => [at, (at + 1) % 1000]))],
    web: [some(1000), join(numbers.flatMap((at) => [[at, (at * 3 + 7) % 1000], [at, (at * 7 + 7) % 1000]]))],
    long: [some(6), join([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 5], [0, 4], [1, 5]])],
    many: [some(1000, (at) => `app-${Math.floor(at / 50)}`), join(numbers.filter((at) => at % 50).map((at) => [at - 1, at]))],
    strange: [some(2), [{ key: "x", from: "s0", to: "gone" }, { key: "y", from: "gone", to: "s1" }]],
  };
  const wrong = [];
  for (const [name, [nodes, edges]] of Object.entries(shapes)) {
    const plan = layout(nodes, edges);
    const places = [...plan.places.values()];
    const apart = (a, b) => Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height;
    const inside = ({ x, y }) => x >= 0 && y >= 0 && x + NODE.width <= plan.width && y + NODE.height <= plan.height;
    const again = layout([...nodes].reverse(), edges);
    const same = places.length === nodes.length && [...plan.places].every(([key, { x, y }]) => again.places.get(key).x === x && again.places.get(key).y === y);
    if (!same || !places.every(inside) || !places.every((a, at) => places.slice(at + 1).every((b) => apart(a, b)))) wrong.push(name);
    // No long path passes under a space.
    for (const [, points] of name === "long" ? plan.bends : []) {
      const under = ({ x, y }) => places.some((place) => x > place.x && x < place.x + NODE.width && y > place.y && y < place.y + NODE.height);
      if (points.some(under)) wrong.push(`${name}: a path under a space`);
    }
    if (name === "long" && plan.bends.size !== 3) wrong.push("long: no bends");
  }
  return wrong;
})()
