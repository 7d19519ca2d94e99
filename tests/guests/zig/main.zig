//! The conformance guest in Zig. README.md beside this folder says what every language prints.

const std = @import("std");
const space = @import("space.zig");
const data = space.data;

const allocator = std.heap.wasm_allocator;

const wasi = struct {
    const Vector = extern struct { bytes: [*]const u8, length: usize };
    extern "wasi_snapshot_preview1" fn fd_write(descriptor: u32, vectors: [*]const Vector, count: usize, written: *usize) u16;
};

// The declarations of `space` take slices, which never leave the memory.
const anywhere = struct {
    extern "data" fn get(key: usize, key_bytes: usize, out: usize, capacity: usize) i32;
};

var line: [space.limits.log_line_bytes_max]u8 = undefined;

fn say(comptime format: []const u8, arguments: anytype) void {
    _ = space.sys.log(std.fmt.bufPrint(&line, format, arguments) catch unreachable);
}

fn print(descriptor: u32, text: []const u8) void {
    var written: usize = 0;
    _ = wasi.fd_write(descriptor, &.{.{ .bytes = text.ptr, .length = text.len }}, 1, &written);
}

fn list(prefix: []const u8, after: []const u8, capacity: usize) void {
    var found: [256]u8 = undefined;
    const bytes = data.list(prefix, after, found[0..capacity]);
    var names: [256]u8 = undefined;
    var length: usize = 0;
    var at: usize = 0;
    while (at < bytes and bytes <= capacity) {
        const size = std.mem.readInt(u32, found[at..][0..4], .little);
        names[length] = ' ';
        @memcpy(names[length + 1 ..][0..size], found[at + 4 ..][0..size]);
        length += 1 + size;
        at += 4 + size;
    }
    say("list {d}{s}", .{ bytes, names[0..length] });
}

fn values() void {
    say("put {d}", .{data.put("fruit/pear", "green")});
    say("put {d}", .{data.put("fruit/apple", "red")});
    say("put {d}", .{data.put("fruit/fig", "")});
    say("put {d}", .{data.put("animal/ant", "six legs")});
    var buffer: [64]u8 = undefined;
    const got = data.get("fruit/pear", &buffer);
    say("get {d} {s}", .{ got, buffer[0..@intCast(got)] });
    say("get {d}", .{data.get("fruit/fig", &buffer)});
    var short = "---".*;
    const needed = data.get("animal/ant", &short);
    say("short {d} {s}", .{ needed, &short });
    list("fruit/", "", 256);
    list("fruit/", "fruit/apple", 20);
    list("fruit/", "", 5);
    list("none", "", 256);
    say("delete {d}", .{data.delete("fruit/fig")});
    say("delete {d}", .{data.delete("fruit/fig")});
    say("get {d}", .{data.get("fruit/fig", &buffer)});
}

fn errors() void {
    const large = allocator.alloc(u8, 65537) catch unreachable;
    defer allocator.free(large);
    @memset(large, 'x');
    var out: [1]u8 = undefined;
    say("empty key {d}", .{data.put("", "x")});
    say("large key {d}", .{data.get(large[0..513], &out)});
    say("large value {d}", .{data.put("large", large)});
    say("large line {d}", .{space.sys.log(large[0..4097])});
    say("bad text {d}", .{data.get("\xff\xfe", &out)});
    const key = "fruit/pear";
    say("bad buffer {d}", .{anywhere.get(@intFromPtr(key), key.len, 0xffffff00, 512)});
    say("bad key {d}", .{anywhere.get(0xfffffff0, 32, @intFromPtr(&out), 1)});
    say("nothing kept {d}", .{space.mem.take(&out)});
}

fn generate(bytes: []u8) void {
    var state: u32 = 2463534242;
    for (bytes) |*byte| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        byte.* = @intCast(state >> 24);
    }
}

fn blobs() void {
    const bytes = allocator.alloc(u8, 100000) catch unreachable;
    const back = allocator.alloc(u8, bytes.len) catch unreachable;
    defer allocator.free(bytes);
    defer allocator.free(back);
    generate(bytes);
    say("blob absent {d}", .{data.blob_open("blob/x", 0)});
    say("blob mode {d}", .{data.blob_open("blob/x", 7)});
    var handle = data.blob_open("blob/x", 1);
    say("blob opened {d}", .{@intFromBool(handle > 0)});
    say("blob denied {d}", .{data.blob_read(handle, back[0..10])});
    say("blob unknown {d}", .{data.blob_write(12345, bytes[0..10])});
    var at: usize = 0;
    while (at < bytes.len) : (at += 40000) {
        say("blob write {d}", .{data.blob_write(handle, bytes[at..@min(at + 40000, bytes.len)])});
    }
    say("blob close {d}", .{data.blob_close(handle, 1)});
    say("blob closed {d}", .{data.blob_write(handle, bytes[0..10])});
    handle = data.blob_open("blob/x", 0);
    var total: usize = 0;
    while (total < back.len) {
        const got = data.blob_read(handle, back[total..@min(total + 30000, back.len)]);
        if (got <= 0) break;
        total += @intCast(got);
    }
    say("blob read {d} {x:0>8}", .{ total, std.hash.Crc32.hash(back) });
    say("blob end {d}", .{data.blob_read(handle, back[0..10])});
    say("blob close {d}", .{data.blob_close(handle, 0)});
    say("blob as value {d}", .{data.get("blob/x", back[0..10])});
    var handles: [16]i32 = undefined;
    for (&handles) |*each| each.* = data.blob_open("blob/x", 0);
    say("blob quota {d}", .{data.blob_open("blob/x", 0)});
    for (handles) |each| _ = data.blob_close(each, 0);
    say("delete {d}", .{data.delete("blob/x")});
}

fn node() void {
    var info: [1024]u8 = undefined;
    const needed = space.node.info(info[0..0]);
    const got = space.node.info(&info);
    const last = info[@intCast(got - 1)];
    say("node {d} {d} {c}{c}", .{ @intFromBool(needed > 2), @intFromBool(needed == got), info[0], last });
}

fn hashes() void {
    const bytes = allocator.alloc(u8, 65536) catch unreachable;
    defer allocator.free(bytes);
    generate(bytes);
    say("crc32 {x:0>8}", .{std.hash.Crc32.hash(bytes)});
    var digest: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(bytes, &digest, .{});
    say("sha256 {x}", .{&digest});
    const numbers = allocator.alloc(u32, 10000) catch unreachable;
    defer allocator.free(numbers);
    generate(std.mem.sliceAsBytes(numbers));
    std.mem.sort(u32, numbers, {}, std.sort.asc(u32));
    const ordered = std.sort.isSorted(u32, numbers, {}, std.sort.asc(u32));
    say("sort {d} {x:0>16}", .{ @intFromBool(ordered), std.hash.Fnv1a_64.hash(std.mem.sliceAsBytes(numbers)) });
}

/// A value that the compiler does not compute with.
fn hidden(value: anytype) @TypeOf(value) {
    var kept = value;
    const pointer: *volatile @TypeOf(value) = &kept;
    return pointer.*;
}

fn floats() void {
    var sum: f64 = 0;
    var roots: f64 = 0;
    var product: f64 = 1;
    var small: f32 = 0;
    for (1..10001) |k| {
        const wide: f64 = @floatFromInt(k);
        const narrow: f32 = @floatFromInt(k);
        sum += 1 / wide;
        roots += @sqrt(wide);
        product *= 1 + 1 / (wide * wide);
        small += 1 / narrow;
    }
    say("harmonic {x:0>16} {x:0>8}", .{ @as(u64, @bitCast(sum)), @as(u32, @bitCast(small)) });
    say("roots {x:0>16}", .{@as(u64, @bitCast(roots))});
    say("product {x:0>16}", .{@as(u64, @bitCast(product))});
    const rounded = [3]f64{ @floor(hidden(@as(f64, -2.5))), @ceil(hidden(@as(f64, -0.5))), @trunc(hidden(@as(f64, 1e300))) };
    const bits: [3]u64 = @bitCast(rounded);
    say("rounding {x:0>16} {x:0>16} {x:0>16}", .{ bits[0], bits[1], bits[2] });
    const a: i32 = @intFromFloat(hidden(@as(f64, -1234567.9)));
    const b: i64 = @intFromFloat(hidden(@as(f64, -9.5e15)));
    const c: u64 = @intFromFloat(hidden(@as(f64, 1.5e19)));
    say("truncated {d} {d} {d}", .{ a, b, c });
    say("tiny {x:0>16}", .{@as(u64, @bitCast(hidden(@as(f64, 5e-324)) * 3))});
}

fn fibonacci(n: u32) u32 {
    return if (n < 2) n else fibonacci(n - 1) + fibonacci(n - 2);
}

fn add(a: u64, b: u64) u64 {
    return a +% b;
}
fn multiply(a: u64, b: u64) u64 {
    return a *% b;
}
fn exclusive(a: u64, b: u64) u64 {
    return a ^ b;
}
fn turn(a: u64, b: u64) u64 {
    return std.math.rotl(u64, a, b & 63);
}

fn integers() void {
    const a = hidden(@as(i64, -9000000000000000007));
    const b = hidden(@as(i64, 123456789));
    say("divide {d} {d} {d}", .{ @divTrunc(a, b), @rem(a, b), a *% b });
    say("shift {d} {d}", .{ a >> 7, @as(u64, @bitCast(a)) >> 7 });
    say("count {d} {d} {d}", .{ @clz(b), @ctz(b << 20), @popCount(a) });
    say("fibonacci {d}", .{fibonacci(24)});
    const table = hidden([4]*const fn (u64, u64) u64{ add, multiply, exclusive, turn });
    var value: u64 = 1;
    for (1..1001) |step| value = table[@intCast((value ^ step) % 4)](value, step);
    say("table {x:0>16}", .{value});
}

fn memory() void {
    const bytes = allocator.alloc(u8, 1 << 20) catch unreachable;
    defer allocator.free(bytes);
    for (bytes, 0..) |*byte, at| byte.* = @truncate(at * 7 >> 3);
    var sum: u32 = 0;
    for (bytes) |byte| sum += byte;
    say("memory {d}", .{sum});
}

export fn on_init() i32 {
    say("greeting: hello, grüße, 世界", .{});
    say("z {d} {d} {d}", .{ @intFromBool(space.z.version() >= 1), space.z.has("data.put"), space.z.has("no.such") });
    values();
    errors();
    blobs();
    node();
    hashes();
    floats();
    integers();
    memory();
    print(1, "stdout: one,");
    print(1, " two\n");
    print(2, "stderr: three\n");
    return 0;
}

export fn on_process() i32 {
    say("processed", .{});
    return 0;
}

export fn on_close() i32 {
    say("closed", .{});
    return 0;
}
