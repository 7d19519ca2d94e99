// Goes through the Guest Library: tests/guests/README.md.
import * as guest from "./guest";
import { actuatorsCommand, codes, errorName } from "./space";

const LARGE_BYTES = 40_000;
const BLOB_BYTES = 200_000;
const MESSAGE_BYTES = 60_000;

let first = "";

function pattern(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = <u8>(at * 7 + 3);
  return bytes;
}

function sum(bytes: Uint8Array): u32 {
  let total: u32 = 0;
  for (let at = 0; at < bytes.length; at++) total += bytes[at];
  return total;
}

function nameOf(code: i32): string {
  return code < 0 ? errorName(code) : "no error";
}

function must(code: i32): void {
  assert(code >= 0, nameOf(code));
}

function shows(what: string, found: guest.Result<Uint8Array>): void {
  if (found.code == codes.NOT_FOUND) return guest.log(`${what} is not there`);
  must(found.code);
  guest.log(`${what} is ${guest.textOf(found.value)}`);
}

function small(): void {
  guest.log("a line: ümläut, and \"quotes\"");
  guest.log("k".repeat(4095) + "üend");
  guest.log(`z: ${guest.has("data.put")} ${guest.has("data.forget")} ${guest.version() >= 1}`);
  guest.log(`node: ${guest.node().value.startsWith("{\"")}`);
}

function values(): void {
  shows("data: note", guest.get("note"));
  must(guest.put("note", guest.bytesOf("remembered")));
  shows("data: note", guest.get("note"));
  must(guest.put("large", pattern(LARGE_BYTES)));
  const large = guest.get("large").value;
  guest.log(`data: large has ${large.length} bytes, sum ${sum(large)}`);
  const deleted = guest.remove("large").value;
  guest.log(`data: deleted ${deleted} ${guest.remove("large").value}`);
  guest.log(`data: an empty key: ${nameOf(guest.put("", pattern(1)))}`);
  guest.log(`data: too much: ${nameOf(guest.put("note", pattern(70_000)))}`);
  for (let at = 0; at < 300; at++) must(guest.put(`item/${at.toString().padStart(3, "0")}`, pattern(1)));
  const keys = guest.keys("item/");
  must(keys.code);
  const all = keys.value;
  guest.log(`data: ${all.length} keys, from ${all[0]} to ${all[all.length - 1]}`);
}

function blobs(): void {
  const written = guest.BlobWriter.create("blob");
  must(written.code);
  must(written.value.write(pattern(BLOB_BYTES)));
  must(written.value.commit());
  const reader = guest.BlobReader.open("blob");
  must(reader.code);
  const buffer = new Uint8Array(8192);
  let length = 0;
  let total: u32 = 0;
  while (true) {
    const read = reader.value.read(buffer);
    must(read.code);
    if (read.value == 0) break;
    length += read.value;
    total += sum(buffer.subarray(0, read.value));
  }
  must(reader.value.close());
  guest.log(`data: blob has ${length} bytes, sum ${total}`);
  const dropped = guest.BlobWriter.create("dropped").value;
  must(dropped.write(pattern(1)));
  must(dropped.drop());
  guest.log(`data: dropped is there: ${guest.BlobReader.open("dropped").code != codes.NOT_FOUND}`);
}

function agents(): void {
  shows("ic: answer", guest.lookup("what?"));
  must(guest.keep("what?", guest.bytesOf("a cache"), 60));
  shows("ic: answer", guest.lookup("what?"));
  const large = guest.invoke("large", guest.bytesOf("100000")).value;
  guest.log(`agent: large gives ${large.length} bytes, sum ${sum(large)}`);
  guest.log(`agent: triage gives ${guest.textOf(guest.select("triage", guest.bytesOf("Say 20.")).value)}`);
  guest.log(`agent: model says ${guest.model("small", "Hello?").value}`);
  guest.log(`agent: asked ${guest.ask("small", "Who?", 60).value}`);
  guest.log(`agent: asked again ${guest.ask("small", "Who?", 60).value}`);
  guest.log(`agent: nobody: ${guest.invoke("nobody", new Uint8Array(0)).error}`);
}

function locked(): i32 {
  const lock = guest.Lock.take("valve", 60_000);
  must(lock.code);
  const result = lock.value.command("{\"open\":true}");
  must(result.code);
  guest.log(`actuators: done ${guest.member(result.value, "done")}`);
  must(lock.value.release());
  return lock.value.fence;
}

function devices(): void {
  must(guest.subscribeSensor("tape", "{\"queue\":8}"));
  while (true) {
    const read = guest.readSensor("tape");
    if (!read.isOk) {
      guest.log(`sensors: then ${read.error}`);
      break;
    }
    const reading = read.value;
    if (reading) guest.log(`sensors: ${reading.number} of tape is ${reading.value}`);
    else must(guest.sleep(1));
  }
  guest.log(`sensors: cellar: ${guest.readSensor("cellar").error}`);
  guest.log(`actuators: after its block: ${nameOf(actuatorsCommand(locked(), "1"))}`);
  guest.log(`actuators: gate: ${guest.Lock.once("gate", 1, "{}").error}`);
  guest.log(`audio: played ${guest.play(guest.bytesOf("abcdefgh")).value}`);
  const buffer = pattern(4);
  let heard = 0;
  while (heard == 0) {
    const captured = guest.capture(buffer);
    must(captured.code);
    heard = captured.value;
    if (heard == 0) must(guest.sleep(1));
  }
  guest.log(`audio: captured ${heard}, sum ${sum(buffer)}`);
}

function happened(message: guest.Message): void {
  if (message.event == "done") {
    guest.log(`event: done brings ${message.text}`);
    must(guest.subscribeEvent("hot"));
    must(guest.recognize("hot", "{\"sensor\":\"oven\",\"when\":{\"always\":{}},\"perMinute\":1}"));
    return;
  }
  guest.log(`event: ${message.event} is ${guest.member(message.text, "state")}`);
  guest.log(`message: none is left: ${guest.next().value == null}`);
  guest.log("end");
}

export function on_init(): i32 {
  small();
  values();
  blobs();
  agents();
  devices();
  return guest.sendSelf(guest.bytesOf("one"));
}

export function on_process(): i32 {
  const next = guest.next();
  const message = next.value;
  if (!message) return next.code;
  if (message.event != "") {
    happened(message);
  } else if (message.text == "one") {
    guest.log(`message: one from ${message.from}, an answer: ${message.answers != ""}`);
    first = message.id;
    must(message.answer(guest.bytesOf("two")));
  } else if (message.text == "two") {
    guest.log(`message: two from ${message.from}, an answer: ${message.answers == first}`);
    must(guest.sendSelf(pattern(MESSAGE_BYTES)));
  } else {
    guest.log(`message: ${message.bytes.length} bytes, sum ${sum(message.bytes)}`);
    guest.log(`message: nobody: ${nameOf(guest.send("nobody", pattern(1)))}`);
    must(guest.subscribeEvent("done"));
    must(guest.emitEvent("done", guest.bytesOf("well")));
  }
  return 0;
}

export function on_close(): i32 {
  guest.log("closing");
  return 0;
}

function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  guest.log(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
