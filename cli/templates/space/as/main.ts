// %name%: a space in AssemblyScript.
import { codes, dataGet, dataPut, sysLog } from "./space";

// With true the space counts its starts among its values. The module then imports `data.get` and `data.put`, so a
// run must grant them; README.md has the command.
const KEEP_COUNT: bool = false;

let messages: u32 = 0;

function countStart(): i32 {
  const value = new Uint8Array(4);
  const got = dataGet("starts", value);
  if (got < 0 && got != codes.NOT_FOUND) return got;
  const starts = load<u32>(value.dataStart) + 1;
  sysLog(`starts so far: ${starts}`);
  store<u32>(value.dataStart, starts);
  return dataPut("starts", value);
}

/** Once, before any message. An answer below 0 says that it failed. */
export function on_init(): i32 {
  sysLog("hello from %name%, a space in AssemblyScript");
  if (KEEP_COUNT) return countStart();
  return 0;
}

/** For each message; `netRecvNext` would fetch it. */
export function on_process(): i32 {
  messages++;
  return 0;
}

/** Once, at the end. */
export function on_close(): i32 {
  sysLog(`messages: ${messages}`);
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  sysLog(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
