// The conformance guest in AssemblyScript. README.md beside this folder says what every language prints.
import {
  dataBlobClose, dataBlobOpen, dataBlobRead, dataBlobWrite, dataDelete, dataGet, dataList, dataPut, memTake, nodeInfo,
  sysLog, zHas, zVersion,
} from "./space";

// The declarations of `space` take texts and arrays, which never leave the memory.
@external("data", "get")
declare function getAnywhere(key: usize, keyBytes: i32, out: usize, capacity: i32): i32;

@external("wasi_snapshot_preview1", "fd_write")
declare function fdWrite(descriptor: i32, vectors: usize, count: i32, written: usize): i32;

const vector = memory.data(12);

function print(descriptor: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  store<u32>(vector, changetype<usize>(bytes));
  store<u32>(vector, bytes.byteLength, 4);
  fdWrite(descriptor, vector, 1, vector + 8);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function text(bytes: Uint8Array, begin: i32, end: i32): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart + begin, end - begin);
}

function hex<T extends number>(value: T): string {
  return value.toString(16).padStart(2 * sizeof<T>(), "0");
}

function list(prefix: string, after: string, capacity: i32): void {
  const found = new Uint8Array(capacity);
  const bytes = dataList(prefix, after, found);
  let names = "";
  for (let at = 0; at < bytes && bytes <= capacity; ) {
    const length = load<i32>(found.dataStart + at);
    names += " " + text(found, at + 4, at + 4 + length);
    at += 4 + length;
  }
  sysLog(`list ${bytes}${names}`);
}

function values(): void {
  sysLog(`put ${dataPut("fruit/pear", bytes("green"))}`);
  sysLog(`put ${dataPut("fruit/apple", bytes("red"))}`);
  sysLog(`put ${dataPut("fruit/fig", bytes(""))}`);
  sysLog(`put ${dataPut("animal/ant", bytes("six legs"))}`);
  const buffer = new Uint8Array(64);
  const got = dataGet("fruit/pear", buffer);
  sysLog(`get ${got} ${text(buffer, 0, got)}`);
  sysLog(`get ${dataGet("fruit/fig", buffer)}`);
  const short = bytes("---");
  const needed = dataGet("animal/ant", short);
  sysLog(`short ${needed} ${text(short, 0, 3)}`);
  list("fruit/", "", 256);
  list("fruit/", "fruit/apple", 20);
  list("fruit/", "", 5);
  list("none", "", 256);
  sysLog(`delete ${dataDelete("fruit/fig")}`);
  sysLog(`delete ${dataDelete("fruit/fig")}`);
  sysLog(`get ${dataGet("fruit/fig", buffer)}`);
}

function errors(): void {
  const large = "x".repeat(65537);
  const out = new Uint8Array(1);
  sysLog(`empty key ${dataPut("", bytes("x"))}`);
  sysLog(`large key ${dataGet(large.substring(0, 513), out)}`);
  sysLog(`large value ${dataPut("large", bytes(large))}`);
  sysLog(`large line ${sysLog(large.substring(0, 4097))}`);
  const key = bytes("fruit/pear");
  const bad = new Uint8Array(2);
  bad[0] = 0xff;
  bad[1] = 0xfe;
  sysLog(`bad text ${getAnywhere(bad.dataStart, 2, out.dataStart, 1)}`);
  sysLog(`bad buffer ${getAnywhere(key.dataStart, key.length, 0xffffff00, 512)}`);
  sysLog(`bad key ${getAnywhere(0xfffffff0, 32, out.dataStart, 1)}`);
  sysLog(`nothing kept ${memTake(out)}`);
}

function generate(count: i32): Uint8Array {
  let state: u32 = 2463534242;
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    bytes[at] = <u8>(state >> 24);
  }
  return bytes;
}

function crc32(bytes: Uint8Array): u32 {
  let crc: u32 = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) {
    crc ^= bytes[at];
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

function part(bytes: Uint8Array, begin: i32, count: i32): Uint8Array {
  return bytes.subarray(begin, min(begin + count, bytes.length));
}

function blobs(): void {
  const bytes = generate(100000);
  const back = new Uint8Array(bytes.length);
  sysLog(`blob absent ${dataBlobOpen("blob/x", 0)}`);
  sysLog(`blob mode ${dataBlobOpen("blob/x", 7)}`);
  let handle = dataBlobOpen("blob/x", 1);
  sysLog(`blob opened ${i32(handle > 0)}`);
  sysLog(`blob denied ${dataBlobRead(handle, part(back, 0, 10))}`);
  sysLog(`blob unknown ${dataBlobWrite(12345, part(bytes, 0, 10))}`);
  for (let at = 0; at < bytes.length; at += 40000) {
    sysLog(`blob write ${dataBlobWrite(handle, part(bytes, at, 40000))}`);
  }
  sysLog(`blob close ${dataBlobClose(handle, 1)}`);
  sysLog(`blob closed ${dataBlobWrite(handle, part(bytes, 0, 10))}`);
  handle = dataBlobOpen("blob/x", 0);
  let total = 0;
  while (total < back.length) {
    const got = dataBlobRead(handle, part(back, total, 30000));
    if (got <= 0) break;
    total += got;
  }
  sysLog(`blob read ${total} ${hex(crc32(back))}`);
  sysLog(`blob end ${dataBlobRead(handle, part(back, 0, 10))}`);
  sysLog(`blob close ${dataBlobClose(handle, 0)}`);
  sysLog(`blob as value ${dataGet("blob/x", part(back, 0, 10))}`);
  const handles = new Array<i32>(16);
  for (let at = 0; at < 16; at++) handles[at] = dataBlobOpen("blob/x", 0);
  sysLog(`blob quota ${dataBlobOpen("blob/x", 0)}`);
  for (let at = 0; at < 16; at++) dataBlobClose(handles[at], 0);
  sysLog(`delete ${dataDelete("blob/x")}`);
}

function node(): void {
  const info = new Uint8Array(1024);
  const needed = nodeInfo(info.subarray(0, 0));
  const got = nodeInfo(info);
  sysLog(`node ${i32(needed > 2)} ${i32(needed == got)} ${text(info, 0, 1)}${text(info, got - 1, got)}`);
}

const constants: StaticArray<u32> = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
];

function sha256(bytes: Uint8Array): string {
  const state: StaticArray<u32> = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ];
  // The length is a multiple of 64: the padding is a block of its own.
  const padded = new Uint8Array(bytes.length + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  store<u64>(padded.dataStart + padded.length - 8, bswap<u64>(<u64>bytes.length * 8));
  const w = new StaticArray<u32>(64);
  for (let begin = 0; begin < padded.length; begin += 64) {
    for (let t = 0; t < 16; t++) w[t] = bswap<u32>(load<u32>(padded.dataStart + begin + 4 * t));
    for (let t = 16; t < 64; t++) {
      const a = w[t - 15];
      const b = w[t - 2];
      w[t] = w[t - 16] + w[t - 7] + (rotr<u32>(a, 7) ^ rotr<u32>(a, 18) ^ (a >> 3))
        + (rotr<u32>(b, 17) ^ rotr<u32>(b, 19) ^ (b >> 10));
    }
    const s = state.slice<StaticArray<u32>>();
    for (let t = 0; t < 64; t++) {
      const one = s[7] + (rotr<u32>(s[4], 6) ^ rotr<u32>(s[4], 11) ^ rotr<u32>(s[4], 25))
        + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[t] + w[t];
      const two = (rotr<u32>(s[0], 2) ^ rotr<u32>(s[0], 13) ^ rotr<u32>(s[0], 22))
        + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
      for (let at = 7; at > 0; at--) s[at] = s[at - 1];
      s[4] += one;
      s[0] = one + two;
    }
    for (let at = 0; at < 8; at++) state[at] += s[at];
  }
  let digest = "";
  for (let at = 0; at < 8; at++) digest += hex(state[at]);
  return digest;
}

function hashes(): void {
  let bytes = generate(65536);
  sysLog(`crc32 ${hex(crc32(bytes))}`);
  sysLog(`sha256 ${sha256(bytes)}`);
  bytes = generate(40000);
  const numbers = Uint32Array.wrap(bytes.buffer);
  numbers.sort();
  let ordered = true;
  let hash: u64 = 0xcbf29ce484222325;
  for (let at = 0; at < numbers.length; at++) {
    ordered = ordered && (at == 0 || numbers[at - 1] <= numbers[at]);
    for (let shift = 0; shift < 32; shift += 8) {
      hash = (hash ^ ((numbers[at] >> shift) & 0xff)) * 0x100000001b3;
    }
  }
  sysLog(`sort ${i32(ordered)} ${hex(hash)}`);
}

// Values that the compiler does not compute with.
const hidden: f64[] = [-2.5, -0.5, 1e300, -1234567.9, -9.5e15, 1.5e19, 5e-324];
const hiddenIntegers: i64[] = [-9000000000000000007, 123456789];

function bits(value: f64): string {
  return hex(reinterpret<u64>(value));
}

function floats(): void {
  let sum: f64 = 0;
  let roots: f64 = 0;
  let product: f64 = 1;
  let small: f32 = 0;
  for (let k = 1; k <= 10000; k++) {
    sum += 1.0 / <f64>k;
    roots += sqrt<f64>(k);
    product *= 1.0 + 1.0 / (<f64>k * <f64>k);
    small += <f32>1 / <f32>k;
  }
  sysLog(`harmonic ${bits(sum)} ${hex(reinterpret<u32>(small))}`);
  sysLog(`roots ${bits(roots)}`);
  sysLog(`product ${bits(product)}`);
  sysLog(`rounding ${bits(floor(hidden[0]))} ${bits(ceil(hidden[1]))} ${bits(trunc(hidden[2]))}`);
  sysLog(`truncated ${<i32>hidden[3]} ${<i64>hidden[4]} ${<u64>hidden[5]}`);
  sysLog(`tiny ${bits(hidden[6] * 3)}`);
}

function fibonacci(n: u32): u32 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function integers(): void {
  const a = hiddenIntegers[0];
  const b = hiddenIntegers[1];
  sysLog(`divide ${a / b} ${a % b} ${a * b}`);
  sysLog(`shift ${a >> 7} ${<u64>a >> 7}`);
  sysLog(`count ${clz(b)} ${ctz(b << 20)} ${popcnt(a)}`);
  sysLog(`fibonacci ${fibonacci(24)}`);
  const table: ((a: u64, b: u64) => u64)[] = [
    (a: u64, b: u64): u64 => a + b,
    (a: u64, b: u64): u64 => a * b,
    (a: u64, b: u64): u64 => a ^ b,
    (a: u64, b: u64): u64 => rotl(a, b & 63),
  ];
  let value: u64 = 1;
  for (let step: u64 = 1; step <= 1000; step++) value = table[<i32>((value ^ step) % 4)](value, step);
  sysLog(`table ${hex(value)}`);
}

function allocate(): void {
  const bytes = new Uint8Array(1 << 20);
  for (let at = 0; at < bytes.length; at++) bytes[at] = <u8>((at * 7) >> 3);
  let sum: u32 = 0;
  for (let at = 0; at < bytes.length; at++) sum += bytes[at];
  sysLog(`memory ${sum}`);
}

export function on_init(): i32 {
  sysLog("greeting: hello, grüße, 世界");
  sysLog(`z ${i32(zVersion() >= 1)} ${zHas("data.put")} ${zHas("no.such")}`);
  values();
  errors();
  blobs();
  node();
  hashes();
  floats();
  integers();
  allocate();
  print(1, "stdout: one,");
  print(1, " two\n");
  print(2, "stderr: three\n");
  return 0;
}

export function on_process(): i32 {
  sysLog("processed");
  return 0;
}

export function on_close(): i32 {
  sysLog("closed");
  return 0;
}

/** What a failed assertion and a thrown error call: logs them, and traps. */
function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  sysLog(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  unreachable();
}
