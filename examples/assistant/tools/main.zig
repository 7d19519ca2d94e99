//! The tools: functions that the model may choose. The weather is asked of a service outside.

const std = @import("std");
const guest = @import("guest.zig");

const allocator = std.heap.wasm_allocator;

/// What a failed check calls: logs its words, and traps.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        guest.say(message);
        @trap();
    }
}.panicked);

const Forecast = struct { celsius: i32, sky: []const u8 };

var answer_bytes: [512]u8 = undefined;

const too_long = "That is too long.";

fn say(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.bufPrint(&answer_bytes, format, arguments) catch too_long;
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
    const json = guest.agent.function(allocator, "forecast", asked) catch |failure| return switch (failure) {
        error.NotFound => say("There is no forecast for {s}.", .{input}),
        else => say("The forecast cannot be had: {s}.", .{guest.nameOf(failure)}),
    };
    defer allocator.free(json);
    const options = std.json.ParseOptions{ .ignore_unknown_fields = true };
    const forecast = std.json.parseFromSlice(Forecast, allocator, json, options) catch
        return "The forecast is not understood.";
    defer forecast.deinit();
    return say("{s}: {d} °C, {s}.", .{ input, forecast.value.celsius, forecast.value.sky });
}

fn fahrenheit(input: []const u8) []const u8 {
    const celsius = std.fmt.parseInt(i16, std.mem.trim(u8, input, " "), 10) catch
        return say("{s} is no whole number of degrees.", .{input});
    const tenths = @as(i32, celsius) * 18 + 320;
    const sign = if (tenths < 0) "-" else "";
    return say("{d} °C are {s}{d}.{d} °F.", .{ celsius, sign, @abs(tenths) / 10, @abs(tenths) % 10 });
}

/// Carries a function out: each is asked along a path of its name.
fn process() !void {
    const input = try guest.Message.next(allocator) orelse return;
    defer input.free(allocator);
    const answer = if (std.mem.eql(u8, input.path, "weather"))
        weather(input.bytes)
    else if (std.mem.eql(u8, input.path, "fahrenheit"))
        fahrenheit(input.bytes)
    else
        return;
    // Whoever asked may be gone.
    input.answer(answer) catch |failure| switch (failure) {
        error.Closed, error.Expired => {},
        else => return failure,
    };
}

export fn on_init() i32 {
    return 0;
}

export fn on_process() i32 {
    return guest.status(process());
}

export fn on_close() i32 {
    return 0;
}
