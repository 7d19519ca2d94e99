//! The furnace: sends what its sensor measures, and has the host emit the event `hot` while that is too much.

const std = @import("std");
const guest = @import("guest.zig");

const sensor = "furnace-heat";
const event = "hot";
const poll_milliseconds = 50;
/// It is hot above 190 degrees, and no longer below 180.
const recognizer =
    \\{"sensor":"furnace-heat","when":{"above":190},"hysteresis":10,"end":true}
;

const allocator = std.heap.wasm_allocator;

/// A message to oneself carries its number, so that one that was sent before a restart begins no second row of them.
var turn: u32 = 0;

/// What a failed check calls: logs its words, and traps.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        guest.say(message);
        @trap();
    }
}.panicked);

fn due() !void {
    return guest.sendSelf(std.mem.asBytes(&turn));
}

/// Sends one reading. Where no browser takes what was sent before, it is left out.
fn send(celsius: f64) !void {
    var buffer: [64]u8 = undefined;
    const text = try std.fmt.bufPrint(&buffer, "{{\"celsius\":{d:.1}}}", .{celsius});
    guest.send("readings", text) catch |failure| switch (failure) {
        error.WouldBlock, error.Closed => {},
        else => return failure,
    };
}

/// Sends every reading that waits.
fn sendAll() !void {
    while (try guest.sensors.read(allocator, sensor)) |reading| {
        defer reading.free(allocator);
        try send(try std.fmt.parseFloat(f64, reading.value));
    }
}

fn begin() !void {
    try guest.sensors.subscribe(sensor, "{\"queue\":64}");
    try guest.events.recognize(event, recognizer);
    try due();
}

fn process() !void {
    const message = try guest.Message.next(allocator) orelse return;
    defer message.free(allocator);
    if (!std.mem.eql(u8, message.bytes, std.mem.asBytes(&turn))) return;
    // A wait that was ended says that the space is to close.
    guest.sleep(poll_milliseconds) catch return;
    try sendAll();
    turn += 1;
    try due();
}

export fn on_init() i32 {
    return guest.status(begin());
}

export fn on_process() i32 {
    return guest.status(process());
}

export fn on_close() i32 {
    return 0;
}
