// The guard: while the furnace is hot it has the gate locked, closed, so that nobody else can open it.
import { actuatorsCommand, actuatorsLock, actuatorsRelease, codes, eventsSubscribe, netEmitTo, netRecvNext, sysLog, sysSleep } from "./space";

const GATE = "factory-gate";
// Longer than the furnace is hot at a time. If this space ends, so does its lock.
const LEASE_MILLISECONDS: u32 = 30_000;
// The gate's own space has it for one order at a time.
const RETRY_MILLISECONDS: u32 = 20;
const RETRIES = 100;

let lock: i32 = 0;

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function tell(hot: bool): i32 {
  const sent = netEmitTo("alarms", bytes(`{"hot":${hot},"fence":${lock}}`));
  return sent == codes.WOULD_BLOCK || sent == codes.CLOSED ? 0 : sent;
}

function begun(): i32 {
  let taken = actuatorsLock(GATE, LEASE_MILLISECONDS);
  for (let tries = 0; taken == codes.BUSY && tries < RETRIES; tries++) {
    if (sysSleep(RETRY_MILLISECONDS) < 0) return 0;
    taken = actuatorsLock(GATE, LEASE_MILLISECONDS);
  }
  if (taken < 0) return taken;
  lock = taken;
  sysLog(`the gate is locked, with fence ${lock}`);
  const done = actuatorsCommand(lock, `{"position":"closed"}`);
  return done < 0 ? done : tell(true);
}

function ended(): i32 {
  const released = actuatorsRelease(lock);
  // Its time may be over.
  if (released < 0 && released != codes.EXPIRED && released != codes.INVALID) return released;
  sysLog("the gate is free");
  return tell(false);
}

export function on_init(): i32 {
  return eventsSubscribe("hot");
}

export function on_process(): i32 {
  const buffer = new Uint8Array(1024);
  const length = netRecvNext(buffer);
  if (length == codes.WOULD_BLOCK) return 0;
  if (length < 0) return length;
  if (length > buffer.length) return codes.TOO_LARGE;
  const event = String.UTF8.decode(buffer.buffer.slice(0, length));
  if (event.includes(`"state":"begun"`)) return begun();
  if (event.includes(`"state":"ended"`)) return ended();
  return codes.MALFORMED;
}

export function on_close(): i32 {
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  sysLog(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
