// Requests to the desk's server, and its streams.

// One page's frames belong to it, also when its stream is opened anew.
export const PAGE = crypto.randomUUID();

const KEY = key();
const AGAIN_MILLISECONDS = 1500;

// The page that uses a ticket brings a key. It is kept where only this origin reads: unlike cookies, by port.
function key() {
  const given = document.querySelector('meta[name="key"]').content;
  if (/^[0-9a-f]+$/.test(given)) localStorage.setItem("key", given);
  return localStorage.getItem("key") ?? "";
}

async function answer(response) {
  const text = await response.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    value = { refused: { code: "invalid", says: text.trim() || `the server answered ${response.status}` } };
  }
  return response.ok || value.refused ? value : { refused: { code: "invalid", says: `${response.status}` } };
}

async function reach(target, options) {
  try {
    return await answer(await fetch(target, options));
  } catch {
    return { refused: { code: "closed", says: "the desk does not answer; is `space up` still running?" } };
  }
}

export function post(path, value) {
  const headers = { "content-type": "application/json", "x-space-desk": KEY };
  return reach(path, { method: "POST", headers, body: JSON.stringify(value) });
}

export function read(path, query) {
  return reach(`${path}?${new URLSearchParams(query)}`, { headers: { "x-space-desk": KEY } });
}

// Calls `on[name]` with each event until the stream ends, then `ended` with why. Gives what ends it from here.
export function stream(path, query, { on, opened, ended }) {
  const stop = new AbortController();
  const follow = async () => {
    const options = { headers: { "x-space-desk": KEY }, signal: stop.signal };
    const response = await fetch(`${path}?${new URLSearchParams(query)}`, options);
    if (!response.ok) return (await answer(response)).refused.says;
    opened?.();
    await events(response.body, on);
    return null;
  };
  follow()
    .catch(() => null)
    .then((why) => {
      if (!stop.signal.aborted) ended(why ?? "the desk does not answer");
    });
  return () => stop.abort();
}

async function events(body, on) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) dispatch(block.split("\n"), on);
  }
}

function dispatch(lines, on) {
  const all = (field) => lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
  const data = all("data").join("\n");
  if (data !== "") on[all("event")[0]]?.(JSON.parse(data));
}

// Follows the state and the news for frames, again and again; says whether the server is there.
export function watch({ begin, state, ui, there }) {
  stream("/api/stream", { page: PAGE }, {
    on: { begin, state, ui },
    opened: () => there(true),
    ended(why) {
      there(false, why);
      setTimeout(() => watch({ begin, state, ui, there }), AGAIN_MILLISECONDS);
    },
  });
}
