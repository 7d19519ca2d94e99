//! A JavaScript engine, with what it asks of WASI.

use crate::{open, surroundings};
use space_host::Trap;
use tests_modules::guest::{Guest, Surroundings};

/// No such call.
const NOSYS: u64 = 52;

fn engine() -> Option<Guest> {
    let zero: &[&str] = &["host_get_timezone_offset", "host_interrupt", "host_promise_rejection"];
    let refused: &[&str] = &["fd_close", "fd_fdstat_get", "fd_seek", "fd_write"];
    let mut with: Surroundings = surroundings();
    for name in zero {
        with = with.serve(&format!("env.{name}"), |_, _| Ok(0));
    }
    for name in refused {
        with = with.serve(&format!("wasi_snapshot_preview1.{name}"), |_, _| Ok(NOSYS));
    }
    with = with
        .serve("wasi_snapshot_preview1.clock_time_get", |guest, words| {
            let milliseconds = 1_700_000_000_000u64;
            guest.write(words[2], &(milliseconds * 1_000_000).to_le_bytes())?;
            Ok(0)
        })
        .serve("wasi_snapshot_preview1.random_get", |guest, words| {
            guest.write(words[0], &vec![4; words[1] as usize])?;
            Ok(0)
        });
    let guest = open("quickjs-wasi/quickjs.wasm", &with)?;
    guest.call("_initialize", &[]).expect("initialises");
    assert_eq!(guest.call("qjs_init", &[]).expect("starts"), 0);
    Some(guest)
}

fn put(guest: &Guest, text: &str) -> Result<u64, Trap> {
    let at = guest.call("wasm_malloc", &[text.len() as u64 + 1])?;
    guest.write(at, text.as_bytes())?;
    guest.write(at + text.len() as u64, &[0])?;
    Ok(at)
}

/// The value of a script, or of what it threw, as text.
fn evaluate(guest: &Guest, script: &str) -> Result<String, Trap> {
    let (code, name) = (put(guest, script)?, put(guest, "test.js")?);
    let mut value = guest.call("qjs_eval", &[code, script.len() as u64, name, 0])?;
    if guest.call("qjs_is_exception", &[value])? != 0 {
        value = guest.call("qjs_get_exception", &[])?;
    }
    let text = guest.call("qjs_get_string", &[value])?;
    let result = guest.text_to_zero(text)?;
    guest.call("qjs_free_cstring", &[text])?;
    guest.call("qjs_free_value", &[value])?;
    Ok(result)
}

#[test]
fn scripts_have_their_values() {
    let Some(guest) = engine() else { return };
    for (script, value) in [
        ("let s = 0; for (let i = 0; i < 1000; i++) s += i; s", "499500"),
        ("JSON.stringify({a: [1, 2.5, 'é'], b: {c: null}})", r#"{"a":[1,2.5,"é"],"b":{"c":null}}"#),
        (
            "[0.1 + 0.2, 1 / 3, 2 ** -1074, 1e21, -0].join()",
            "0.30000000000000004,0.3333333333333333,5e-324,1e+21,0",
        ),
        ("'2024-02-30'.replace(/(?<y>\\d+)-(\\d+)/u, '$2/$<y>')", "02/2024-30"),
        ("new Date().toISOString()", "2023-11-14T22:13:20.000Z"),
        ("(123456789012345678901234567890n ** 2n).toString(36)", "3z9jd3zrgd1qf6ix369c8t8zs67xkl6ifbjk90"),
        ("[..function*() { yield* [3, 1, 2] }()].sort()", "SyntaxError: unexpected token in expression: '.'"),
        ("class A { #x = 6; get x() { return this.#x * 7 } }; new A().x", "42"),
        ("undefined_name", "ReferenceError: undefined_name is not defined"),
    ] {
        let given = evaluate(&guest, script).unwrap_or_else(|trap| trap.to_string());
        assert_eq!(given, value, "{script}");
    }
}

#[test]
fn recursion_ends_at_the_engines_limit_or_the_guests() {
    let Some(guest) = engine() else { return };
    let recursion = "var depth = 0; (function f(n) { depth = n; return f(n + 1) })(0)";
    guest.call("qjs_set_max_stack_size", &[128 * 1024]).expect("sets");
    let given = evaluate(&guest, recursion).expect("ends");
    assert_eq!(given, "RangeError: Maximum call stack size exceeded");
    let depth = |guest: &Guest| evaluate(guest, "depth").expect("runs").parse::<u32>().expect("a number");
    assert!(depth(&guest) > 400);

    guest.call("qjs_set_max_stack_size", &[0]).expect("sets");
    let trap = evaluate(&guest, recursion).expect_err("traps");
    assert!(trap.to_string().starts_with("call stack exhausted"), "{trap}");
    // Node comes to 2,460 with about as much stack.
    assert!(depth(&guest) > 1000);
    assert_eq!(evaluate(&guest, "6 * 7").expect("still runs"), "42");
}
