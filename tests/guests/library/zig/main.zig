//! Goes through the Guest Library: `tests/guests/README.md`.

const std = @import("std");
const guest = @import("guest.zig");
const space = @import("space.zig");

const log = guest.log;
const allocator = std.heap.wasm_allocator;

const large_bytes = 40_000;
const blob_bytes = 200_000;
const message_bytes = 60_000;

var first: []u8 = &.{};

pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        guest.say(message);
        @trap();
    }
}.panicked);

fn pattern(length: usize) ![]u8 {
    const bytes = try allocator.alloc(u8, length);
    for (bytes, 0..) |*byte, at| byte.* = @truncate(at * 7 + 3);
    return bytes;
}

fn sum(bytes: []const u8) u32 {
    var total: u32 = 0;
    for (bytes) |byte| total += byte;
    return total;
}

fn nameOf(result: anytype) []const u8 {
    _ = result catch |failure| return guest.nameOf(failure);
    return "no error";
}

fn shows(comptime what: []const u8, found: ?[]u8) void {
    const bytes = found orelse return log(what ++ " is not there", .{});
    defer allocator.free(bytes);
    log(what ++ " is {s}", .{bytes});
}

fn small() !void {
    guest.say("a line: ümläut, and \"quotes\"");
    const letters: [4095]u8 = @splat('k');
    guest.say(&letters ++ "üend");
    log("z: {} {} {}", .{ guest.has("data.put"), guest.has("data.forget"), guest.version() >= 1 });
    const node = try guest.node(allocator);
    defer allocator.free(node);
    log("node: {}", .{std.mem.startsWith(u8, node, "{\"")});
}

fn values() !void {
    shows("data: note", try guest.data.get(allocator, "note"));
    try guest.data.put("note", "remembered");
    shows("data: note", try guest.data.get(allocator, "note"));
    const put = try pattern(large_bytes);
    defer allocator.free(put);
    try guest.data.put("large", put);
    const large = try guest.data.get(allocator, "large") orelse return guest.Error.NotFound;
    defer allocator.free(large);
    log("data: large has {d} bytes, sum {d}", .{ large.len, sum(large) });
    const deleted = try guest.data.delete("large");
    log("data: deleted {} {}", .{ deleted, try guest.data.delete("large") });
    log("data: an empty key: {s}", .{nameOf(guest.data.put("", "x"))});
    const much = try pattern(70_000);
    defer allocator.free(much);
    log("data: too much: {s}", .{nameOf(guest.data.put("note", much))});
    for (0..300) |at| {
        var key: [16]u8 = undefined;
        try guest.data.put(try std.fmt.bufPrint(&key, "item/{d:0>3}", .{at}), "x");
    }
    var keys = guest.data.keys(allocator, "item/");
    defer keys.free();
    var count: u32 = 0;
    var ends: [2][8]u8 = undefined;
    while (try keys.next()) |key| {
        @memcpy(&ends[1], key);
        if (count == 0) ends[0] = ends[1];
        count += 1;
    }
    log("data: {d} keys, from {s} to {s}", .{ count, ends[0], ends[1] });
}

fn blobs() !void {
    const put = try pattern(blob_bytes);
    defer allocator.free(put);
    var blob = try guest.data.Writer.create("blob");
    defer blob.close();
    try blob.append(put);
    try blob.commit();
    const reader = try guest.data.Reader.open("blob") orelse return guest.Error.NotFound;
    defer reader.close();
    var buffer: [8192]u8 = undefined;
    var length: usize = 0;
    var total: u32 = 0;
    while (true) {
        const read = try reader.next(&buffer);
        if (read == 0) break;
        length += read;
        total += sum(buffer[0..read]);
    }
    log("data: blob has {d} bytes, sum {d}", .{ length, total });
    {
        var dropped = try guest.data.Writer.create("dropped");
        defer dropped.close();
        try dropped.append("x");
    }
    log("data: dropped is there: {}", .{try guest.data.Reader.open("dropped") != null});
}

fn agents() !void {
    shows("ic: answer", try guest.ic.lookup(allocator, "what?"));
    try guest.ic.store("what?", "a cache", 60);
    shows("ic: answer", try guest.ic.lookup(allocator, "what?"));
    const large = try guest.agent.function(allocator, "large", "100000");
    defer allocator.free(large);
    log("agent: large gives {d} bytes, sum {d}", .{ large.len, sum(large) });
    const selected = try guest.agent.select(allocator, "triage", "Say 20.");
    defer allocator.free(selected);
    log("agent: triage gives {s}", .{selected});
    const said = try guest.agent.model(allocator, "small", "Hello?");
    defer allocator.free(said);
    log("agent: model says {s}", .{said});
    const asked = try guest.agent.ask(allocator, "small", "Who?", 60);
    defer allocator.free(asked);
    log("agent: asked {s}", .{asked});
    const again = try guest.agent.ask(allocator, "small", "Who?", 60);
    defer allocator.free(again);
    log("agent: asked again {s}", .{again});
    log("agent: nobody: {s}", .{nameOf(guest.agent.function(allocator, "nobody", ""))});
}

fn readTape() !bool {
    const reading = guest.sensors.read(allocator, "tape") catch |failure| {
        log("sensors: then {s}", .{guest.nameOf(failure)});
        return false;
    } orelse {
        try guest.sleep(1);
        return true;
    };
    defer reading.free(allocator);
    log("sensors: {d} of tape is {s}", .{ reading.number, reading.value });
    return true;
}

fn locked() !i32 {
    const lock = try guest.actuators.Lock.take("valve", 60_000);
    defer lock.release();
    const result = try lock.command(allocator, "{\"open\":true}");
    defer allocator.free(result);
    log("actuators: done {s}", .{guest.member(result, "done") orelse ""});
    return lock.fence;
}

fn devices() !void {
    try guest.sensors.subscribe("tape", "{\"queue\":8}");
    while (try readTape()) {}
    log("sensors: cellar: {s}", .{nameOf(guest.sensors.read(allocator, "cellar"))});
    const late = space.errorOf(space.actuators.command(try locked(), "1"));
    log("actuators: after its block: {s}", .{guest.nameOf(late)});
    log("actuators: gate: {s}", .{nameOf(guest.actuators.Lock.take("gate", 1))});
    log("audio: played {d}", .{try guest.audio.play("abcdefgh")});
    var buffer: [4]u8 = @splat(1);
    const heard = while (true) {
        if (try guest.audio.capture(&buffer)) |heard| break heard;
        try guest.sleep(1);
    };
    log("audio: captured {d}, sum {d}", .{ heard, sum(&buffer) });
}

fn process() !void {
    const message = try guest.Message.next(allocator) orelse return;
    defer message.free(allocator);
    if (message.event()) |event| {
        if (std.mem.eql(u8, event, "done")) {
            log("event: done brings {s}", .{message.bytes});
            try guest.events.subscribe("hot");
            try guest.events.recognize("hot", "{\"sensor\":\"oven\",\"when\":{\"always\":{}},\"perMinute\":1}");
        } else {
            log("event: {s} is {s}", .{ event, guest.member(message.bytes, "state") orelse "" });
            log("message: none is left: {}", .{try guest.Message.next(allocator) == null});
            log("end", .{});
        }
    } else if (std.mem.eql(u8, message.bytes, "one")) {
        log("message: one from {s}, an answer: {}", .{ message.from, message.answers != null });
        first = try allocator.dupe(u8, message.id);
        try message.answer("two");
    } else if (std.mem.eql(u8, message.bytes, "two")) {
        log("message: two from {s}, an answer: {}", .{ message.from, std.mem.eql(u8, message.answers orelse "", first) });
        const large = try pattern(message_bytes);
        defer allocator.free(large);
        try guest.sendSelf(large);
    } else {
        log("message: {d} bytes, sum {d}", .{ message.bytes.len, sum(message.bytes) });
        log("message: nobody: {s}", .{nameOf(guest.send("nobody", "x"))});
        try guest.events.subscribe("done");
        try guest.events.emit("done", "well");
    }
}

fn begin() !void {
    try small();
    try values();
    try blobs();
    try agents();
    try devices();
    try guest.sendSelf("one");
}

export fn on_init() i32 {
    return guest.status(begin());
}

export fn on_process() i32 {
    return guest.status(process());
}

export fn on_close() i32 {
    log("closing", .{});
    return 0;
}
