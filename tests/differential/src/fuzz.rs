//! Any bytes, as what a module is made from.

use crate::compare::{self, Figures};
use crate::generate;
use std::cell::OnceCell;

thread_local! {
    static ENGINE: OnceCell<wasmtime::Engine> = const { OnceCell::new() };
}

/// Runs the module that the bytes make in every engine; whether they make one.
///
/// # Panics
/// If the engines differ, unless the interpreter stands alone.
pub fn run(bytes: &[u8]) -> bool {
    let Ok(mut generated) = generate::module_of(bytes) else { return false };
    let mut figures = Figures::default();
    ENGINE.with(|engine| {
        let engine = engine.get_or_init(crate::compiled::engine);
        if let Err(difference) = compare::generated(engine, &mut generated, &mut figures) {
            panic!("{difference}");
        }
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const INPUTS: u32 = 200;

    #[test]
    fn what_bytes_make_runs_the_same_in_every_engine() {
        let mut random = Random::new(3);
        let mut made = 0;
        for _ in 0..INPUTS {
            let length = 8 + random.below(3_000) as usize;
            made += u32::from(run(&random.bytes(length)));
        }
        println!("{made} modules of {INPUTS} inputs");
        assert!(made * 2 > INPUTS);
    }
}
