//! From source text to MIR, with the runtime's library beside it as in the compiler's driver.

use compiler_check::ParsedPackage;
use compiler_mir::ir::{FunctionId, Program};
use compiler_mir::verify::verify;
use compiler_syntax::diagnostic::{Diagnostic, Severity};
use compiler_syntax::span::{Sources, Span};

const LIBRARY: &str = include_str!("../../../runtime/guest/std/text.in");

/// A program and the texts that its spans point into.
#[derive(Debug)]
pub struct Front {
    /// The program.
    pub program: Program,
    /// Its sources.
    pub sources: Sources,
}

/// The compiler did not take the source.
#[derive(Debug, thiserror::Error)]
#[error("the compiler refuses the program: {0}")]
pub struct Refused(pub String);

/// Compiles one package with a component.
pub fn compile(text: &str) -> Result<Front, Refused> {
    let mut sources = Sources::default();
    let mut packages = Vec::new();
    let mut diagnostics = Vec::new();
    for (path, name, text, library) in
        [("oracle", "oracle.in", text, false), ("space.text", "space/text.in", LIBRARY, true)]
    {
        let file = sources.add(name, text);
        let (tree, found) = compiler_syntax::parse(file, text);
        diagnostics.extend(found);
        let span = Span::new(file, 0, 0);
        packages.push(ParsedPackage {
            path: path.to_owned(),
            files: vec![tree],
            span,
            library,
            native: false,
        });
    }
    refuse(&diagnostics, &sources)?;
    let checked = compiler_check::check(&packages);
    refuse(&checked.diagnostics, &sources)?;
    let unit = checked.units.into_iter().next().ok_or_else(|| Refused("there is no program".into()))?;
    verify(&unit.program).map_err(|defects| {
        let shown: Vec<String> = defects.iter().map(ToString::to_string).collect();
        Refused(format!("the MIR is malformed: {}", shown.join("; ")))
    })?;
    Ok(Front { program: unit.program, sources })
}

fn refuse(diagnostics: &[Diagnostic], sources: &Sources) -> Result<(), Refused> {
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(|diagnostic| {
            let at = sources.position(diagnostic.primary.file, diagnostic.primary.start);
            format!("{}:{}: {}: {}", at.line, at.column, diagnostic.id, diagnostic.message)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Refused(errors.join("\n"))) }
}

/// The function of a name.
pub fn function(program: &Program, name: &str) -> Option<FunctionId> {
    let at = program.functions.iter().position(|function| function.name == name)?;
    Some(FunctionId(at as u32))
}
