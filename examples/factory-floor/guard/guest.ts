// The Guest Library: what a space does, in AssemblyScript's own terms, over the bindings in `space.ts`. There is no
// catching of errors, so a call gives a `Result`: its value, or the code of what failed. Buffers grow as they need it.
import * as space from "./space";
import { codes, errorName, limits } from "./space";

/** What a call gives: a value, or an error. Where it failed, the value is an empty one. */
export class Result<T> {
  constructor(
    public readonly value: T,
    /** The code of the error, 0 without one. */
    public readonly code: i32 = 0,
  ) {}

  get isOk(): bool {
    return this.code == 0;
  }

  /** The error's name. */
  get error(): string {
    return errorName(this.code);
  }
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

export function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

/** Writes to the log. What is longer than a line may be goes on in the next one. */
export function log(text: string): void {
  const most = limits.LOG_LINE_BYTES_MAX;
  if (String.UTF8.byteLength(text) <= most) {
    space.sysLog(text);
    return;
  }
  let rest = bytesOf(text);
  while (rest.length > most) {
    let end = most;
    while (end > 0 && (rest[end] & 0xc0) == 0x80) end--;
    space.sysLog(textOf(rest.subarray(0, end)));
    rest = rest.subarray(end);
  }
  space.sysLog(textOf(rest));
}

/** Waits. A wait that was ended says that the space is to close. Answers 0 or a code. */
export function sleep(milliseconds: u32): i32 {
  return space.sysSleep(milliseconds);
}

/** What the machine says of itself, as JSON. */
export function node(): Result<string> {
  return text(filled((_a, _b, out) => space.nodeInfo(out)));
}

/** Whether the host serves a function of the ABI, such as `data.put`. */
export function has(name: string): bool {
  return space.zHas(name) == 1;
}

/** The version of the host's table. */
export function version(): i32 {
  return space.zVersion();
}

/** What a call writes, in a buffer that grows until it fits. The texts are for the call: functions here keep nothing. */
function filled(call: (a: string, b: string, out: Uint8Array) => i32, a: string = "", b: string = ""): Result<Uint8Array> {
  let buffer = new Uint8Array(512);
  while (true) {
    const needed = call(a, b, buffer);
    if (needed < 0) return new Result(new Uint8Array(0), needed);
    if (needed <= buffer.length) return new Result(buffer.subarray(0, needed));
    buffer = new Uint8Array(needed);
  }
}

/** The result that the host keeps, after a call that answered its bytes. */
function taken(result: i32): Result<Uint8Array> {
  if (result < 0) return new Result(new Uint8Array(0), result);
  const buffer = new Uint8Array(result);
  const got = result > 0 ? space.memTake(buffer) : 0;
  return new Result(buffer, min(got, 0));
}

function text(bytes: Result<Uint8Array>): Result<string> {
  return new Result(textOf(bytes.value), bytes.code);
}

/** A message, and where it comes from. */
export class Message {
  constructor(
    public readonly bytes: Uint8Array,
    info: string,
  ) {
    this.from = unquoted(member(info, "from"));
    this.path = unquoted(member(info, "path"));
    const answers = member(info, "answers");
    this.id = unquoted(member(info, "id"));
    this.answers = answers == "null" ? "" : unquoted(answers);
    this.time = numberOf(member(info, "time"));
  }

  /** The space that sent it, `@self` for this one. */
  readonly from: string;
  /** The path that it came by, empty from oneself. */
  readonly path: string;
  readonly id: string;
  /** The id of the message that it answers, empty for none. */
  readonly answers: string;
  /** Milliseconds since 1970. */
  readonly time: u64;

  /** Its bytes as text. */
  get text(): string {
    return textOf(this.bytes);
  }

  /** The name of the event that it brings, or nothing. */
  get event(): string {
    return this.path.startsWith("@events/") ? this.path.substring(8) : "";
  }

  /** Answers it, as long as no other message was taken after it. Answers 0 or a code. */
  answer(bytes: Uint8Array): i32 {
    return send("@sender", bytes);
  }
}

/** Takes the next message; null where none waits. */
export function next(): Result<Message | null> {
  const bytes = filled((_a, _b, out) => space.netRecvNext(out));
  if (!bytes.isOk) return new Result<Message | null>(null, bytes.code == codes.WOULD_BLOCK ? 0 : bytes.code);
  const info = filled((_a, _b, out) => space.netMessageInfo(out));
  if (!info.isOk) return new Result<Message | null>(null, info.code);
  return new Result<Message | null>(new Message(bytes.value, textOf(info.value)));
}

/** Sends a message to a path, or to a space that one path leads to. Answers 0 or a code. */
export function send(to: string, bytes: Uint8Array): i32 {
  return space.netEmitTo(to, bytes);
}

/** Puts a message into the space's own queue. Answers 0 or a code. */
export function sendSelf(bytes: Uint8Array): i32 {
  return space.sysSelfEmit(bytes);
}

/** The value of a key; its code is `codes.NOT_FOUND` where there is none. */
export function get(key: string): Result<Uint8Array> {
  return filled((key, _, out) => space.dataGet(key, out), key);
}

/** Gives a key its value, which is durable on return. Answers 0 or a code. */
export function put(key: string, value: Uint8Array): i32 {
  return space.dataPut(key, value);
}

/** Removes a key; whether there was one. */
export function remove(key: string): Result<bool> {
  const removed = space.dataDelete(key);
  return new Result(removed > 0, min(removed, 0));
}

/** The keys that begin with a prefix, in byte order. */
export function keys(prefix: string): Result<string[]> {
  const all: string[] = [];
  while (true) {
    const last = all.length > 0 ? all[all.length - 1] : "";
    const page = filled((prefix, last, out) => space.dataList(prefix, last, out), prefix, last);
    if (!page.isOk || page.value.length == 0) return new Result(all, page.code);
    for (let at = 0; at < page.value.length; ) {
      const length = load<u32>(page.value.dataStart + at);
      all.push(String.UTF8.decodeUnsafe(page.value.dataStart + at + 4, length));
      at += 4 + length;
    }
  }
}

/** A blob that is written: it appears whole when it is committed, and not at all otherwise. */
export class BlobWriter {
  private constructor(private handle: i32) {}

  /** Begins a blob anew. */
  static create(key: string): Result<BlobWriter> {
    const handle = space.dataBlobOpen(key, 1);
    return new Result(new BlobWriter(handle), min(handle, 0));
  }

  /** Appends to it. Answers 0 or a code. */
  write(bytes: Uint8Array): i32 {
    for (let at = 0; at < bytes.length; at += limits.CHUNK_BYTES_MAX) {
      const written = space.dataBlobWrite(this.handle, bytes.subarray(at, at + limits.CHUNK_BYTES_MAX));
      if (written < 0) return written;
    }
    return 0;
  }

  /** Has it appear. Answers 0 or a code. */
  commit(): i32 {
    return space.dataBlobClose(this.handle, 1);
  }

  /** Drops it. Answers 0 or a code. */
  drop(): i32 {
    return space.dataBlobClose(this.handle, 0);
  }
}

/** A blob that is read, from its beginning. */
export class BlobReader {
  private constructor(private handle: i32) {}

  /** Opens it; its code is `codes.NOT_FOUND` where there is none. */
  static open(key: string): Result<BlobReader> {
    const handle = space.dataBlobOpen(key, 0);
    return new Result(new BlobReader(handle), min(handle, 0));
  }

  /** Its next bytes, as many as fit; 0 at its end. */
  read(buffer: Uint8Array): Result<i32> {
    const read = space.dataBlobRead(this.handle, buffer);
    return new Result(max(read, 0), min(read, 0));
  }

  /** Closes it. Answers 0 or a code. */
  close(): i32 {
    return space.dataBlobClose(this.handle, 0);
  }
}

/** Calls a deterministic function, or a service. */
export function invoke(name: string, input: Uint8Array): Result<Uint8Array> {
  return taken(space.agentInvokeDf(name, input));
}

/** Lets a model choose among functions, and calls the one chosen. */
export function select(name: string, input: Uint8Array): Result<Uint8Array> {
  return taken(space.agentInvokeAf(name, input));
}

/** Asks a model. */
export function model(name: string, input: string): Result<string> {
  return text(taken(space.agentInvokeLlm(name, bytesOf(input))));
}

/** Asks the cache, then a model, whose answer is kept for so many seconds if there is room. */
export function ask(name: string, input: string, seconds: u32): Result<string> {
  const kept = lookup(input);
  if (kept.code != codes.NOT_FOUND) return text(kept);
  const answer = model(name, input);
  if (answer.isOk) keep(input, bytesOf(answer.value), seconds);
  return answer;
}

/** Finds an answer in the intelligence cache; its code is `codes.NOT_FOUND` where there is none. */
export function lookup(key: string): Result<Uint8Array> {
  return taken(space.icLookup(key));
}

/** Keeps an answer for so many seconds; 0 is until the room is needed. Answers 0 or a code. */
export function keep(key: string, value: Uint8Array, seconds: u32): i32 {
  return space.icStore(key, value, seconds);
}

/** What a sensor measured. */
export class Reading {
  constructor(json: string) {
    this.number = numberOf(member(json, "number"));
    this.time = numberOf(member(json, "time"));
    this.lost = numberOf(member(json, "lost"));
    this.value = member(json, "value");
  }

  /** Its number among the sensor's, from 1. */
  readonly number: u64;
  /** Milliseconds since 1970. */
  readonly time: u64;
  /** How many found no room since the one before. */
  readonly lost: u64;
  /** What the device says, as JSON. */
  readonly value: string;
}

/** Asks for readings, with options in JSON, which may be empty. Answers 0 or a code. */
export function subscribeSensor(id: string, options: string = ""): i32 {
  return space.sensorsSubscribe(id, options);
}

/** The next reading; null where none waits, and the code `codes.CLOSED` where none will come. */
export function readSensor(id: string): Result<Reading | null> {
  const json = taken(space.sensorsRead(id));
  if (!json.isOk) return new Result<Reading | null>(null, json.code == codes.WOULD_BLOCK ? 0 : json.code);
  return new Result<Reading | null>(new Reading(textOf(json.value)));
}

/** An actuator that is this space's until the lock is released, or its time is over. */
export class Lock {
  private constructor(
    /** It grows from lock to lock. */
    public readonly fence: i32,
  ) {}

  /** Takes an actuator. */
  static take(id: string, milliseconds: u32): Result<Lock> {
    const fence = space.actuatorsLock(id, milliseconds);
    return new Result(new Lock(fence), min(fence, 0));
  }

  /** Takes an actuator, has one action in JSON carried out, and gives it back. */
  static once(id: string, milliseconds: u32, action: string): Result<string> {
    const lock = Lock.take(id, milliseconds);
    if (!lock.isOk) return new Result("", lock.code);
    const done = lock.value.command(action);
    lock.value.release();
    return done;
  }

  /** Has an action in JSON carried out; its result, in JSON. */
  command(action: string): Result<string> {
    return text(taken(space.actuatorsCommand(this.fence, action)));
  }

  /** Gives it back. Answers 0 or a code. */
  release(): i32 {
    return space.actuatorsRelease(this.fence);
  }
}

/** Asks for the events of a name. They arrive as messages: see `Message.event`. Answers 0 or a code. */
export function subscribeEvent(name: string): i32 {
  return space.eventsSubscribe(name);
}

/** Emits an event that the space declares. Answers 0 or a code. */
export function emitEvent(name: string, payload: Uint8Array): i32 {
  return space.eventsEmit(name, payload);
}

/** Has the host emit an event by a specification in JSON. Answers 0 or a code. */
export function recognize(name: string, specification: string): i32 {
  return space.eventsRegisterRecognizer(name, specification);
}

/** What was heard, as much as fits; 0 where there is none by now. */
export function capture(buffer: Uint8Array): Result<i32> {
  return moved(space.audioCapture(buffer));
}

/** Plays; how many bytes the speaker took. */
export function play(sound: Uint8Array): Result<i32> {
  return moved(space.audioPlayback(sound));
}

function moved(bytes: i32): Result<i32> {
  return new Result(max(bytes, 0), bytes == codes.WOULD_BLOCK ? 0 : min(bytes, 0));
}

/** A member of an object in JSON, as it stands there, or nothing. */
export function member(object: string, key: string): string {
  let depth = 0;
  let start = -1;
  for (let at = 0; at < object.length; at++) {
    const letter = object.charCodeAt(at);
    if (letter == 0x22) {
      const begin = at + 1;
      for (at = begin; at < object.length && object.charCodeAt(at) != 0x22; at++) {
        if (object.charCodeAt(at) == 0x5c) at++;
      }
      let after = at + 1;
      while (after < object.length && object.charCodeAt(after) <= 0x20) after++;
      const isKey = depth == 1 && start < 0 && after < object.length && object.charCodeAt(after) == 0x3a;
      if (isKey && object.substring(begin, at) == key) {
        at = after;
        start = after + 1;
      }
    } else if (letter == 0x7b || letter == 0x5b) {
      depth++;
    } else if (letter == 0x7d || letter == 0x5d || letter == 0x2c) {
      if (depth == 1 && start >= 0) return object.substring(start, at).trim();
      if (letter != 0x2c) depth--;
    }
  }
  return "";
}

/** A text without its quotes; escapes stay as they are. */
export function unquoted(value: string): string {
  return value.startsWith("\"") ? value.substring(1, value.length - 1) : value;
}

/** A number, 0 for what is none. */
export function numberOf(value: string): u64 {
  const digits = unquoted(value);
  return digits.length > 0 && digits.charCodeAt(0) >= 0x30 && digits.charCodeAt(0) <= 0x39 ? U64.parseInt(digits) : 0;
}
