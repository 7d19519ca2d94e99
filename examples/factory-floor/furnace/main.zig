//! The furnace: sends what its sensor measures, and emits the event `hot` while that is too much.

const std = @import("std");
const space = @import("space.zig");

const sensor = "furnace-heat";
const event = "hot";
const poll_milliseconds = 50;
/// Degrees above which it is hot, and below which it is no longer.
const hot_above: f64 = 190.0;
const hot_until: f64 = 180.0;
/// The same, for a host that has recognizers.
const recognizer =
    \\{"sensor":"furnace-heat","when":{"above":190},"hysteresis":10,"end":true}
;

/// Whether this guest recognizes by itself.
var is_recognizer = false;
var is_hot = false;
/// A message to oneself carries its number, so that one that was sent before a restart begins no second row of them.
var turn: u32 = 0;

/// What a failed check calls: logs its words, and traps.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        _ = space.sys.log(message);
        @trap();
    }
}.panicked);

fn due() i32 {
    return space.sys.self_emit(std.mem.asBytes(&turn));
}

/// The number behind `"value":`.
fn valueOf(reading: []const u8) ?f64 {
    const key = "\"value\":";
    const at = std.mem.indexOf(u8, reading, key) orelse return null;
    const rest = reading[at + key.len ..];
    const end = std.mem.indexOfAny(u8, rest, ",}") orelse return null;
    return std.fmt.parseFloat(f64, rest[0..end]) catch null;
}

/// Tells a change to whoever asked for the event, as a recognizer of the host would.
fn recognize(celsius: f64) i32 {
    const was_hot = is_hot;
    is_hot = celsius > if (was_hot) hot_until else hot_above;
    if (is_hot == was_hot) return 0;
    var buffer: [128]u8 = undefined;
    const state = if (is_hot) "begun" else "ended";
    const text = std.fmt.bufPrint(&buffer, "{{\"event\":\"{s}\",\"sensor\":\"{s}\",\"state\":\"{s}\",\"value\":{d:.1}}}", .{
        event, sensor, state, celsius,
    }) catch return space.codes.too_large;
    _ = space.sys.log(text);
    return space.events.emit(event, text);
}

/// Sends one reading. Where no browser takes what was sent before, it is left out.
fn send(celsius: f64) i32 {
    var buffer: [64]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, "{{\"celsius\":{d:.1}}}", .{celsius}) catch return space.codes.too_large;
    const sent = space.net.emit_to("readings", text);
    return if (sent == space.codes.would_block or sent == space.codes.closed) 0 else sent;
}

/// Takes every reading that waits.
fn readAll() i32 {
    while (true) {
        const length = space.sensors.read(sensor);
        if (length == space.codes.would_block) return 0;
        if (length < 0) return length;
        var buffer: [512]u8 = undefined;
        const taken = space.mem.take(&buffer);
        if (taken < 0) return taken;
        if (taken > buffer.len) return space.codes.too_large;
        const celsius = valueOf(buffer[0..@intCast(taken)]) orelse return space.codes.malformed;
        const sent = send(celsius);
        if (sent < 0) return sent;
        const told = if (is_recognizer) recognize(celsius) else 0;
        if (told < 0) return told;
    }
}

export fn on_init() i32 {
    const subscribed = space.sensors.subscribe(sensor, "{\"queue\":64}");
    if (subscribed < 0) return subscribed;
    const registered = space.events.register_recognizer(event, recognizer);
    is_recognizer = registered == space.codes.unsupported;
    if (registered < 0 and !is_recognizer) return registered;
    return due();
}

export fn on_process() i32 {
    var number: u32 = 0;
    const got = space.net.recv_next(std.mem.asBytes(&number));
    if (got != @sizeOf(u32) or number != turn) return 0;
    // A wait that was ended says that the space is to close.
    if (space.sys.sleep(poll_milliseconds) < 0) return 0;
    const read = readAll();
    if (read < 0) return read;
    turn += 1;
    return due();
}

export fn on_close() i32 {
    return 0;
}
