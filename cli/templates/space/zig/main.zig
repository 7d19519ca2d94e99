//! %name%: a space in Zig.

const std = @import("std");
const guest = @import("guest.zig");

/// With `true` the space counts its starts among its values. The module then imports `data.get` and `data.put`, so
/// a run must grant them; README.md has the command.
const keep_count = false;

const allocator = std.heap.wasm_allocator;

/// What a failed check calls: logs its words, and traps.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        guest.say(message);
        @trap();
    }
}.panicked);

var messages: u32 = 0;

fn countStart() !void {
    var value: [4]u8 = @splat(0);
    if (try guest.data.get(allocator, "starts")) |kept| {
        defer allocator.free(kept);
        if (kept.len == value.len) @memcpy(&value, kept);
    }
    const starts = std.mem.readInt(u32, &value, .little) + 1;
    guest.log("starts so far: {d}", .{starts});
    std.mem.writeInt(u32, &value, starts, .little);
    try guest.data.put("starts", &value);
}

/// Once, before any message. An answer below 0 says that it failed.
export fn on_init() i32 {
    guest.log("hello from %name%, a space in Zig", .{});
    return if (keep_count) guest.status(countStart()) else 0;
}

/// For each message; `guest.Message.next` would fetch it.
export fn on_process() i32 {
    messages += 1;
    return 0;
}

/// Once, at the end.
export fn on_close() i32 {
    guest.log("messages: {d}", .{messages});
    return 0;
}
