//! A large program for measuring compilers: the same functions in `.in` and, line by line, in C.

/// Both forms.
pub struct Sources {
    /// As `.in`.
    pub space: String,
    /// As C.
    pub c: String,
}

/// The body of each function, a line of `.in` beside its line of C; `%n` is the function's number, `%p` the
/// one before.
const BODY: &[(&str, &str)] = &[
    ("fn work%n(seed: u64, limit: u64) -> u64 {", "static uint64_t work%n(uint64_t seed, uint64_t limit) {"),
    ("  var sum = seed % 1000", "  uint64_t sum = seed % 1000;"),
    ("  var step: u64 = %n", "  uint64_t step = %n;"),
    ("  var values: [u64; 8] = [0; 8]", "  uint64_t values[8] = {0};"),
    ("  var at: u64 = 0", "  uint64_t at = 0;"),
    ("  while at < limit {", "  while (at < limit) {"),
    ("    values[at % 8] = sum + step", "    values[at % 8] = sum + step;"),
    ("    if sum > 5000 {", "    if (sum > 5000) {"),
    ("      sum = sum / 3", "      sum = sum / 3;"),
    ("    } else if step > 100 {", "    } else if (step > 100) {"),
    ("      step = step - 99", "      step = step - 99;"),
    ("    } else {", "    } else {"),
    ("      sum = sum + values[step % 8]", "      sum = sum + values[step % 8];"),
    ("    }", "    }"),
    ("    at = at + 1", "    at = at + 1;"),
    ("  }", "  }"),
    ("  let other = work%p(sum, limit / 2)", "  const uint64_t other = work%p(sum, limit / 2);"),
    ("  return (other ^ sum) & 65535", "  return (other ^ sum) & 65535;"),
    ("}", "}"),
    ("", ""),
];

/// Functions that call each other in one chain, before the chain begins anew: it bounds the stack.
const CHAIN: usize = 20;

/// A program of about so many lines.
pub fn generate(lines: usize) -> Sources {
    let mut space = String::from("component Bench {\n}\n\nvar result: u64 = 0\n\n");
    let mut c = String::from("#include <stdint.h>\n\nuint64_t result = 0;\n\n\n");
    space += "fn work0(seed: u64, limit: u64) -> u64 {\n  return seed ^ limit\n}\n\n";
    c += "static uint64_t work0(uint64_t seed, uint64_t limit) {\n  return seed ^ limit;\n}\n\n";
    let functions = lines / BODY.len();
    for number in 1..=functions {
        let previous = if number % CHAIN == 1 { 0 } else { number - 1 };
        for (in_space, in_c) in BODY {
            let fill =
                |line: &str| line.replace("%n", &number.to_string()).replace("%p", &previous.to_string());
            space += &fill(in_space);
            space.push('\n');
            c += &fill(in_c);
            c.push('\n');
        }
    }
    space += "fn start() {\n";
    c += "int main(void) {\n";
    for number in (CHAIN..=functions).step_by(CHAIN) {
        let line = format!("  result = result ^ work{number}({number}, 20)");
        space.extend([line.as_str(), "\n"]);
        c.extend([line.as_str(), ";\n"]);
    }
    space += "}\n";
    c += "  return 0;\n}\n";
    Sources { space, c }
}
