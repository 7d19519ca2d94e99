//! %name%: a space in Zig.

const std = @import("std");
const space = @import("space.zig");

/// With `true` the space counts its starts among its values. The module then imports `data.get` and `data.put`, so
/// a run must grant them; README.md has the command.
const keep_count = false;

/// What a failed check calls: logs its words, and traps.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        _ = space.sys.log(message);
        @trap();
    }
}.panicked);

var messages: u32 = 0;

fn say(comptime format: []const u8, arguments: anytype) void {
    var buffer: [256]u8 = undefined;
    const line = std.fmt.bufPrint(&buffer, format, arguments) catch return;
    _ = space.sys.log(line);
}

fn countStart() i32 {
    var value: [4]u8 = @splat(0);
    const got = space.data.get("starts", &value);
    if (got < 0 and got != space.codes.not_found) return got;
    const starts = std.mem.readInt(u32, &value, .little) + 1;
    say("starts so far: {d}", .{starts});
    std.mem.writeInt(u32, &value, starts, .little);
    return space.data.put("starts", &value);
}

/// Once, before any message. An answer below 0 says that it failed.
export fn on_init() i32 {
    say("hello from %name%, a space in Zig", .{});
    return if (keep_count) countStart() else 0;
}

/// For each message; `space.net.recv_next` would fetch it.
export fn on_process() i32 {
    messages += 1;
    return 0;
}

/// Once, at the end.
export fn on_close() i32 {
    say("messages: {d}", .{messages});
    return 0;
}
