//! The Guest Library: what a space does, in Zig's own terms, over the bindings in `space.zig`. What a call gives lies in
//! memory of an allocator of the caller's, who frees it; error codes are errors.

const std = @import("std");
const space = @import("space.zig");

const Allocator = std.mem.Allocator;

/// What a call fails with.
pub const Error = space.Error;
/// The same, where memory is taken.
pub const Failure = Error || Allocator.Error;

/// What an export answers: 0, or the code of what failed.
pub fn status(result: anyerror!void) i32 {
    result catch |failure| return space.codeOf(failure);
    return 0;
}

/// The name of an error.
pub fn nameOf(failure: anyerror) []const u8 {
    const code = space.codeOf(failure);
    return space.nameOf(space.errorOf(code));
}

/// Writes a line to the log, formatted; what is longer than a line may be is cut.
pub fn log(comptime format: []const u8, arguments: anytype) void {
    var buffer: [space.limits.log_line_bytes_max]u8 = undefined;
    const line = std.fmt.bufPrint(&buffer, format, arguments) catch buffer[0..end(&buffer)];
    _ = space.sys.log(line);
}

/// Writes a text to the log. What is longer than a line may be goes on in the next one.
pub fn say(text: []const u8) void {
    var rest = text;
    while (rest.len > space.limits.log_line_bytes_max) {
        const part = end(rest[0 .. space.limits.log_line_bytes_max + 1]);
        _ = space.sys.log(rest[0..part]);
        rest = rest[part..];
    }
    _ = space.sys.log(rest);
}

/// Where the last character begins.
fn end(text: []const u8) usize {
    var at = text.len - 1;
    while (at > 0 and text[at] & 0xc0 == 0x80) at -= 1;
    return at;
}

/// Waits. A wait that was ended says that the space is to close.
pub fn sleep(milliseconds: u32) Error!void {
    return done(space.sys.sleep(milliseconds));
}

/// What the machine says of itself, as JSON.
pub fn node(allocator: Allocator) Failure![]u8 {
    return filled(allocator, space.node.info, .{});
}

/// Whether the host serves a function of the ABI, such as `data.put`.
pub fn has(function: []const u8) bool {
    return space.z.has(function) == 1;
}

/// The version of the host's table.
pub fn version() i32 {
    return space.z.version();
}

fn count(result: i32) Error!usize {
    return if (result < 0) space.errorOf(result) else @intCast(result);
}

fn done(result: i32) Error!void {
    _ = try count(result);
}

/// What a call writes, in a buffer that grows until it fits. The buffer is the call's last argument.
fn filled(allocator: Allocator, call: anytype, arguments: anytype) Failure![]u8 {
    var buffer = try allocator.alloc(u8, 512);
    errdefer allocator.free(buffer);
    while (true) {
        const needed = try count(@call(.auto, call, arguments ++ .{buffer}));
        const is_whole = needed <= buffer.len;
        buffer = try allocator.realloc(buffer, needed);
        if (is_whole) return buffer;
    }
}

/// The result that the host keeps, after a call that answered its bytes.
fn taken(allocator: Allocator, result: i32) Failure![]u8 {
    const buffer = try allocator.alloc(u8, try count(result));
    errdefer allocator.free(buffer);
    if (buffer.len > 0) try done(space.mem.take(buffer));
    return buffer;
}

/// A message, and where it comes from.
pub const Message = struct {
    bytes: []u8,
    /// The space that sent it, `@self` for this one.
    from: []const u8,
    /// The path that it came by, empty from oneself.
    path: []const u8,
    id: []const u8,
    /// The id of the message that it answers.
    answers: ?[]const u8,
    /// Milliseconds since 1970.
    time: u64,
    /// What the texts lie in.
    info: []u8,

    /// Takes the next message; null where none waits.
    pub fn next(allocator: Allocator) Failure!?Message {
        const bytes = filled(allocator, space.net.recv_next, .{}) catch |failure|
            return if (failure == Error.WouldBlock) null else failure;
        errdefer allocator.free(bytes);
        const info = try filled(allocator, space.net.message_info, .{});
        return .{
            .bytes = bytes,
            .from = unquoted(member(info, "from") orelse ""),
            .path = unquoted(member(info, "path") orelse ""),
            .id = unquoted(member(info, "id") orelse ""),
            .answers = answered(member(info, "answers") orelse "null"),
            .time = number(info, "time") orelse 0,
            .info = info,
        };
    }

    fn answered(id: []const u8) ?[]const u8 {
        return if (std.mem.eql(u8, id, "null")) null else unquoted(id);
    }

    pub fn free(message: Message, allocator: Allocator) void {
        allocator.free(message.bytes);
        allocator.free(message.info);
    }

    /// The name of the event that it brings.
    pub fn event(message: Message) ?[]const u8 {
        const mark = "@events/";
        return if (std.mem.startsWith(u8, message.path, mark)) message.path[mark.len..] else null;
    }

    /// Answers it, as long as no other message was taken after it.
    pub fn answer(_: Message, bytes: []const u8) Error!void {
        return send("@sender", bytes);
    }
};

/// Sends a message to a path, or to a space that one path leads to.
pub fn send(to: []const u8, bytes: []const u8) Error!void {
    return done(space.net.emit_to(to, bytes));
}

/// Puts a message into the space's own queue.
pub fn sendSelf(bytes: []const u8) Error!void {
    return done(space.sys.self_emit(bytes));
}

/// Values and blobs.
pub const data = struct {
    /// The value of a key.
    pub fn get(allocator: Allocator, key: []const u8) Failure!?[]u8 {
        return filled(allocator, space.data.get, .{key}) catch |failure|
            return if (failure == Error.NotFound) null else failure;
    }

    /// Gives a key its value, which is durable on return.
    pub fn put(key: []const u8, value: []const u8) Error!void {
        return done(space.data.put(key, value));
    }

    /// Removes a key; whether there was one.
    pub fn delete(key: []const u8) Error!bool {
        return try count(space.data.delete(key)) > 0;
    }

    /// The keys that begin with a prefix, in byte order, fetched as they are needed.
    pub fn keys(allocator: Allocator, prefix: []const u8) Keys {
        return .{ .allocator = allocator, .prefix = prefix };
    }

    pub const Keys = struct {
        allocator: Allocator,
        prefix: []const u8,
        page: []u8 = &.{},
        at: usize = 0,
        last: []const u8 = "",

        /// The next key, which stays until the next call.
        pub fn next(self: *Keys) Failure!?[]const u8 {
            if (self.at == self.page.len) {
                const page = try filled(self.allocator, space.data.list, .{ self.prefix, self.last });
                self.free();
                self.* = .{ .allocator = self.allocator, .prefix = self.prefix, .page = page };
                if (page.len == 0) return null;
            }
            const begin = self.at + 4;
            self.at = begin + std.mem.readInt(u32, self.page[self.at..][0..4], .little);
            self.last = self.page[begin..self.at];
            return self.last;
        }

        pub fn free(self: *Keys) void {
            self.allocator.free(self.page);
            self.page = &.{};
        }
    };

    /// A blob that is written: it appears whole when it is committed, and not at all otherwise.
    pub const Writer = struct {
        handle: ?i32,

        /// Begins a blob anew.
        pub fn create(key: []const u8) Error!Writer {
            const handle = space.data.blob_open(key, 1);
            try done(handle);
            return .{ .handle = handle };
        }

        /// Appends to it.
        pub fn append(self: *Writer, bytes: []const u8) Error!void {
            var rest = bytes;
            while (rest.len > 0) {
                const part = @min(rest.len, space.limits.chunk_bytes_max);
                try done(space.data.blob_write(self.handle orelse return Error.Closed, rest[0..part]));
                rest = rest[part..];
            }
        }

        /// Has it appear.
        pub fn commit(self: *Writer) Error!void {
            const handle = self.handle orelse return Error.Closed;
            self.handle = null;
            return done(space.data.blob_close(handle, 1));
        }

        /// Drops what was not committed; to be deferred.
        pub fn close(self: *Writer) void {
            if (self.handle) |handle| _ = space.data.blob_close(handle, 0);
            self.handle = null;
        }
    };

    /// A blob that is read, from its beginning.
    pub const Reader = struct {
        handle: i32,

        /// Opens it; null where there is none.
        pub fn open(key: []const u8) Error!?Reader {
            const handle = space.data.blob_open(key, 0);
            if (handle == space.codes.not_found) return null;
            try done(handle);
            return .{ .handle = handle };
        }

        /// Its next bytes, as many as fit; 0 at its end.
        pub fn next(self: Reader, buffer: []u8) Error!usize {
            return count(space.data.blob_read(self.handle, buffer));
        }

        pub fn close(self: Reader) void {
            _ = space.data.blob_close(self.handle, 0);
        }
    };
};

/// Functions, selectors, models.
pub const agent = struct {
    /// Calls a deterministic function, or a service.
    pub fn function(allocator: Allocator, name: []const u8, input: []const u8) Failure![]u8 {
        return taken(allocator, space.agent.invoke_df(name, input));
    }

    /// Lets a model choose among functions, and calls the one chosen.
    pub fn select(allocator: Allocator, name: []const u8, input: []const u8) Failure![]u8 {
        return taken(allocator, space.agent.invoke_af(name, input));
    }

    /// Asks a model.
    pub fn model(allocator: Allocator, name: []const u8, input: []const u8) Failure![]u8 {
        return taken(allocator, space.agent.invoke_llm(name, input));
    }

    /// Asks the cache, then a model, whose answer is kept for so many seconds if there is room.
    pub fn ask(allocator: Allocator, name: []const u8, input: []const u8, seconds: u32) Failure![]u8 {
        if (try ic.lookup(allocator, input)) |kept| return kept;
        const answer = try model(allocator, name, input);
        ic.store(input, answer, seconds) catch {};
        return answer;
    }
};

/// The intelligence cache.
pub const ic = struct {
    /// Finds an answer.
    pub fn lookup(allocator: Allocator, key: []const u8) Failure!?[]u8 {
        return taken(allocator, space.ic.lookup(key)) catch |failure|
            return if (failure == Error.NotFound) null else failure;
    }

    /// Keeps an answer for so many seconds; 0 is until the room is needed.
    pub fn store(key: []const u8, value: []const u8, seconds: u32) Error!void {
        return done(space.ic.store(key, value, seconds));
    }
};

/// Sensors.
pub const sensors = struct {
    /// What a sensor measured.
    pub const Reading = struct {
        /// Its number among the sensor's, from 1.
        number: u64,
        /// Milliseconds since 1970.
        time: u64,
        /// How many found no room since the one before.
        lost: u64,
        /// What the device says, as JSON.
        value: []const u8,
        /// What `value` lies in.
        json: []u8,

        pub fn free(reading: Reading, allocator: Allocator) void {
            allocator.free(reading.json);
        }
    };

    /// Asks for readings, with options in JSON, which may be empty.
    pub fn subscribe(id: []const u8, options: []const u8) Error!void {
        return done(space.sensors.subscribe(id, options));
    }

    /// The next reading; null where none waits, and the error `Closed` where none will come.
    pub fn read(allocator: Allocator, id: []const u8) Failure!?Reading {
        const json = taken(allocator, space.sensors.read(id)) catch |failure|
            return if (failure == Error.WouldBlock) null else failure;
        return .{
            .number = number(json, "number") orelse 0,
            .time = number(json, "time") orelse 0,
            .lost = number(json, "lost") orelse 0,
            .value = member(json, "value") orelse "null",
            .json = json,
        };
    }
};

/// Actuators.
pub const actuators = struct {
    /// An actuator that is this space's until the lock is released, or its time is over.
    pub const Lock = struct {
        /// The fence: it grows from lock to lock.
        fence: i32,

        /// Takes an actuator.
        pub fn take(id: []const u8, milliseconds: u32) Error!Lock {
            const fence = space.actuators.lock(id, milliseconds);
            try done(fence);
            return .{ .fence = fence };
        }

        /// Has an action in JSON carried out; its result, in JSON.
        pub fn command(lock: Lock, allocator: Allocator, action: []const u8) Failure![]u8 {
            return taken(allocator, space.actuators.command(lock.fence, action));
        }

        /// Gives it back; to be deferred.
        pub fn release(lock: Lock) void {
            _ = space.actuators.release(lock.fence);
        }
    };
};

/// Events. They arrive as messages: see `Message.event`.
pub const events = struct {
    /// Asks for the events of a name.
    pub fn subscribe(name: []const u8) Error!void {
        return done(space.events.subscribe(name));
    }

    /// Emits an event that the space declares.
    pub fn emit(name: []const u8, payload: []const u8) Error!void {
        return done(space.events.emit(name, payload));
    }

    /// Has the host emit an event by a specification in JSON.
    pub fn recognize(name: []const u8, specification: []const u8) Error!void {
        return done(space.events.register_recognizer(name, specification));
    }
};

/// Sound: bytes as `docs/devices.md` has them.
pub const audio = struct {
    /// What was heard, as much as fits; null where there is none by now.
    pub fn capture(buffer: []u8) Error!?usize {
        const heard = space.audio.capture(buffer);
        return if (heard == space.codes.would_block) null else try count(heard);
    }

    /// Plays; how many bytes the speaker took.
    pub fn play(sound: []const u8) Error!usize {
        const played = space.audio.playback(sound);
        return if (played == space.codes.would_block) 0 else count(played);
    }
};

/// A member of an object, as it stands there. It is as much of JSON as readings and events need; `std.json` reads
/// the rest.
pub fn member(object: []const u8, key: []const u8) ?[]const u8 {
    var at: usize = 0;
    var depth: usize = 0;
    var start: ?usize = null;
    while (at < object.len) : (at += 1) {
        switch (object[at]) {
            '"' => {
                const begin = at + 1;
                at = endOfText(object, begin) orelse return null;
                var after = at + 1;
                while (after < object.len and std.ascii.isWhitespace(object[after])) after += 1;
                const is_key = depth == 1 and start == null and after < object.len and object[after] == ':';
                if (is_key and std.mem.eql(u8, object[begin..at], key)) {
                    at = after;
                    start = after + 1;
                }
            },
            '{', '[' => depth += 1,
            '}', ']', ',' => |letter| {
                if (depth == 1) {
                    if (start) |from| return std.mem.trim(u8, object[from..at], " \t\r\n");
                }
                if (letter != ',') depth -|= 1;
            },
            else => {},
        }
    }
    return null;
}

/// Where a text ends that begins here.
fn endOfText(object: []const u8, begin: usize) ?usize {
    var at = begin;
    while (at < object.len and object[at] != '"') at += if (object[at] == '\\') 2 else 1;
    return if (at < object.len) at else null;
}

/// A text without its quotes; escapes stay as they are.
pub fn unquoted(value: []const u8) []const u8 {
    return std.mem.trim(u8, value, "\"");
}

fn number(object: []const u8, key: []const u8) ?u64 {
    return std.fmt.parseInt(u64, unquoted(member(object, key) orelse return null), 10) catch null;
}
