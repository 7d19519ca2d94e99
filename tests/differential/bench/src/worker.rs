//! The other end of a child's pipes: `load`, `run`, `compile`, `measure`, a line each, and a line of two numbers back.

use crate::clock;
use crate::engine::{Engine, Failure, Run};
use std::fs;
use std::io::{BufRead as _, Write as _};

/// Answers until there is nothing more to answer.
pub fn serve(engine: &mut dyn Engine) -> Result<(), Failure> {
    let mut programs = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let words: Vec<&str> = line.split(' ').collect();
        let answer = answer(engine, &mut programs, &words);
        let text = match answer {
            Ok((one, other)) => format!("{one} {other}\n"),
            Err(why) => format!("error {}\n", why.replace('\n', " ")),
        };
        let mut output = std::io::stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn answer(engine: &mut dyn Engine, programs: &mut Vec<Run>, words: &[&str]) -> Result<(u64, u64), Failure> {
    let read = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is not a number"));
    match words {
        ["load", path] => {
            programs.push(engine.load(&read(path)?)?);
            Ok((programs.len() as u64 - 1, 0))
        }
        ["run", program, rounds] => {
            let run = programs.get_mut(number(program)? as usize).ok_or("there is no such program")?;
            let rounds = number(rounds)?;
            let (time, sum) = clock::time(|| run(rounds));
            Ok((time, sum?))
        }
        ["compile", path] => {
            let module = read(path)?;
            let (time, made) = clock::time(|| engine.compile(&module));
            Ok((time, made?.len() as u64))
        }
        ["measure", figure, count] => {
            let count = number(count)?;
            Ok((engine.measure(figure.parse()?, count)?, u64::from(count)))
        }
        _ => Err(format!("`{}` is no request", words.join(" "))),
    }
}
