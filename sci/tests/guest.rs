//! What of the Guest ABI is published: guests are compiled against it, so these lists are only ever appended to.
#![forbid(unsafe_code)]

use sci::guest::{
    Access, Errno, ErrorCode, FUNCTIONS, Function, GuestCapability, LIFECYCLE, MODULES, Mismatch, Resolved,
    Role, SENDER, Signature, VERSIONS, ValueType, WASI_FUNCTIONS, by_name, by_number, lifecycle, number,
    resolve,
};
use sci::limits::guest as limits;

const FUNCTIONS_PUBLISHED: &[&str] = &[
    "sys.log (text length) i32: sys.log",
    "sys.sleep (milliseconds) i32: sys.sleep",
    "sys.yield () i32: sys.yield",
    "sys.self_emit (bytes length) i32: net.emit_to",
    "net.emit_to (text length bytes length) i32: net.emit_to",
    "net.recv_next (out capacity) i32: net.recv_next",
    "net.message_info (out capacity) i32: net.recv_next",
    "data.get (text length out capacity) i32: data.read",
    "data.put (text length bytes length) i32: data.write",
    "data.delete (text length) i32: data.delete",
    "data.list (text length text length out capacity) i32: data.list",
    "data.blob_open (text length mode) i32: data.read data.write",
    "data.blob_read (handle out capacity) i32: data.read",
    "data.blob_write (handle bytes length) i32: data.write",
    "data.blob_close (handle flag) i32: data.read data.write",
    "agent.invoke_df (text length bytes length) i32: agent.invoke_df",
    "agent.invoke_af (text length bytes length) i32: agent.invoke_af",
    "agent.invoke_llm (text length bytes length) i32: agent.invoke_llm",
    "events.register_recognizer (text length text length) i32: events.register_recognizer",
    "events.subscribe (text length) i32: events.subscribe",
    "events.emit (text length bytes length) i32: events.register_recognizer",
    "ic.lookup (text length) i32: ic.lookup",
    "ic.store (text length bytes length seconds) i32: ic.store",
    "sensors.subscribe (text length text length) i32: sensors.subscribe",
    "sensors.read (text length) i32: sensors.read",
    "actuators.lock (text length milliseconds) i32: actuators.lock",
    "actuators.command (handle text length) i32: actuators.command",
    "actuators.release (handle) i32: actuators.release",
    "audio.capture (out capacity) i32: audio.capture",
    "audio.playback (bytes length) i32: audio.playback",
    "node.info (out capacity) i32: node.info",
    "mem.take (out capacity) i32:",
    "z.version () i32:",
    "z.has (text length) i32:",
];

const WASI_PUBLISHED: &[&str] = &[
    "args_get (i32 i32) i32",
    "args_sizes_get (i32 i32) i32",
    "clock_time_get (i32 i64 i32) i32",
    "environ_get (i32 i32) i32",
    "environ_sizes_get (i32 i32) i32",
    "fd_close (i32) i32",
    "fd_fdstat_get (i32 i32) i32",
    "fd_seek (i32 i64 i32 i32) i32",
    "fd_write (i32 i32 i32 i32) i32",
    "poll_oneoff (i32 i32 i32 i32) i32",
    "proc_exit (i32)",
    "random_get (i32 i32) i32",
    "sched_yield () i32",
    "fd_read (i32 i32 i32 i32) i32",
    "fd_prestat_get (i32 i32) i32",
    "fd_prestat_dir_name (i32 i32 i32) i32",
    "fd_filestat_get (i32 i32) i32",
    "path_open (i32 i32 i32 i32 i32 i64 i64 i32 i32) i32",
    "fd_fdstat_set_flags (i32 i32) i32",
];

const CAPABILITIES_PUBLISHED: &[&str] = &[
    "sys.log",
    "sys.sleep",
    "sys.yield",
    "net.emit_to",
    "net.recv_next",
    "data.read",
    "data.write",
    "data.list",
    "data.delete",
    "agent.invoke_df",
    "agent.invoke_af",
    "agent.invoke_llm",
    "events.register_recognizer",
    "events.subscribe",
    "ic.lookup",
    "ic.store",
    "sensors.subscribe",
    "sensors.read",
    "actuators.lock",
    "actuators.command",
    "actuators.release",
    "audio.capture",
    "audio.playback",
    "node.info",
    "x-space.clock",
    "x-space.random",
];

const CODES_PUBLISHED: &[(i32, &str)] = &[
    (-1, "invalid"),
    (-2, "fault"),
    (-3, "not-found"),
    (-4, "denied"),
    (-5, "unsupported"),
    (-6, "too-large"),
    (-7, "quota"),
    (-8, "busy"),
    (-9, "closed"),
    (-10, "io"),
    (-11, "would-block"),
    (-12, "expired"),
    (-13, "malformed"),
];

/// The least that guests may rely on.
const LIMITS_PUBLISHED: &[(&str, u32)] = &[
    ("MESSAGE_BYTES_MAX", 65_536),
    ("VALUE_BYTES_MAX", 65_536),
    ("KEY_BYTES_MAX", 512),
    ("NAME_BYTES_MAX", 255),
    ("LOG_LINE_BYTES_MAX", 4096),
    ("JSON_BYTES_MAX", 16_384),
    ("INPUT_BYTES_MAX", 65_536),
    ("RESULT_BYTES_MAX", 1_048_576),
    ("CHUNK_BYTES_MAX", 65_536),
    ("OPEN_BLOBS_MAX", 16),
    ("SLEEP_MILLISECONDS_MAX", 86_400_000),
    ("LEASE_MILLISECONDS_MAX", 60_000),
    ("WASI_IOVECS_MAX", 1024),
    ("WASI_SUBSCRIPTIONS_MAX", 64),
];

fn words(names: impl IntoIterator<Item = &'static str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(" ")
}

fn line(function: &Function) -> String {
    let Function { module, item, signature, capabilities, .. } = function;
    let roles = words(signature.parameters.iter().map(|parameter| parameter.role.name()));
    let results = words(types(signature).1.map(ValueType::name));
    let capabilities = words(capabilities.iter().map(|capability| capability.name()));
    format!("{module}.{item} ({roles}) {results}: {capabilities}").trim_end().to_owned()
}

fn types(
    signature: &Signature,
) -> (impl Iterator<Item = ValueType> + use<>, impl Iterator<Item = ValueType> + use<>) {
    let parameters = signature.parameters.iter().map(|parameter| parameter.value_type);
    (parameters, signature.results.iter().copied())
}

#[test]
fn functions_are_as_published() {
    let lines: Vec<String> = FUNCTIONS.iter().map(line).collect();
    assert_eq!(lines, FUNCTIONS_PUBLISHED);
    let values = FUNCTIONS.iter().flat_map(|function| function.signature.parameters);
    assert!(values.map(|parameter| parameter.value_type).all(|kind| kind == ValueType::I32));
}

#[test]
fn the_wasi_shim_is_as_published() {
    let lines: Vec<String> = WASI_FUNCTIONS
        .iter()
        .map(|function| {
            let (parameters, results) = types(&function.signature);
            let results = words(results.map(ValueType::name));
            let line = format!("{} ({}) {results}", function.item, words(parameters.map(ValueType::name)));
            line.trim_end().to_owned()
        })
        .collect();
    assert_eq!(lines, WASI_PUBLISHED);
    let errors = Errno::ALL.iter().map(|errno| (errno.number(), errno.name()));
    let stated =
        [(0, "SUCCESS"), (8, "BADF"), (21, "FAULT"), (28, "INVAL"), (70, "SPIPE"), (76, "NOTCAPABLE")];
    assert!(errors.eq(stated));
}

#[test]
fn five_wasi_functions_refuse_whatever_is_granted() {
    let refused = WASI_FUNCTIONS.iter().filter(|function| matches!(function.access, Access::Refused(_)));
    let items: Vec<&str> = refused.map(|function| function.item).collect();
    assert_eq!(items, ["fd_read", "fd_prestat_get", "fd_prestat_dir_name", "fd_filestat_get", "path_open"]);
    let without =
        |item| WASI_FUNCTIONS.iter().find(|function| function.item == item).map(|found| found.access);
    let closed = Access::RefusedWithout(GuestCapability::SysLog, Errno::Badf);
    assert_eq!(without("fd_write"), Some(closed));
    assert_eq!(closed.capability(), Some(GuestCapability::SysLog));
    assert_eq!(without("proc_exit").and_then(Access::capability), None);
}

#[test]
fn capabilities_are_as_published() {
    let names: Vec<&str> = GuestCapability::ALL.iter().map(|capability| capability.name()).collect();
    assert_eq!(names, CAPABILITIES_PUBLISHED);
    for (number, capability) in GuestCapability::ALL.iter().enumerate() {
        assert_eq!(GuestCapability::by_name(capability.name()), Some(*capability));
        assert_eq!(capability.bit(), 1 << number);
        assert_eq!(capability.is_extension(), capability.name().starts_with("x-"));
    }
    assert_eq!(GuestCapability::by_name("data.get"), None);
}

#[test]
fn error_codes_are_as_published() {
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| (code.number(), code.name())).collect();
    assert_eq!(codes, CODES_PUBLISHED);
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
    }
    for number in [0, 1, -14, i32::MIN] {
        assert_eq!(ErrorCode::from_number(number), None);
    }
}

#[test]
fn limits_are_never_lowered() {
    let names: Vec<&str> = limits::ALL.iter().map(|limit| limit.name).collect();
    assert_eq!(names, LIMITS_PUBLISHED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (limit, (name, least)) in limits::ALL.iter().zip(LIMITS_PUBLISHED) {
        assert!(limit.value >= *least, "{name}");
        assert!(i32::try_from(limit.value).is_ok(), "{name}: it is told from an error by its sign");
    }
}

#[test]
fn addresses_and_lengths_come_in_pairs() {
    for function in FUNCTIONS {
        let roles: Vec<Role> = function.signature.parameters.iter().map(|parameter| parameter.role).collect();
        for (at, role) in roles.iter().enumerate() {
            let next = roles.get(at + 1);
            let before = at.checked_sub(1).map(|before| roles[before]);
            let paired = match role {
                Role::Text | Role::Bytes => matches!(next, Some(Role::Length(_))),
                Role::Length(_) => matches!(before, Some(Role::Text | Role::Bytes)),
                Role::Out => next == Some(&Role::Capacity),
                Role::Capacity => before == Some(Role::Out),
                Role::Pointer | Role::Plain => false,
                Role::Handle | Role::Milliseconds(_) | Role::Seconds | Role::Mode | Role::Flag => true,
            };
            assert!(paired, "{}.{}: {role:?}", function.module, function.item);
        }
    }
}

#[test]
fn every_module_has_functions_and_every_capability_a_use() {
    let mut used: Vec<&str> = FUNCTIONS.iter().map(|function| function.module).collect();
    used.dedup();
    assert_eq!(used, MODULES.iter().map(|module| module.name).collect::<Vec<_>>());
    for capability in GuestCapability::ALL {
        let imported = FUNCTIONS.iter().any(|function| function.capabilities.contains(capability));
        let bounds = WASI_FUNCTIONS.iter().any(|function| function.access.capability() == Some(*capability));
        assert!(imported || bounds, "{}", capability.name());
        assert_eq!(imported, !capability.is_extension(), "{}", capability.name());
    }
}

#[test]
fn an_import_resolves_to_one_thing() {
    for function in FUNCTIONS {
        let Resolved::Abi(found) = resolve(function.module, function.item) else {
            panic!("{}.{} is unknown", function.module, function.item);
        };
        assert_eq!(found.number, function.number);
        let name = format!("{}.{}", function.module, function.item);
        assert_eq!(by_name(&name).map(|found| found.number), Some(function.number));
        assert_eq!(by_number(function.number).map(|found| found.item), Some(function.item));
    }
    for function in WASI_FUNCTIONS {
        let Resolved::Wasi(found) = resolve("wasi_snapshot_preview1", function.item) else {
            panic!("{} is unknown", function.item);
        };
        assert_eq!(found.item, function.item);
    }
    let unknown = [
        ("sys", "Log"),
        ("sys", ""),
        ("", "log"),
        ("data", "log"),
        ("wasi_snapshot_preview1", "sock_recv"),
        ("wasi_snapshot_preview1", "log"),
        ("wasi_unstable", "fd_write"),
        ("sys", "fd_write"),
        ("env", "memory"),
    ];
    for (module, item) in unknown {
        assert!(matches!(resolve(module, item), Resolved::Unknown), "{module}.{item}");
    }
    assert!(by_name("data").is_none() && by_name("data.get.more").is_none());
    assert_eq!(by_number(number::DATA_PUT).map(|function| function.item), Some("put"));
    assert!(by_number(FUNCTIONS.len() as u32).is_none());
}

#[test]
fn a_type_that_differs_is_told() {
    let sleep = by_name("sys.sleep").expect("it is in the table").signature;
    assert_eq!(sleep.check([ValueType::I32], [ValueType::I32]), Ok(()));
    let wide = sleep.check([ValueType::I64], [ValueType::I32]).expect_err("it takes an i32");
    assert_eq!(wide, Mismatch::Parameter { index: 0, expected: ValueType::I32, found: ValueType::I64 });
    assert_eq!(wide.to_string(), "its parameter 1 is i32, not i64");
    let silent = sleep.check([ValueType::I32], []).expect_err("it has a result");
    assert_eq!(silent.to_string(), "its number of results is 1, not 0");
    assert_eq!(sleep.to_string(), "(func (param $milliseconds i32) (result i32))");
}

#[test]
fn one_of_its_capabilities_lets_a_function_be_imported() {
    let open = by_name("data.blob_open").expect("it is in the table");
    assert!(open.allowed(GuestCapability::DataRead.bit()));
    assert!(open.allowed(GuestCapability::DataWrite.bit() | GuestCapability::SysLog.bit()));
    assert!(!open.allowed(GuestCapability::DataList.bit()));
    let version = by_name("z.version").expect("it is in the table");
    assert!(version.allowed(0));
}

#[test]
fn the_lifecycle_is_as_published() {
    let items: Vec<(&str, bool)> = LIFECYCLE.iter().map(|export| (export.item, export.may_answer)).collect();
    let stated = [
        ("_initialize", false),
        ("_start", false),
        ("on_init", true),
        ("on_process", true),
        ("on_close", true),
    ];
    assert_eq!(items, stated);
    assert!(lifecycle("on_process").is_some() && lifecycle("main").is_none());
    assert_eq!(SENDER, "@sender");
    assert!(!VERSIONS.is_empty());
}
