//! The conformance guest in Rust, with WASI. README.md beside this folder says what every language prints.

mod space;

use space::{data, mem, node, sys, z};

#[link(wasm_import_module = "data")]
extern "C" {
    // The declarations of `space` take slices, which never leave the memory.
    #[link_name = "get"]
    fn get_anywhere(key: usize, key_bytes: usize, out: usize, capacity: usize) -> i32;
}

macro_rules! say {
    ($($argument:tt)*) => { sys::log(&format!($($argument)*)) };
}

fn list(prefix: &str, after: &str, capacity: usize) {
    let mut found = [0; 256];
    let bytes = data::list(prefix, after, &mut found[..capacity]);
    let mut names = String::new();
    let mut rest = if bytes as usize <= capacity { &found[..bytes as usize] } else { &[] };
    while let Some((length, after)) = rest.split_first_chunk() {
        let (name, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        names += " ";
        names += std::str::from_utf8(name).unwrap();
        rest = after;
    }
    say!("list {bytes}{names}");
}

fn values() {
    say!("put {}", data::put("fruit/pear", b"green"));
    say!("put {}", data::put("fruit/apple", b"red"));
    say!("put {}", data::put("fruit/fig", b""));
    say!("put {}", data::put("animal/ant", b"six legs"));
    let mut buffer = [0; 64];
    let got = data::get("fruit/pear", &mut buffer);
    say!("get {got} {}", String::from_utf8_lossy(&buffer[..got as usize]));
    say!("get {}", data::get("fruit/fig", &mut buffer));
    let mut short = *b"---";
    let needed = data::get("animal/ant", &mut short);
    say!("short {needed} {}", String::from_utf8_lossy(&short));
    list("fruit/", "", 256);
    list("fruit/", "fruit/apple", 20);
    list("fruit/", "", 5);
    list("none", "", 256);
    say!("delete {}", data::delete("fruit/fig"));
    say!("delete {}", data::delete("fruit/fig"));
    say!("get {}", data::get("fruit/fig", &mut buffer));
}

fn errors() {
    let large = "x".repeat(65537);
    let mut out = [0; 1];
    say!("empty key {}", data::put("", b"x"));
    say!("large key {}", data::get(&large[..513], &mut out));
    say!("large value {}", data::put("large", large.as_bytes()));
    say!("large line {}", sys::log(&large[..4097]));
    let (key, bad) = ("fruit/pear", b"\xff\xfe");
    let (at, room) = (key.as_ptr() as usize, out.as_mut_ptr() as usize);
    say!("bad text {}", unsafe { get_anywhere(bad.as_ptr() as usize, 2, room, 1) });
    say!("bad buffer {}", unsafe { get_anywhere(at, key.len(), 0xffff_ff00, 512) });
    say!("bad key {}", unsafe { get_anywhere(0xffff_fff0, 32, room, 1) });
    say!("nothing kept {}", mem::take(&mut out));
}

fn generate(count: usize) -> Vec<u8> {
    let mut state = 2_463_534_242_u32;
    let bytes = (0..count).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    });
    bytes.collect()
}

fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    !crc
}

fn blobs() {
    let bytes = generate(100_000);
    let mut back = vec![0; bytes.len()];
    say!("blob absent {}", data::blob_open("blob/x", 0));
    say!("blob mode {}", data::blob_open("blob/x", 7));
    let handle = data::blob_open("blob/x", 1);
    say!("blob opened {}", i32::from(handle > 0));
    say!("blob denied {}", data::blob_read(handle, &mut back[..10]));
    say!("blob unknown {}", data::blob_write(12345, &bytes[..10]));
    for chunk in bytes.chunks(40_000) {
        say!("blob write {}", data::blob_write(handle, chunk));
    }
    say!("blob close {}", data::blob_close(handle, 1));
    say!("blob closed {}", data::blob_write(handle, &bytes[..10]));
    let handle = data::blob_open("blob/x", 0);
    let mut total = 0;
    for chunk in back.chunks_mut(30_000) {
        total += data::blob_read(handle, chunk);
    }
    say!("blob read {total} {:08x}", crc32(&back));
    say!("blob end {}", data::blob_read(handle, &mut back[..10]));
    say!("blob close {}", data::blob_close(handle, 0));
    say!("blob as value {}", data::get("blob/x", &mut back[..10]));
    let handles: Vec<i32> = (0..16).map(|_| data::blob_open("blob/x", 0)).collect();
    say!("blob quota {}", data::blob_open("blob/x", 0));
    for handle in handles {
        data::blob_close(handle, 0);
    }
    say!("delete {}", data::delete("blob/x"));
}

fn describe() {
    let mut info = [0; 1024];
    let needed = node::info(&mut []);
    let got = node::info(&mut info);
    let last = char::from(info[got as usize - 1]);
    say!("node {} {} {}{last}", i32::from(needed > 2), i32::from(needed == got), char::from(info[0]));
}

const CONSTANTS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

fn sha256(bytes: &[u8]) -> [u32; 8] {
    let mut state: [u32; 8] =
        [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
    // The length is a multiple of 64: the padding is a block of its own.
    let mut padding = [0; 64];
    padding[0] = 0x80;
    padding[56..].copy_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    for block in bytes.chunks(64).chain([&padding[..]]) {
        let mut w = [0; 64];
        for (word, bytes) in w.iter_mut().zip(block.chunks(4)) {
            *word = u32::from_be_bytes(bytes.try_into().unwrap());
        }
        for t in 16..64 {
            let (a, b) = (w[t - 15], w[t - 2]);
            let a: u32 = a.rotate_right(7) ^ a.rotate_right(18) ^ a >> 3;
            let b: u32 = b.rotate_right(17) ^ b.rotate_right(19) ^ b >> 10;
            w[t] = a.wrapping_add(b).wrapping_add(w[t - 16]).wrapping_add(w[t - 7]);
        }
        let mut s = state;
        for (constant, word) in CONSTANTS.iter().zip(w) {
            let turned = s[4].rotate_right(6) ^ s[4].rotate_right(11) ^ s[4].rotate_right(25);
            let chosen = s[4] & s[5] ^ !s[4] & s[6];
            let sum = [turned, chosen, *constant, word];
            let one = sum.iter().fold(s[7], |sum, part| sum.wrapping_add(*part));
            let turned = s[0].rotate_right(2) ^ s[0].rotate_right(13) ^ s[0].rotate_right(22);
            let two = turned.wrapping_add(s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]);
            s.rotate_right(1);
            s[0] = one.wrapping_add(two);
            s[4] = s[4].wrapping_add(one);
        }
        for (word, add) in state.iter_mut().zip(s) {
            *word = word.wrapping_add(add);
        }
    }
    state
}

fn hashes() {
    let bytes = generate(65536);
    say!("crc32 {:08x}", crc32(&bytes));
    let digest: String = sha256(&bytes).iter().map(|word| format!("{word:08x}")).collect();
    say!("sha256 {digest}");
    let bytes = generate(40_000);
    let mut numbers: Vec<u32> =
        bytes.chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect();
    numbers.sort();
    let ordered = numbers.windows(2).all(|pair| pair[0] <= pair[1]);
    let hash = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    say!("sort {} {hash:016x}", i32::from(ordered));
}

fn floats() {
    let (mut sum, mut roots, mut product, mut small) = (0.0, 0.0, 1.0, 0.0_f32);
    for k in 1..=10_000 {
        let wide = f64::from(k);
        sum += 1.0 / wide;
        roots += wide.sqrt();
        product *= 1.0 + 1.0 / (wide * wide);
        small += 1.0 / k as f32;
    }
    say!("harmonic {:016x} {:08x}", f64::to_bits(sum), small.to_bits());
    say!("roots {:016x}", f64::to_bits(roots));
    say!("product {:016x}", f64::to_bits(product));
    let rounded =
        [hidden(-2.5_f64).floor(), hidden(-0.5_f64).ceil(), hidden(1e300_f64).trunc()].map(f64::to_bits);
    say!("rounding {:016x} {:016x} {:016x}", rounded[0], rounded[1], rounded[2]);
    let (a, b, c) = (hidden(-1_234_567.9) as i32, hidden(-9.5e15) as i64, hidden(1.5e19) as u64);
    say!("truncated {a} {b} {c}");
    say!("tiny {:016x}", (hidden(5e-324_f64) * 3.0).to_bits());
}

/// A value that the compiler does not compute with.
fn hidden<T>(value: T) -> T {
    std::hint::black_box(value)
}

fn fibonacci(n: u32) -> u32 {
    if n < 2 {
        n
    } else {
        fibonacci(n - 1) + fibonacci(n - 2)
    }
}

fn integers() {
    let (a, b) = (hidden(-9_000_000_000_000_000_007_i64), hidden(123_456_789_i64));
    say!("divide {} {} {}", a / b, a % b, a.wrapping_mul(b));
    say!("shift {} {}", a >> 7, a as u64 >> 7);
    say!("count {} {} {}", b.leading_zeros(), (b << 20).trailing_zeros(), a.count_ones());
    say!("fibonacci {}", fibonacci(24));
    let table: [fn(u64, u64) -> u64; 4] =
        [u64::wrapping_add, u64::wrapping_mul, |a, b| a ^ b, |a, b| a.rotate_left(b as u32 & 63)];
    let table = hidden(table);
    let value = (1..=1000).fold(1, |value: u64, step| table[((value ^ step) % 4) as usize](value, step));
    say!("table {value:016x}");
}

fn memory() {
    let bytes: Vec<u8> = hidden((0..1_u32 << 20).map(|at| (at * 7 >> 3) as u8).collect());
    say!("memory {}", bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>());
}

#[no_mangle]
pub extern "C" fn on_init() -> i32 {
    say!("greeting: hello, grüße, 世界");
    say!("z {} {} {}", i32::from(z::version() >= 1), z::has("data.put"), z::has("no.such"));
    values();
    errors();
    blobs();
    describe();
    hashes();
    floats();
    integers();
    memory();
    print!("stdout: one,");
    println!(" two");
    eprintln!("stderr: three");
    0
}

#[no_mangle]
pub extern "C" fn on_process() -> i32 {
    say!("processed");
    0
}

#[no_mangle]
pub extern "C" fn on_close() -> i32 {
    say!("closed");
    0
}
