// The guard: while the furnace is hot it has the gate locked, closed, so that nobody else can open it.
import * as guest from "./guest";
import { codes } from "./space";

const GATE = "factory-gate";
// Longer than the furnace is hot at a time. If this space ends, so does its lock.
const LEASE_MILLISECONDS: u32 = 30_000;
// The gate's own space has it for one order at a time.
const RETRY_MILLISECONDS: u32 = 20;
const RETRIES = 100;

let lock: guest.Lock | null = null;

function tell(hot: bool, fence: i32): i32 {
  const sent = guest.send("alarms", guest.bytesOf(`{"hot":${hot},"fence":${fence}}`));
  return sent == codes.WOULD_BLOCK || sent == codes.CLOSED ? 0 : sent;
}

function begun(): i32 {
  let taken = guest.Lock.take(GATE, LEASE_MILLISECONDS);
  for (let tries = 0; taken.code == codes.BUSY && tries < RETRIES; tries++) {
    if (guest.sleep(RETRY_MILLISECONDS) < 0) return 0;
    taken = guest.Lock.take(GATE, LEASE_MILLISECONDS);
  }
  if (!taken.isOk) return taken.code;
  lock = taken.value;
  guest.log(`the gate is locked, with fence ${taken.value.fence}`);
  const done = taken.value.command(`{"position":"closed"}`);
  return done.isOk ? tell(true, taken.value.fence) : done.code;
}

function ended(): i32 {
  const held = lock;
  if (!held) return tell(false, 0);
  lock = null;
  const released = held.release();
  // Its time may be over.
  if (released < 0 && released != codes.EXPIRED && released != codes.INVALID) return released;
  guest.log("the gate is free");
  return tell(false, held.fence);
}

export function on_init(): i32 {
  return guest.subscribeEvent("hot");
}

export function on_process(): i32 {
  const next = guest.next();
  const message = next.value;
  if (!message) return next.code;
  const state = guest.unquoted(guest.member(message.text, "state"));
  if (state == "begun") return begun();
  if (state == "ended") return ended();
  return codes.MALFORMED;
}

export function on_close(): i32 {
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  guest.log(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
