//! `space new`

pub mod space;

use std::fs;
use std::path::Path;

use compiler_driver::project::is_package_name;
use compiler_driver::{Error, files as driver};

use crate::arguments::{NewArguments, NewKind, Template};
use crate::print;
use crate::report::{Exit, Failure};

/// Makes a folder with a project that builds, tests and boots, or with a space that builds and runs.
pub fn run(arguments: &NewArguments) -> Result<(), Failure> {
    match (&arguments.kind, &arguments.name) {
        (Some(NewKind::Space { name, kind, lang }), _) => space::run(name, *kind, *lang),
        (None, Some(name)) => project(name, arguments.template),
        (None, None) => Err(Failure::new(Exit::Usage, "project-name", "a project has a name")
            .help("`space new <name>`, or `space new space <name> --lang c`")),
    }
}

fn project(name: &str, template: Template) -> Result<(), Failure> {
    if !is_package_name(name) {
        return Err(Failure::new(
            Exit::Usage,
            "project-name",
            format!("`{name}` cannot be a project's name"),
        )
        .help("lower-case letters, digits and `-`, first a letter, at most 64"));
    }
    let fill = |text: &str| text.replace("%name%", name).replace("%Name%", &component(name));
    let files: Vec<_> =
        files(template).iter().map(|(file, content)| (fill(file), fill(content).into_bytes())).collect();
    make(name, &files, &["space build", "space boot"])
}

/// Writes files into a new folder, all or none, and says what comes next.
pub fn make(name: &str, files: &[(String, Vec<u8>)], next: &[&str]) -> Result<(), Failure> {
    let folder = Path::new(name);
    if fs::symlink_metadata(folder).is_ok() {
        return Err(Failure::new(Exit::Usage, "folder-exists", format!("{name} exists already"))
            .at(name)
            .help("choose another name, or remove it first"));
    }
    let mut text = String::new();
    for (file, content) in files {
        let path = folder.join(file);
        let above = path.parent().unwrap_or(folder);
        let made = fs::create_dir_all(above).map_err(Error::io("make", above));
        if let Err(error) = made.and_then(|()| driver::replace(&path, content)) {
            // Half a project would stand in the way of the next attempt.
            fs::remove_dir_all(folder).ok();
            return Err(error.into());
        }
        text += &format!("made {}\n", path.display());
    }
    text += &format!("\nNext:\n  cd {name}\n");
    for command in next {
        text += &format!("  {command}\n");
    }
    print::text(&text)
}

/// Paths and contents; `%name%` and `%Name%` stand for the project's and the component's name.
fn files(template: Template) -> &'static [(&'static str, &'static str)] {
    match template {
        Template::App => &[("%name%.in", include_str!("../../templates/app.in"))],
        Template::Service => &[
            ("counter/counter.in", include_str!("../../templates/service/counter.in")),
            ("%name%.in", include_str!("../../templates/service/client.in")),
        ],
        Template::Driver => &[("%name%.in", include_str!("../../templates/driver.in"))],
        Template::ComponentRust => &[
            ("Cargo.toml", include_str!("../../templates/component-rust/manifest.toml")),
            ("component.in", include_str!("../../templates/component-rust/component.in")),
            ("src/lib.rs", include_str!("../../templates/component-rust/lib.rs")),
            (".gitignore", "/build\n"),
        ],
    }
}

/// `my-app` as a component is `MyApp`.
fn component(name: &str) -> String {
    name.split('-')
        .map(|part| {
            part.chars()
                .enumerate()
                .map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c })
                .collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_components_name_is_capitalised() {
        assert_eq!(component("my-app2"), "MyApp2");
    }

    fn is_in(name: &str) -> bool {
        Path::new(name).extension().is_some_and(|ending| ending == "in")
    }

    #[test]
    fn templates_are_as_the_formatter_leaves_them() {
        for template in [Template::App, Template::Service, Template::Driver, Template::ComponentRust] {
            for (name, content) in files(template).iter().filter(|(name, _)| is_in(name)) {
                let text = content.replace("%name%", "demo").replace("%Name%", "Demo");
                assert_eq!(compiler_syntax::format(&text).as_deref(), Ok(text.as_str()), "{name}");
            }
        }
    }
}
