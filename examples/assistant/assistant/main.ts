// The assistant: answers questions from its cache, else from a model, and has functions done that a model chooses.
import * as guest from "./guest";
import { codes } from "./space";

/** What begins a message that a function is to answer. */
const DO = "do ";
const KEPT_SECONDS: u32 = 24 * 60 * 60;

let found: u32 = 0;
let missed: u32 = 0;
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

/** What nobody waits for, because an operator sent the question, goes to the log. */
function answer(question: guest.Message, from: string, text: string): i32 {
  if (question.path != "questions") {
    guest.log(`${from}: ${text}`);
    return 0;
  }
  const counts = `"found":${found},"missed":${missed}`;
  return question.answer(guest.bytesOf(`{"from":${quoted(from)},"text":${quoted(text)},${counts}}`));
}

function failure(code: i32): string {
  if (code == codes.QUOTA) return "The model's budget of this day is used up.";
  if (code == codes.DENIED) return "The model's key is missing, or was not accepted.";
  if (code == codes.WOULD_BLOCK) return "The model has too much to do. Ask again later.";
  return "The model gave no answer. The events of the application say why.";
}

/** Weather changes: what functions answer is not kept. */
function done(question: guest.Message, task: string): i32 {
  const result = guest.select("helper", guest.bytesOf(task));
  if (!result.isOk) return answer(question, "nobody", failure(result.code));
  return answer(question, "function", guest.textOf(result.value));
}

function asked(question: guest.Message, text: string): i32 {
  const kept = guest.lookup(text);
  if (kept.isOk) {
    found++;
    return answer(question, "cache", guest.textOf(kept.value));
  }
  missed++;
  const said = guest.model("model", text);
  if (!said.isOk) return answer(question, "nobody", failure(said.code));
  // A cache that is full is no failure.
  const code = guest.keep(text, guest.bytesOf(said.value), KEPT_SECONDS);
  if (code < 0) guest.log(`the answer is not kept: ${code}`);
  return answer(question, "model", said.value);
}

export function on_init(): i32 {
  guest.log("ready");
  return 0;
}

export function on_process(): i32 {
  const next = guest.next();
  const question = next.value;
  if (!question) return next.code;
  const text = question.text.trim();
  if (text.length == 0) return answer(question, "nobody", "Ask something.");
  const sent = text.startsWith(DO) ? done(question, text.substring(DO.length)) : asked(question, text);
  // Whoever asked may be gone.
  return sent == codes.CLOSED || sent == codes.EXPIRED ? 0 : min(sent, 0);
}

export function on_close(): i32 {
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  guest.log(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
