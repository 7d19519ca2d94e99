//! Modules of Emscripten, whose names are shortened: a hash, and a database.

use crate::{hex, open, surroundings};
use space_host::Trap;
use tests_modules::guest::{Guest, Surroundings};

const PAGE: u64 = 65_536;

/// Grows the memory to so many bytes: 1 if there is room.
fn resize(guest: &Guest, bytes: u64) -> Result<u64, Trap> {
    let memory = guest.memory()?;
    let pages = bytes.div_ceil(PAGE).saturating_sub(memory.size());
    Ok(u64::from(memory.grow(pages).is_some()))
}

/// Copies text and a zero to memory that the guest allocates.
fn put(guest: &Guest, allocate: &str, text: &str) -> Result<u64, Trap> {
    let at = guest.call(allocate, &[text.len() as u64 + 1])?;
    guest.write(at, text.as_bytes())?;
    guest.write(at + text.len() as u64, &[0])?;
    Ok(at)
}

/// Argon2id of a password in 32 bytes.
fn argon2(path: &str) -> Option<(String, String)> {
    let surroundings = surroundings()
        .serve("a.a", |guest, words| {
            let bytes = guest.read(words[1], words[2])?;
            guest.write(words[0], &bytes)?;
            Ok(0)
        })
        .serve("a.b", |guest, words| resize(guest, words[0]));
    let guest = open(path, &surroundings)?;
    Some(hash(&guest).expect("hashes"))
}

fn hash(guest: &Guest) -> Result<(String, String), Trap> {
    let (passes, kibibytes, lanes, id, version) = (2, 1024, 1, 2, 0x13);
    guest.call("d", &[])?;
    let (password, salt) = (put(guest, "f", "password")?, put(guest, "f", "somesalt")?);
    let (output, encoded) = (guest.call("f", &[32])?, guest.call("f", &[128])?);
    let arguments =
        [passes, kibibytes, lanes, password, 8, salt, 8, output, 32, encoded, 127, id, 0, 0, 0, 0, version];
    assert_eq!(guest.call("l", &arguments)?, 0);
    Ok((hex(&guest.read(output, 32)?), guest.text_to_zero(encoded)?))
}

const HASH: &str = "ec57ec9c0eaf51eeea2e92ffdcaa9cdee478f1927215b515b7b8d66657f41ed9";
const ENCODED: &str = "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$7FfsnA6vUe7qLpL/3Kqc3uR48ZJyFbUVt7jWZlf0Htk";

#[test]
fn argon2_has_its_known_answer() {
    let Some(answer) = argon2("argon2-browser/dist/argon2.wasm") else { return };
    assert_eq!(answer, (HASH.into(), ENCODED.into()));
}

#[test]
fn argon2_with_vectors_has_the_same_answer() {
    let Some(answer) = argon2("argon2-browser/dist/argon2-simd.wasm") else { return };
    assert_eq!(answer, (HASH.into(), ENCODED.into()));
}

/// No such file, as Emscripten numbers errors.
const ENOENT: u64 = -44i64 as u64;

/// A row is there.
const ROW: u64 = 100;
/// There are no more.
const DONE: u64 = 101;

fn database() -> Option<Guest> {
    let mut with: Surroundings = surroundings();
    // No files: what opens or looks one up finds nothing, and the working directory is the root.
    for name in ["a.x", "a.M", "a.L", "a.N", "a.D"] {
        with = with.serve(name, |_, _| Ok(ENOENT));
    }
    with = with
        .serve("a.I", |guest, words| {
            guest.write(words[0], b"/\0")?;
            Ok(2)
        })
        .serve("a.G", |_, _| Ok(0))
        .serve("a.H", |guest, words| {
            guest.set_word(words[0], 0)?;
            guest.set_word(words[1], 0)?;
            Ok(0)
        })
        .serve("a.d", |_, _| Ok(1_700_000_000_000f64.to_bits()))
        .serve("a.c", |_, _| Ok(1f64.to_bits()))
        .serve("a.p", |_, _| Ok(2_147_483_648))
        .serve("a.l", |guest, words| resize(guest, words[0]));
    let guest = open("sql.js/dist/sql-wasm.wasm", &with)?;
    guest.call("P", &[]).expect("initialises");
    Some(guest)
}

/// The rows of a query, columns as text.
fn query(guest: &Guest, database: u64, text: &str) -> Result<Vec<Vec<String>>, Trap> {
    let (sql, statement) = (put(guest, "Ia", text)?, guest.call("Ia", &[4])?);
    if guest.call("T", &[database, sql, u64::from(u32::MAX), statement, 0])? != 0 {
        return Err(Trap::Host(guest.text_to_zero(guest.call("$", &[database])?)?));
    }
    let statement = guest.word(statement)?;
    let mut rows = Vec::new();
    loop {
        match guest.call("U", &[statement])? {
            ROW => {
                let columns = guest.call("ra", &[statement])?;
                let column = |index| guest.text_to_zero(guest.call("Z", &[statement, index])?);
                rows.push((0..columns).map(column).collect::<Result<_, _>>()?);
            }
            DONE => break,
            _ => return Err(Trap::Host(guest.text_to_zero(guest.call("$", &[database])?)?)),
        }
    }
    guest.call("X", &[statement])?;
    Ok(rows)
}

#[test]
fn sqlite_counts_and_sums_ten_thousand_rows() {
    let Some(guest) = database() else { return };
    let (name, place) = (put(&guest, "Ia", ":memory:").expect("room"), guest.call("Ia", &[4]).expect("room"));
    assert_eq!(guest.call("Ha", &[name, place]).expect("opens"), 0);
    let database = guest.word(place).expect("a handle");
    let run = |text: &str| query(&guest, database, text).expect("runs");
    run("CREATE TABLE t(n INTEGER PRIMARY KEY, square INTEGER, name TEXT)");
    run("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10000) \
         INSERT INTO t SELECT n, n * n, printf('row %05d', n) FROM c");
    assert_eq!(
        run("SELECT count(*), sum(square), max(name), avg(n) FROM t"),
        [["10000", "333383335000", "row 10000", "5000.5"]]
    );
    run("CREATE INDEX by_name ON t(name)");
    assert_eq!(run("SELECT n FROM t WHERE name LIKE '%0777' ORDER BY name DESC LIMIT 2"), [["777"]]);
    assert_eq!(run("SELECT json_extract('{\"a\":[1,2,{\"b\":3.5}]}', '$.a[2].b')"), [["3.5"]]);
    let error = query(&guest, database, "SELECT missing FROM t").expect_err("is refused");
    assert_eq!(error.to_string(), "no such column: missing");
}
