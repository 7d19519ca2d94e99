//! The Guest ABI, version 1: what a space imports from its host. Made by `space new` from the table
//! that hosts serve; docs/guest-abi.md describes it in full.
//! A result is 0 for success, below 0 an error code, above 0 bytes, a count or a handle. Where a
//! result does not fit `out`, the call answers the bytes that it needs, more than the buffer has,
//! and writes nothing. The host keeps no address past a call.
//! A space imports only what it uses, and is refused by name where that was not granted.

/// Error codes.
pub const codes = struct {
    /// An argument is outside what the function accepts: an empty key or name, an unknown mode, a
    /// time that is too long, a handle that was never given.
    pub const invalid: i32 = -1;
    /// A pointer and its length leave the guest's memory.
    pub const fault: i32 = -2;
    /// Nothing is there under this key, name or id.
    pub const not_found: i32 = -3;
    /// The capability is held, but not for this: no path leads there, or a blob is open the other
    /// way.
    pub const denied: i32 = -4;
    /// The function is in the table, but not in this host.
    pub const unsupported: i32 = -5;
    /// A length is beyond its limit, or a value is too large for this function.
    pub const too_large: i32 = -6;
    /// The space's quota is used up, or the storage is full.
    pub const quota: i32 = -7;
    /// Another space holds it.
    pub const busy: i32 = -8;
    /// The other side is gone, or the handle was closed.
    pub const closed: i32 = -9;
    /// Storage, a device or a service outside failed.
    pub const io: i32 = -10;
    /// Nothing is waiting, or there is no room now.
    pub const would_block: i32 = -11;
    /// The lease has ended.
    pub const expired: i32 = -12;
    /// Text is not UTF-8, or what should be JSON is not.
    pub const malformed: i32 = -13;
};

/// What a call failed with; `Unknown` is a code that this table does not have.
pub const Error = error{
    Invalid,
    Fault,
    NotFound,
    Denied,
    Unsupported,
    TooLarge,
    Quota,
    Busy,
    Closed,
    Io,
    WouldBlock,
    Expired,
    Malformed,
    Unknown,
};

/// The error of a code, which is below 0.
pub fn errorOf(code: i32) Error {
    return switch (code) {
        -1 => Error.Invalid,
        -2 => Error.Fault,
        -3 => Error.NotFound,
        -4 => Error.Denied,
        -5 => Error.Unsupported,
        -6 => Error.TooLarge,
        -7 => Error.Quota,
        -8 => Error.Busy,
        -9 => Error.Closed,
        -10 => Error.Io,
        -11 => Error.WouldBlock,
        -12 => Error.Expired,
        -13 => Error.Malformed,
        else => Error.Unknown,
    };
}

/// The code of an error, `io` for one of another kind.
pub fn codeOf(failure: anyerror) i32 {
    return switch (failure) {
        Error.Invalid => -1,
        Error.Fault => -2,
        Error.NotFound => -3,
        Error.Denied => -4,
        Error.Unsupported => -5,
        Error.TooLarge => -6,
        Error.Quota => -7,
        Error.Busy => -8,
        Error.Closed => -9,
        Error.Io => -10,
        Error.WouldBlock => -11,
        Error.Expired => -12,
        Error.Malformed => -13,
        else => codes.io,
    };
}

/// The name of an error.
pub fn nameOf(failure: Error) []const u8 {
    return switch (failure) {
        Error.Invalid => "invalid",
        Error.Fault => "fault",
        Error.NotFound => "not-found",
        Error.Denied => "denied",
        Error.Unsupported => "unsupported",
        Error.TooLarge => "too-large",
        Error.Quota => "quota",
        Error.Busy => "busy",
        Error.Closed => "closed",
        Error.Io => "io",
        Error.WouldBlock => "would-block",
        Error.Expired => "expired",
        Error.Malformed => "malformed",
        Error.Unknown => "unknown",
    };
}

/// Limits.
pub const limits = struct {
    /// Bytes of a message or an event.
    pub const message_bytes_max = 65536;
    /// Bytes of a value; what is larger is a blob.
    pub const value_bytes_max = 65536;
    /// Bytes of a key.
    pub const key_bytes_max = 512;
    /// Bytes of a name: destination, agent, event, sensor, actuator, function.
    pub const name_bytes_max = 255;
    /// Bytes of a log line.
    pub const log_line_bytes_max = 4096;
    /// Bytes of a specification, of options, of an action.
    pub const json_bytes_max = 16384;
    /// Bytes of what an agent or the intelligence cache is asked.
    pub const input_bytes_max = 65536;
    /// Bytes of a result that the host keeps.
    pub const result_bytes_max = 1048576;
    /// Bytes of a blob or of sound that one call takes or gives.
    pub const chunk_bytes_max = 65536;
    /// Blobs that a space may have open.
    pub const open_blobs_max = 16;
    /// Milliseconds of one `sys.sleep`.
    pub const sleep_milliseconds_max = 86400000;
    /// Milliseconds for which an actuator is locked.
    pub const lease_milliseconds_max = 60000;
    /// Buffers of one `fd_write`.
    pub const wasi_iovecs_max = 1024;
    /// Subscriptions of one `poll_oneoff`.
    pub const wasi_subscriptions_max = 64;
};

/// Log, waiting, messages to oneself.
pub const sys = struct {
    /// Writes a line to the space's log.
    /// Capability: `sys.log`.
    /// `line` has at most 4096 bytes.
    pub fn log(line: []const u8) i32 {
        return raw.sys.log(line.ptr, line.len);
    }

    /// Waits for so long.
    /// Capability: `sys.sleep`.
    /// `milliseconds` is at most 86400000.
    pub fn sleep(milliseconds: u32) i32 {
        return raw.sys.sleep(milliseconds);
    }

    /// Lets others run.
    /// Capability: `sys.yield`.
    pub fn yield() i32 {
        return raw.sys.yield();
    }

    /// Puts a message into the space's own queue.
    /// Capability: `net.emit_to`.
    /// `message` has at most 65536 bytes.
    pub fn self_emit(message: []const u8) i32 {
        return raw.sys.self_emit(message.ptr, message.len);
    }
};

/// Messages along paths.
pub const net = struct {
    /// Sends a message to a path, to a space that one path leads to, to one instance of it as
    /// `name#instance`, or to `@sender` while a message is processed.
    /// Capability: `net.emit_to`.
    /// `to` has at most 255 bytes, `message` has at most 65536 bytes.
    pub fn emit_to(to: []const u8, message: []const u8) i32 {
        return raw.net.emit_to(to.ptr, to.len, message.ptr, message.len);
    }

    /// Takes the next message out of the space's queue; answers its bytes, `would-block` where none
    /// waits.
    /// Capability: `net.recv_next`.
    pub fn recv_next(out: []u8) i32 {
        return raw.net.recv_next(out.ptr, out.len);
    }

    /// Writes where the message taken last comes from, as JSON: `from`, a name or `@self`; `path`;
    /// `id` and `answers`, the number of the message that it answers or null, both as text; `time`
    /// in milliseconds since 1970, 0 where nobody tells it; answers its bytes, `not-found` before
    /// the first.
    /// Capability: `net.recv_next`.
    pub fn message_info(out: []u8) i32 {
        return raw.net.message_info(out.ptr, out.len);
    }
};

/// Values and blobs by key.
pub const data = struct {
    /// Writes the value of a key; answers its bytes, `not-found` where there is none, `too-large`
    /// for a blob beyond a value's limit.
    /// Capability: `data.read`.
    /// `key` has at most 512 bytes.
    pub fn get(key: []const u8, out: []u8) i32 {
        return raw.data.get(key.ptr, key.len, out.ptr, out.len);
    }

    /// Gives a key its value; on return it is durable.
    /// Capability: `data.write`.
    /// `key` has at most 512 bytes, `value` has at most 65536 bytes.
    pub fn put(key: []const u8, value: []const u8) i32 {
        return raw.data.put(key.ptr, key.len, value.ptr, value.len);
    }

    /// Removes a key and its value or blob; answers how many there were, 0 or 1.
    /// Capability: `data.delete`.
    /// `key` has at most 512 bytes.
    pub fn delete(key: []const u8) i32 {
        return raw.data.delete(key.ptr, key.len);
    }

    /// Writes the keys that begin with the prefix and come after the other key, in byte order and
    /// as many as fit, each as its length in four bytes, little-endian, and its text; answers the
    /// bytes written, 0 after the last key, and more than `cap` where not even one key fits.
    /// Capability: `data.list`.
    /// `prefix` has at most 512 bytes, `after` has at most 512 bytes.
    pub fn list(prefix: []const u8, after: []const u8, out: []u8) i32 {
        return raw.data.list(prefix.ptr, prefix.len, after.ptr, after.len, out.ptr, out.len);
    }

    /// Opens a blob, mode 0 to read and 1 to write anew; answers a handle above 0, `not-found`
    /// where there is nothing to read, `quota` where too many are open.
    /// Capability: `data.read` or `data.write`.
    /// `key` has at most 512 bytes.
    pub fn blob_open(key: []const u8, mode: u32) i32 {
        return raw.data.blob_open(key.ptr, key.len, mode);
    }

    /// Writes the blob's next bytes, as many as fit; answers how many, 0 at its end; an empty
    /// buffer is `invalid`.
    /// Capability: `data.read`.
    pub fn blob_read(handle: i32, out: []u8) i32 {
        return raw.data.blob_read(handle, out.ptr, out.len);
    }

    /// Appends to the blob.
    /// Capability: `data.write`.
    /// `chunk` has at most 65536 bytes.
    pub fn blob_write(handle: i32, chunk: []const u8) i32 {
        return raw.data.blob_write(handle, chunk.ptr, chunk.len);
    }

    /// Closes a blob; with 1 what was written appears whole and is durable on return, with 0 it is
    /// dropped.
    /// Capability: `data.read` or `data.write`.
    pub fn blob_close(handle: i32, commit: u32) i32 {
        return raw.data.blob_close(handle, commit);
    }
};

/// Agents: deterministic functions, agentic functions, language models.
pub const agent = struct {
    /// Calls a deterministic function; answers the bytes of its result, which `mem.take` fetches.
    /// Capability: `agent.invoke_df`.
    /// `name` has at most 255 bytes, `input` has at most 65536 bytes.
    pub fn invoke_df(name: []const u8, input: []const u8) i32 {
        return raw.agent.invoke_df(name.ptr, name.len, input.ptr, input.len);
    }

    /// Lets a model choose among registered functions and calls the one chosen; answers the bytes
    /// of its result, which `mem.take` fetches.
    /// Capability: `agent.invoke_af`.
    /// `name` has at most 255 bytes, `input` has at most 65536 bytes.
    pub fn invoke_af(name: []const u8, input: []const u8) i32 {
        return raw.agent.invoke_af(name.ptr, name.len, input.ptr, input.len);
    }

    /// Asks a language model; answers the bytes of its answer, which `mem.take` fetches.
    /// Capability: `agent.invoke_llm`.
    /// `name` has at most 255 bytes, `input` has at most 65536 bytes.
    pub fn invoke_llm(name: []const u8, input: []const u8) i32 {
        return raw.agent.invoke_llm(name.ptr, name.len, input.ptr, input.len);
    }
};

/// Events that recognizers compute.
pub const events = struct {
    /// Registers a recognizer, which emits this event of the space's, by its specification in JSON;
    /// another one for the event replaces it. `docs/devices.md` describes it.
    /// Capability: `events.register_recognizer`.
    /// `name` has at most 255 bytes, `spec` has at most 16384 bytes.
    pub fn register_recognizer(name: []const u8, spec: []const u8) i32 {
        return raw.events.register_recognizer(name.ptr, name.len, spec.ptr, spec.len);
    }

    /// Asks for the events of a name; they arrive as messages whose path, in `net.message_info`, is
    /// `@events/` and the name. `not-found` where nothing emits them.
    /// Capability: `events.subscribe`.
    /// `name` has at most 255 bytes.
    pub fn subscribe(name: []const u8) i32 {
        return raw.events.subscribe(name.ptr, name.len);
    }

    /// Emits an event that the space declares, to whoever asked for it; `denied` where the space
    /// does not declare it.
    /// Capability: `events.register_recognizer`.
    /// `name` has at most 255 bytes, `payload` has at most 65536 bytes.
    pub fn emit(name: []const u8, payload: []const u8) i32 {
        return raw.events.emit(name.ptr, name.len, payload.ptr, payload.len);
    }
};

/// The intelligence cache: answers of models, to be found again.
pub const ic = struct {
    /// Looks an answer up; answers its bytes, which `mem.take` fetches, `not-found` where there is
    /// none.
    /// Capability: `ic.lookup`.
    /// `key` has at most 65536 bytes.
    pub fn lookup(key: []const u8) i32 {
        return raw.ic.lookup(key.ptr, key.len);
    }

    /// Stores an answer for so long; 0 is until the cache needs the room.
    /// Capability: `ic.store`.
    /// `key` has at most 65536 bytes, `value` has at most 65536 bytes.
    pub fn store(key: []const u8, value: []const u8, seconds: u32) i32 {
        return raw.ic.store(key.ptr, key.len, value.ptr, value.len, seconds);
    }
};

/// Inputs of any type; readings are JSON.
pub const sensors = struct {
    /// Asks for readings of a sensor, with options in JSON, which may be empty; `docs/devices.md`
    /// describes them.
    /// Capability: `sensors.subscribe`.
    /// `id` has at most 255 bytes, `options` has at most 16384 bytes.
    pub fn subscribe(id: []const u8, options: []const u8) i32 {
        return raw.sensors.subscribe(id.ptr, id.len, options.ptr, options.len);
    }

    /// Takes the next reading of a sensor; answers its bytes of JSON, which `mem.take` fetches,
    /// `would-block` where none waits, `closed` where none will come. A space that has not
    /// subscribed gets the last one first.
    /// Capability: `sensors.read`.
    /// `id` has at most 255 bytes.
    pub fn read(id: []const u8) i32 {
        return raw.sensors.read(id.ptr, id.len);
    }
};

/// Outputs of any type; actions are JSON.
pub const actuators = struct {
    /// Takes an actuator for so long; answers a lock above 0, `busy` where another space has it.
    /// Capability: `actuators.lock`.
    /// `id` has at most 255 bytes, `milliseconds` is at most 60000.
    pub fn lock(id: []const u8, milliseconds: u32) i32 {
        return raw.actuators.lock(id.ptr, id.len, milliseconds);
    }

    /// Carries an action in JSON out; answers the bytes of its result, which `mem.take` fetches,
    /// `expired` where the lock is no longer the last one given, `closed` where it was given back.
    /// Capability: `actuators.command`.
    /// `action` has at most 16384 bytes.
    pub fn command(the_lock: i32, action: []const u8) i32 {
        return raw.actuators.command(the_lock, action.ptr, action.len);
    }

    /// Gives an actuator back.
    /// Capability: `actuators.release`.
    pub fn release(the_lock: i32) i32 {
        return raw.actuators.release(the_lock);
    }
};

/// Sound as a stream of bytes.
pub const audio = struct {
    /// Writes sound that the microphone took, as much as fits; answers its bytes, `would-block`
    /// where there is none.
    /// Capability: `audio.capture`.
    pub fn capture(out: []u8) i32 {
        return raw.audio.capture(out.ptr, out.len);
    }

    /// Gives sound to the speaker; answers how many bytes it took, `would-block` where it has no
    /// room.
    /// Capability: `audio.playback`.
    /// `chunk` has at most 65536 bytes.
    pub fn playback(chunk: []const u8) i32 {
        return raw.audio.playback(chunk.ptr, chunk.len);
    }
};

/// The machine.
pub const node = struct {
    /// Describes the machine that runs the space, as JSON; answers its bytes.
    /// Capability: `node.info`.
    pub fn info(out: []u8) i32 {
        return raw.node.info(out.ptr, out.len);
    }
};

/// Results that the host keeps.
pub const mem = struct {
    /// Writes the result that the host keeps and forgets it; answers its bytes, `not-found` where
    /// none is kept.
    pub fn take(out: []u8) i32 {
        return raw.mem.take(out.ptr, out.len);
    }
};

/// The ABI itself.
pub const z = struct {
    /// Answers the version of this table that the host knows.
    pub fn version() i32 {
        return raw.z.version();
    }

    /// Answers 1 if the host serves the function of that name, such as `data.put`, and 0 if it does
    /// not.
    /// `name` has at most 255 bytes.
    pub fn has(name: []const u8) i32 {
        return raw.z.has(name.ptr, name.len);
    }
};

const raw = struct {
    const sys = struct {
        extern "sys" fn log(line_ptr: [*]const u8, line_len: usize) i32;
        extern "sys" fn sleep(milliseconds: u32) i32;
        extern "sys" fn yield() i32;
        extern "sys" fn self_emit(message_ptr: [*]const u8, message_len: usize) i32;
    };
    const net = struct {
        extern "net" fn emit_to(to_ptr: [*]const u8, to_len: usize, message_ptr: [*]const u8, message_len: usize) i32;
        extern "net" fn recv_next(out: [*]u8, cap: usize) i32;
        extern "net" fn message_info(out: [*]u8, cap: usize) i32;
    };
    const data = struct {
        extern "data" fn get(key_ptr: [*]const u8, key_len: usize, out: [*]u8, cap: usize) i32;
        extern "data" fn put(key_ptr: [*]const u8, key_len: usize, value_ptr: [*]const u8, value_len: usize) i32;
        extern "data" fn delete(key_ptr: [*]const u8, key_len: usize) i32;
        extern "data" fn list(prefix_ptr: [*]const u8, prefix_len: usize, after_ptr: [*]const u8, after_len: usize, out: [*]u8, cap: usize) i32;
        extern "data" fn blob_open(key_ptr: [*]const u8, key_len: usize, mode: u32) i32;
        extern "data" fn blob_read(handle: i32, out: [*]u8, cap: usize) i32;
        extern "data" fn blob_write(handle: i32, chunk_ptr: [*]const u8, chunk_len: usize) i32;
        extern "data" fn blob_close(handle: i32, commit: u32) i32;
    };
    const agent = struct {
        extern "agent" fn invoke_df(name_ptr: [*]const u8, name_len: usize, input_ptr: [*]const u8, input_len: usize) i32;
        extern "agent" fn invoke_af(name_ptr: [*]const u8, name_len: usize, input_ptr: [*]const u8, input_len: usize) i32;
        extern "agent" fn invoke_llm(name_ptr: [*]const u8, name_len: usize, input_ptr: [*]const u8, input_len: usize) i32;
    };
    const events = struct {
        extern "events" fn register_recognizer(name_ptr: [*]const u8, name_len: usize, spec_ptr: [*]const u8, spec_len: usize) i32;
        extern "events" fn subscribe(name_ptr: [*]const u8, name_len: usize) i32;
        extern "events" fn emit(name_ptr: [*]const u8, name_len: usize, payload_ptr: [*]const u8, payload_len: usize) i32;
    };
    const ic = struct {
        extern "ic" fn lookup(key_ptr: [*]const u8, key_len: usize) i32;
        extern "ic" fn store(key_ptr: [*]const u8, key_len: usize, value_ptr: [*]const u8, value_len: usize, seconds: u32) i32;
    };
    const sensors = struct {
        extern "sensors" fn subscribe(id_ptr: [*]const u8, id_len: usize, options_ptr: [*]const u8, options_len: usize) i32;
        extern "sensors" fn read(id_ptr: [*]const u8, id_len: usize) i32;
    };
    const actuators = struct {
        extern "actuators" fn lock(id_ptr: [*]const u8, id_len: usize, milliseconds: u32) i32;
        extern "actuators" fn command(the_lock: i32, action_ptr: [*]const u8, action_len: usize) i32;
        extern "actuators" fn release(the_lock: i32) i32;
    };
    const audio = struct {
        extern "audio" fn capture(out: [*]u8, cap: usize) i32;
        extern "audio" fn playback(chunk_ptr: [*]const u8, chunk_len: usize) i32;
    };
    const node = struct {
        extern "node" fn info(out: [*]u8, cap: usize) i32;
    };
    const mem = struct {
        extern "mem" fn take(out: [*]u8, cap: usize) i32;
    };
    const z = struct {
        extern "z" fn version() i32;
        extern "z" fn has(name_ptr: [*]const u8, name_len: usize) i32;
    };
};
