//! What random programs and tables found once, each by its name.

use compiler_mir::ir::Fault;
use tests_oracle::compare::{Outcome, Pair, Verdict};
use tests_oracle::front;

/// Runs `fn entry(a: u64, b: u64) -> u64` of a program both ways, and asks for the outcome.
fn agrees(text: &str, arguments: [u64; 2], wanted: Outcome) {
    let front =
        front::compile(&format!("component Case {{ }}\n\nfn start() {{ }}\n\n{text}")).expect("it compiles");
    let entry = front::function(&front.program, "entry").expect("it has an entry");
    for optimize in [false, true] {
        let pair = Pair::new(&front.program, &[entry], optimize).expect("it is mapped");
        match pair.compare(entry, &arguments).expect("it runs") {
            Verdict::Same(outcome, _) => assert_eq!(outcome, wanted),
            other => panic!("{other:?}"),
        }
    }
}

/// The product of two large `u64` does not fit the interpreter's widest integer either.
#[test]
fn a_product_beyond_128_bits_is_an_overflow() {
    let text = "fn entry(a: u64, b: u64) -> u64 { return a * b }";
    agrees(text, [u64::MAX, u64::MAX], Outcome::Trap(Fault::Overflow));
    agrees(text, [u64::MAX, 1 << 63], Outcome::Trap(Fault::Overflow));
    agrees(text, [u64::MAX, 1], Outcome::Value(u64::MAX));
}
