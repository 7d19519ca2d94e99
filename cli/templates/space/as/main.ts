// %name%: a space in AssemblyScript.
import * as guest from "./guest";
import { codes } from "./space";

// With true the space counts its starts among its values. The module then imports `data.get` and `data.put`, so a
// run must grant them; README.md has the command.
const KEEP_COUNT: bool = false;

let messages: u32 = 0;

function countStart(): i32 {
  const kept = guest.get("starts");
  if (!kept.isOk && kept.code != codes.NOT_FOUND) return kept.code;
  const starts = (kept.isOk ? load<u32>(kept.value.dataStart) : 0) + 1;
  guest.log(`starts so far: ${starts}`);
  const value = new Uint8Array(4);
  store<u32>(value.dataStart, starts);
  return guest.put("starts", value);
}

/** Once, before any message. An answer below 0 says that it failed. */
export function on_init(): i32 {
  guest.log("hello from %name%, a space in AssemblyScript");
  if (KEEP_COUNT) return countStart();
  return 0;
}

/** For each message; `guest.next` would fetch it. */
export function on_process(): i32 {
  messages++;
  return 0;
}

/** Once, at the end. */
export function on_close(): i32 {
  guest.log(`messages: ${messages}`);
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  guest.log(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
