//! The tools: functions that the model may choose. The weather is asked of a service outside.

const std = @import("std");
const space = @import("space.zig");

/// What a failed check calls: logs its words, and traps.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        _ = space.sys.log(message);
        @trap();
    }
}.panicked);

const Forecast = struct { celsius: i32, sky: []const u8 };

var input_bytes: [space.limits.input_bytes_max]u8 = undefined;
var answer_bytes: [512]u8 = undefined;
/// What is read of JSON lies here.
var room: [4096]u8 = undefined;

const too_long = "That is too long.";

fn say(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.bufPrint(&answer_bytes, format, arguments) catch too_long;
}

/// What was written of a buffer; nothing, where the call failed or the buffer is too short.
fn part(buffer: []u8, result: i32) ?[]u8 {
    if (result < 0 or result > buffer.len) return null;
    return buffer[0..@intCast(result)];
}

/// A city's name as the service wants it: its small letters.
fn cityOf(input: []const u8, buffer: []u8) ?[]const u8 {
    var length: usize = 0;
    for (input) |letter| {
        if (!std.ascii.isAlphabetic(letter)) continue;
        if (length == buffer.len) return null;
        buffer[length] = std.ascii.toLower(letter);
        length += 1;
    }
    return if (length == 0) null else buffer[0..length];
}

fn weather(input: []const u8) []const u8 {
    var name: [64]u8 = undefined;
    const city = cityOf(input, &name) orelse return "Of which city?";
    var request: [128]u8 = undefined;
    const asked = std.fmt.bufPrint(&request, "{{\"path\":\"/{s}\"}}", .{city}) catch return too_long;
    const length = space.agent.invoke_df("forecast", asked);
    if (length == space.codes.not_found) return say("There is no forecast for {s}.", .{input});
    var body: [1024]u8 = undefined;
    if (length < 0 or length > body.len) return say("The forecast cannot be had: {d}.", .{length});
    const json = part(&body, space.mem.take(&body)) orelse return "The forecast cannot be had.";
    var allocator = std.heap.FixedBufferAllocator.init(&room);
    const options = std.json.ParseOptions{ .ignore_unknown_fields = true };
    const forecast = std.json.parseFromSliceLeaky(Forecast, allocator.allocator(), json, options) catch
        return "The forecast is not understood.";
    return say("{s}: {d} °C, {s}.", .{ input, forecast.celsius, forecast.sky });
}

fn fahrenheit(input: []const u8) []const u8 {
    const celsius = std.fmt.parseInt(i16, std.mem.trim(u8, input, " "), 10) catch
        return say("{s} is no whole number of degrees.", .{input});
    const tenths = @as(i32, celsius) * 18 + 320;
    const sign = if (tenths < 0) "-" else "";
    return say("{d} °C are {s}{d}.{d} °F.", .{ celsius, sign, @abs(tenths) / 10, @abs(tenths) % 10 });
}

/// Whether the message taken last came along a path: functions come along one of their name.
fn cameAlong(comptime path: []const u8) bool {
    var buffer: [512]u8 = undefined;
    const info = part(&buffer, space.net.message_info(&buffer)) orelse return false;
    return std.mem.indexOf(u8, info, "\"path\":\"" ++ path ++ "\"") != null;
}

export fn on_init() i32 {
    return 0;
}

export fn on_process() i32 {
    const got = space.net.recv_next(&input_bytes);
    if (got == space.codes.would_block) return 0;
    const input = part(&input_bytes, got) orelse return got;
    const answer = if (cameAlong("weather"))
        weather(input)
    else if (cameAlong("fahrenheit"))
        fahrenheit(input)
    else
        return 0;
    const sent = space.net.emit_to("@sender", answer);
    return if (sent == space.codes.closed or sent == space.codes.expired) 0 else @min(sent, 0);
}

export fn on_close() i32 {
    return 0;
}
