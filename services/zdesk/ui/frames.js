// UI spaces in frames, and the desk's half of the broker between a frame and the server.
//
// A frame is known by its window, never by what it says. It gets one port, and the desk says which space it is.

import { el, setText } from "./dom.js";
import { PAGE, post } from "./server.js";

const VERSION = 1;
const MESSAGE_BYTES_MAX = 64 * 1024;
const WAITING_MAX = 512;
// Beyond this the frame works against the desk, not with it.
const FLOOD_A_SECOND = 2000;
// Why the server closes frames of a space that it may start anew.
const STOPPED = "the space does not run";
// The code with which it opens no frame of a space that does not run yet.
const NOT_YET = "not-found";

const screens = new Set();

addEventListener("message", (event) => {
  // A window that is gone by now is none.
  if (!event.source) return;
  for (const screen of screens) {
    if (screen.iframe && event.source === screen.iframe.contentWindow) screen.greet(event.data);
  }
});

export function news(list) {
  for (const { frame, messages, closed } of list) {
    const screen = [...screens].find((screen) => screen.frame === frame);
    if (!screen) continue;
    for (const message of messages) screen.deliver(message);
    if (closed) screen.end(closed);
  }
}

// After the server forgot its frames: it was started anew, or the page was away for long.
export async function reopenLost() {
  for (const screen of screens) if (screen.frame) await screen.probe();
}

function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

function hexOf(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Screen {
  constructor(app, space, position = null) {
    this.app = app;
    this.space = space;
    this.position = position;
    this.frame = null;
    this.iframe = null;
    this.port = null;
    // Which start of the space is shown, and whether the next one is to be.
    this.instance = null;
    this.follows = false;
    // Whether it could not be opened, since the space did not run.
    this.early = false;
    this.waiting = [];
    this.busy = false;
    this.second = 0;
    this.inSecond = 0;
    this.says = el("p", { class: "says", role: "status" });
    this.again = el("button", { type: "button", onclick: () => this.open() }, "Open again");
    this.notice = el("div", { class: "notice", hidden: true }, this.says, this.again);
    this.holder = el("div", { class: "holder" }, this.notice);
    screens.add(this);
  }

  async open() {
    this.drop();
    this.follows = true;
    this.early = false;
    this.notice.hidden = true;
    this.inSecond = 0;
    const opened = await post("/api/frames", { op: "open", page: PAGE, app: this.app, space: this.space });
    if (!screens.has(this)) {
      if (opened.frame) post("/api/frames", { op: "close", frame: opened.frame });
      return;
    }
    if (opened.refused) {
      this.end(opened.refused.says);
      this.early = opened.refused.code === NOT_YET;
      if (this.early) [this.follows, this.instance] = [true, null];
      return;
    }
    this.frame = opened.frame;
    const place = this.position ? `#${new URLSearchParams(this.position)}` : "";
    this.iframe = el("iframe", {
      sandbox: "allow-scripts",
      referrerpolicy: "no-referrer",
      title: `${this.space} of ${this.app}`,
      src: opened.url + place,
    });
    this.holder.prepend(this.iframe);
  }

  // A space that was started anew may have another page.
  follow(space) {
    if (space?.state !== "running" || space.instance === this.instance) return;
    const known = this.instance !== null;
    this.instance = space.instance;
    if ((known || this.early) && this.follows) this.open();
  }

  // Whether the server still has the frame.
  async probe() {
    const frame = this.frame;
    const { refused } = await post("/api/ui", { frame, op: "forget", id: "0" });
    if (refused?.code === "closed" && this.frame === frame) await this.open();
  }

  drop() {
    if (this.frame) post("/api/frames", { op: "close", frame: this.frame });
    this.frame = null;
    this.port?.close();
    this.port = null;
    this.waiting = [];
    this.iframe?.remove();
    this.iframe = null;
  }

  end(why) {
    this.drop();
    this.follows = why === STOPPED;
    setText(this.says, why);
    this.notice.hidden = false;
  }

  close() {
    screens.delete(this);
    this.drop();
  }

  // The page in the frame is there, perhaps anew.
  greet(data) {
    if (this.flooded() || data?.space !== VERSION) return;
    this.port?.close();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = (event) => this.heard(port1, event.data);
    // The frame's origin is opaque; its window is what tells it from others.
    this.iframe.contentWindow.postMessage({ space: VERSION }, "*", [port2]);
  }

  flooded() {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.inSecond = 0;
    }
    this.inSecond += 1;
    if (this.inSecond <= FLOOD_A_SECOND) return false;
    if (this.frame) this.end(`it was closed: more than ${FLOOD_A_SECOND} messages in a second`);
    return true;
  }

  heard(port, data) {
    if (port !== this.port || this.flooded()) return;
    if (typeof data !== "object" || data === null || typeof data.call !== "number") return;
    const refuse = (code, says) => port.postMessage({ call: data.call, refused: { code, says } });
    const request = checked(data);
    if (typeof request === "string") return refuse("invalid", request);
    if ((request.text ?? request.hex ?? "").length > 2 * MESSAGE_BYTES_MAX) {
      return refuse("too-large", `a message has at most ${MESSAGE_BYTES_MAX} bytes`);
    }
    if (this.waiting.length >= WAITING_MAX) return refuse("quota", "too many calls wait for the desk");
    this.waiting.push({ port, call: data.call, request });
    this.work();
  }

  // One after the other: what a space sends arrives in its order.
  async work() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length > 0) {
      const { port, call, request } = this.waiting.shift();
      const { id, refused } = await post("/api/ui", { ...request, frame: this.frame });
      if (port === this.port) port.postMessage({ call, id, refused });
    }
    this.busy = false;
  }

  deliver({ text, hex, ...message }) {
    this.port?.postMessage({ ...message, body: text ?? bytesOf(hex) });
  }
}

// What a frame asks for, with nothing but what is known; or what is wrong with it.
function checked({ op, to, body, asks, id, text, event }) {
  switch (op) {
    case "emit": {
      if (typeof to !== "string") return "a path is text";
      if (typeof body === "string") return { op, to, text: body, asks: asks === true };
      if (body instanceof ArrayBuffer && body.byteLength <= MESSAGE_BYTES_MAX) {
        return { op, to, hex: hexOf(body), asks: asks === true };
      }
      return "a message is text, or at most 64 KiB of bytes";
    }
    case "forget":
      return typeof id === "string" ? { op, id } : "an id is text";
    case "log":
      return typeof text === "string" ? { op, text } : "a line is text";
    case "listen":
      return { op };
    case "subscribe":
      return typeof event === "string" ? { op, event } : "an event's name is text";
    default:
      return "there is no such call";
  }
}
