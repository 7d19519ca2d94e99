//! The tables, and whether the gates hold.

use crate::engine::Figure;
use crate::figures::geomean;
use crate::survey::{Row, Survey, Who};
use std::fmt::Write as _;

/// Gate: compilation at least so fast beside wasmtime.
const COMPILE_MIN: f64 = 0.9;
/// Gate: calls out take at most so long beside wasmtime's.
const CALL_OUT_MAX: f64 = 2.0;

/// A gate and what was measured against it.
#[derive(Debug)]
pub struct Gate {
    name: &'static str,
    measured: f64,
    bound: f64,
    is_least: bool,
}

impl Gate {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        if self.is_least { self.measured >= self.bound } else { self.measured <= self.bound }
    }
}

/// The ratio of two medians of a row.
fn ratio(row: &Row, one: Who, other: Who) -> Option<f64> {
    Some(row.get(&one)? / row.get(&other)?)
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.2}"))
}

fn mean<'r>(rows: impl Iterator<Item = &'r Row>, one: Who, other: Who) -> Option<f64> {
    geomean(&rows.filter_map(|row| ratio(row, one, other)).collect::<Vec<_>>())
}

const RUN: &[(Who, Who)] = &[
    (Who::Space, Who::Wasmtime),
    (Who::Space, Who::Wasm2c),
    (Who::Space, Who::Gcc),
    (Who::Wasmtime, Who::Gcc),
    (Who::Wasm2c, Who::Gcc),
    (Who::Again, Who::Wasmtime),
];

fn run_rows(survey: &Survey) -> impl Iterator<Item = &Row> {
    survey.kernels.iter().chain(&survey.real).map(|(_, row)| row)
}

/// Run times as ratios.
pub fn run(survey: &Survey) -> String {
    let mut text = String::from(
        "| program | Space ÷ wasmtime | Space ÷ wasm2c + gcc | Space ÷ gcc | wasmtime ÷ gcc | wasm2c + gcc ÷ gcc \
         | wasmtime ÷ itself |\n|---|---|---|---|---|---|---|\n",
    );
    let mut line = |name: &str, figures: &dyn Fn(Who, Who) -> Option<f64>| {
        let cells: Vec<String> = RUN.iter().map(|(one, other)| cell(figures(*one, *other))).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    };
    for (name, row) in survey.kernels.iter().chain(&survey.real) {
        line(name, &|one, other| ratio(row, one, other));
    }
    line("**geomean, kernels**", &|one, other| mean(survey.kernels.iter().map(|(_, row)| row), one, other));
    line("**geomean, real modules**", &|one, other| mean(survey.real.iter().map(|(_, row)| row), one, other));
    line("**geomean, all**", &|one, other| mean(run_rows(survey), one, other));
    text
}

/// Compilation: MB of module a second, and ratios of speed.
pub fn compile(survey: &Survey) -> String {
    let mut text = String::from(
        "| module | MB | Space, MB/s | wasmtime, MB/s | wasm2c + gcc, MB/s | Space ÷ wasmtime | wasmtime ÷ itself |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (name, bytes, row) in &survey.compile {
        let speed = |who| {
            let time = row.get(&who)?;
            Some(*bytes as f64 * 1e3 / time)
        };
        let cells = [speed(Who::Space), speed(Who::Wasmtime), speed(Who::Wasm2c)].map(cell).join(" | ");
        let faster = [(Who::Wasmtime, Who::Space), (Who::Wasmtime, Who::Again)];
        let faster = faster.map(|(one, other)| cell(ratio(row, one, other))).join(" | ");
        let _ = writeln!(text, "| {name} | {:.3} | {cells} | {faster} |", *bytes as f64 / 1e6);
    }
    let rows = || survey.compile.iter().map(|(_, _, row)| row);
    let mean = [mean(rows(), Who::Wasmtime, Who::Space), mean(rows(), Who::Wasmtime, Who::Again)].map(cell);
    let _ = writeln!(text, "| **geomean** | | | | | {} |", mean.join(" | "));
    text
}

/// Calls and instances.
pub fn figures(survey: &Survey) -> String {
    let mut text = String::from(
        "| what | unit | Space | wasmtime | Space ÷ wasmtime | wasmtime ÷ itself |\n|---|---|---|---|---|---|\n",
    );
    for (figure, row) in &survey.figures {
        let (name, unit, scale) = match figure {
            Figure::CallIn => ("call of an empty function of the guest", "ns", 1.0),
            Figure::CallInOne => ("call of the guest, `i32` to `i32`", "ns", 1.0),
            Figure::CallInDynamic => ("call of the guest, types known at run time", "ns", 1.0),
            Figure::CallOut => ("call of the host, `i32` to `i32`", "ns", 1.0),
            Figure::CallOutDynamic => ("call of the host, types known at run time", "ns", 1.0),
            Figure::Pooled => ("store, instance from the pool, first write, drop", "µs", 1e3),
            Figure::Cold => ("the same without a pool", "µs", 1e3),
            Figure::Idle => ("private bytes of an idle instance that has written one page", "KiB", 1024.0),
        };
        let value = |who| row.get(&who).map(|value| value / scale);
        let cells = [
            value(Who::Space),
            value(Who::Wasmtime),
            ratio(row, Who::Space, Who::Wasmtime),
            ratio(row, Who::Again, Who::Wasmtime),
        ];
        let _ = writeln!(text, "| {name} | {unit} | {} |", cells.map(cell).join(" | "));
    }
    text
}

/// The gates. What was not measured does not hold.
pub fn gates(survey: &Survey) -> Vec<Gate> {
    let spread = mean(run_rows(survey), Who::Again, Who::Wasmtime).map_or(0.0, |ratio| (ratio - 1.0).abs());
    let compile = survey.compile.iter().map(|(_, _, row)| row);
    let of = |wanted: Figure| {
        let row = survey.figures.iter().find(|(figure, _)| *figure == wanted).map(|(_, row)| row);
        row.and_then(|row| ratio(row, Who::Space, Who::Wasmtime)).unwrap_or(f64::INFINITY)
    };
    let most = |name, measured, bound| Gate { name, measured, bound, is_least: false };
    vec![
        most(
            "run time ÷ wasmtime's, geomean; the bound has the spread of wasmtime",
            mean(run_rows(survey), Who::Space, Who::Wasmtime).unwrap_or(f64::INFINITY),
            1.0 + spread,
        ),
        Gate {
            name: "compile speed ÷ wasmtime's, geomean",
            measured: mean(compile, Who::Wasmtime, Who::Space).unwrap_or(0.0),
            bound: COMPILE_MIN,
            is_least: true,
        },
        most("instance from the pool ÷ wasmtime's", of(Figure::Pooled), 1.0),
        most("call into a guest ÷ wasmtime's, no values", of(Figure::CallIn), 1.0),
        most("call into a guest ÷ wasmtime's, one value", of(Figure::CallInOne), 1.0),
        most("call out of a guest ÷ wasmtime's", of(Figure::CallOut), CALL_OUT_MAX),
    ]
}

/// The gates as a table.
pub fn gate_table(gates: &[Gate]) -> String {
    let mut text = String::from("| gate | bound | measured | |\n|---|---|---|---|\n");
    for gate in gates {
        let (sign, word) =
            (if gate.is_least { "≥" } else { "≤" }, if gate.holds() { "holds" } else { "**fails**" });
        let _ =
            writeln!(text, "| {} | {sign} {:.3} | {:.3} | {word} |", gate.name, gate.bound, gate.measured);
    }
    text
}
