// The library of a UI space's page, version 1: `space` sends and receives along the space's paths.
// Every UI space is served it as `space.js`. `space.d.ts` has its types, `docs/desk.md` what it means.
"use strict";
(() => {
  const VERSION = 1;
  const ANSWER_MILLISECONDS = 60_000;
  const calls = new Map();
  const requests = new Map();
  const early = new Map();
  const listeners = new Map();
  const outbox = [];
  let port = null;
  let last = 0;

  class SpaceError extends Error {
    constructor({ code, says }) {
      super(`${code}: ${says}`);
      this.name = "SpaceError";
      this.code = code;
    }
  }

  function bodyOf(message) {
    if (typeof message === "string") return message;
    if (message instanceof ArrayBuffer) return message.slice(0);
    if (ArrayBuffer.isView(message)) {
      return message.buffer.slice(message.byteOffset, message.byteOffset + message.byteLength);
    }
    const text = JSON.stringify(message);
    if (text === undefined) throw new TypeError("a message is text, bytes, or a value that JSON can hold");
    return text;
  }

  function call(request) {
    return new Promise((resolve, reject) => {
      last += 1;
      calls.set(last, { resolve, reject });
      const message = { ...request, call: last };
      if (port) port.postMessage(message);
      else outbox.push(message);
    });
  }

  function nameOf(name) {
    if (typeof name !== "string" || name === "") throw new TypeError("a path has a name");
    return name;
  }

  function answered({ answers, body }) {
    const request = requests.get(answers);
    // An answer may be here before the desk has said which number the request got.
    if (!request) {
      early.set(answers, body);
      if (early.size > 64) early.delete(early.keys().next().value);
      return;
    }
    requests.delete(answers);
    clearTimeout(request.timer);
    request.resolve(body);
  }

  function delivered(message) {
    if (message.way === "answer") return answered(message);
    const name = message.way === "event" ? `events/${message.name}` : message.name;
    const about = { path: name, from: message.from, id: message.id, time: message.time };
    for (const callback of [...(listeners.get(name) ?? [])]) {
      // One callback's mistake is not another's.
      try {
        callback(message.body, about);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }

  function received({ data }) {
    if (data.way) return delivered(data);
    const waiting = calls.get(data.call);
    if (!waiting) return;
    calls.delete(data.call);
    if (data.refused) waiting.reject(new SpaceError(data.refused));
    else waiting.resolve(data);
  }

  addEventListener("message", (event) => {
    // Other frames of the desk can post here, too; only the desk is the parent.
    if (event.source !== parent || event.data?.space !== VERSION || event.ports.length !== 1) return;
    event.stopImmediatePropagation();
    port?.close();
    [port] = event.ports;
    port.onmessage = received;
    for (const message of outbox.splice(0)) port.postMessage(message);
  });

  const place = new URLSearchParams(location.hash.slice(1));
  const position = place.has("at") ? Object.freeze({ at: place.get("at"), face: place.get("face") }) : null;

  const space = Object.freeze({
    version: VERSION,
    position,
    Error: SpaceError,
    async send(path, message) {
      await call({ op: "emit", to: nameOf(path), body: bodyOf(message), asks: false });
    },
    async request(path, message, { timeout = ANSWER_MILLISECONDS } = {}) {
      const { id } = await call({ op: "emit", to: nameOf(path), body: bodyOf(message), asks: true });
      if (early.has(id)) {
        const body = early.get(id);
        early.delete(id);
        return body;
      }
      return new Promise((resolve, reject) => {
        const late = () => {
          requests.delete(id);
          call({ op: "forget", id }).catch(() => {});
          reject(new SpaceError({ code: "expired", says: `no answer came within ${timeout} ms` }));
        };
        requests.set(id, { resolve, timer: setTimeout(late, timeout) });
      });
    },
    subscribe(path, callback) {
      const name = nameOf(path);
      if (typeof callback !== "function") throw new TypeError("a callback is a function");
      if (!listeners.has(name)) {
        listeners.set(name, new Set());
        const event = name.startsWith("events/") ? name.slice("events/".length) : null;
        call(event === null ? { op: "listen" } : { op: "subscribe", event }).catch((error) => {
          console.error(`space.subscribe("${name}")`, error);
        });
      }
      listeners.get(name).add(callback);
      return () => listeners.get(name).delete(callback);
    },
    log(text) {
      call({ op: "log", text: String(text) }).catch((error) => console.error("space.log", error));
    },
  });
  Object.defineProperty(globalThis, "space", { value: space, enumerable: true });
  parent.postMessage({ space: VERSION }, "*");
})();
