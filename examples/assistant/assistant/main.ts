// The assistant: answers questions from its cache, else from a model, and has functions done that a model chooses.
import { agentInvokeAf, agentInvokeLlm, codes, icLookup, icStore, memTake, netEmitTo, netMessageInfo, netRecvNext, sysLog } from "./space";

/** What begins a message that a function is to answer. */
const DO = "do ";
const KEPT_SECONDS: u32 = 24 * 60 * 60;

let found: u32 = 0;
let missed: u32 = 0;
/** Whether the question came along the path, so that somebody waits for the answer. */
let isAwaited = false;

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function text(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

/** The result that the host keeps, of so many bytes. */
function taken(length: i32): string {
  const result = new Uint8Array(length);
  if (length > 0) memTake(result);
  return text(result);
}

function quoted(text: string): string {
  let to = "\"";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit == 0x22 || unit == 0x5c) to += "\\" + text.charAt(at);
    else if (unit < 0x20) to += "\\u" + unit.toString(16).padStart(4, "0");
    else to += text.charAt(at);
  }
  return to + "\"";
}

function cameAlong(path: string): bool {
  const info = new Uint8Array(512);
  const got = netMessageInfo(info);
  return got > 0 && got <= info.length && text(info.subarray(0, got)).includes(`"path":"${path}"`);
}

/** What nobody waits for, because an operator sent the question, goes to the log. */
function answer(from: string, text: string): i32 {
  if (!isAwaited) return sysLog(`${from}: ${text}`);
  const counts = `"found":${found},"missed":${missed}`;
  return netEmitTo("@sender", bytes(`{"from":${quoted(from)},"text":${quoted(text)},${counts}}`));
}

function failure(code: i32): string {
  if (code == codes.QUOTA) return "The model's budget of this day is used up.";
  if (code == codes.DENIED) return "The model's key is missing, or was not accepted.";
  if (code == codes.WOULD_BLOCK) return "The model has too much to do. Ask again later.";
  return "The model gave no answer. The events of the application say why.";
}

/** Weather changes: what functions answer is not kept. */
function done(task: string): i32 {
  const length = agentInvokeAf("helper", bytes(task));
  return length < 0 ? answer("nobody", failure(length)) : answer("function", taken(length));
}

function asked(question: string): i32 {
  let length = icLookup(question);
  if (length >= 0) {
    found++;
    return answer("cache", taken(length));
  }
  missed++;
  length = agentInvokeLlm("model", bytes(question));
  if (length < 0) return answer("nobody", failure(length));
  const said = taken(length);
  // A cache that is full is no failure.
  const kept = icStore(question, bytes(said), KEPT_SECONDS);
  if (kept < 0) sysLog(`the answer is not kept: ${kept}`);
  return answer("model", said);
}

export function on_init(): i32 {
  sysLog("ready");
  return 0;
}

export function on_process(): i32 {
  let message = new Uint8Array(1024);
  let got = netRecvNext(message);
  if (got > message.length) {
    message = new Uint8Array(got);
    got = netRecvNext(message);
  }
  if (got == codes.WOULD_BLOCK) return 0;
  if (got < 0) return got;
  isAwaited = cameAlong("questions");
  const said = text(message.subarray(0, got)).trim();
  if (said.length == 0) return answer("nobody", "Ask something.");
  const sent = said.startsWith(DO) ? done(said.substring(DO.length)) : asked(said);
  // Whoever asked may be gone.
  return sent == codes.CLOSED || sent == codes.EXPIRED ? 0 : min(sent, 0);
}

export function on_close(): i32 {
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  sysLog(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
