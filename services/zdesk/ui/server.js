// Requests to the desk's server, and its stream.

// One page's frames belong to it, also when its stream is opened anew.
export const PAGE = crypto.randomUUID();

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
  const headers = { "content-type": "application/json", "x-space-desk": "1" };
  return reach(path, { method: "POST", headers, body: JSON.stringify(value) });
}

export function read(path, query) {
  return reach(`${path}?${new URLSearchParams(query)}`);
}

// Calls back with each change of the state, news for frames, and whether the server is there.
export function watch({ begin, state, ui, there }) {
  const source = new EventSource(`/api/stream?${new URLSearchParams({ page: PAGE })}`);
  source.addEventListener("begin", () => begin());
  source.addEventListener("state", (event) => state(JSON.parse(event.data)));
  source.addEventListener("ui", (event) => ui(JSON.parse(event.data)));
  source.onopen = () => there(true);
  source.onerror = () => {
    there(false);
    // A refused stream is not opened again by the browser.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => watch({ begin, state, ui, there }), 2000);
  };
}
