//! `space mex new`: the example `hello-samoza` under a name of one's own, with its modules, so that it needs no tools.

use std::time::{SystemTime, UNIX_EPOCH};

use services_mex::Moment;
use services_topology::name::Name;

use crate::arguments::{Kind, Language};
use crate::commands::new::{make, space};
use crate::report::{Exit, Failure};
use crate::toolchain;

macro_rules! files {
    ($($name:literal)+) => {
        &[$(($name, include_bytes!(concat!("../../../../examples/hello-samoza/", $name)))),+]
    };
}

/// The example's files, as they are.
const FILES: &[(&str, &[u8])] = files! {
    "panel/assets/panel.css"
    "panel/assets/panel.js"
    "sensor/build.sh"
    "sensor/guest.c"
    "sensor/guest.h"
    "sensor/main.c"
    "sensor/sensor.wasm"
    "sensor/space.h"
    "sensor/space.yaml"
    "sensor/sums"
    "store/build.sh"
    "store/guest.rs"
    "store/space.rs"
    "store/space.yaml"
    "store/store.rs"
    "store/store.wasm"
    "store/sums"
};

/// Those with the example's name.
const NAMED: &[(&str, &[u8])] = files! { "manifest.yaml" "panel/index.html" "topology.yaml" };
const NAME: &str = "hello-samoza";

/// The one space of an application in a language.
const MAIN: &str = "greeter";

/// Makes a folder with an application that is packed as it is, or with one space in a language.
pub fn run(name: &str, language: Option<Language>) -> Result<(), Failure> {
    if Name::new(name).is_none() {
        let message = format!("`{name}` cannot be the name of a package");
        return Err(Failure::new(Exit::Usage, "application-name", message)
            .help("lower-case letters, digits and `-`, first a letter, at most 63"));
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Moment(since.as_secs());
    if let Some(language) = language {
        let build = format!("(cd {MAIN} && {})", toolchain::install(language));
        return make(name, &in_language(name, now, language), &[&build, "space up"]);
    }
    let package = format!("{name}.mex");
    let next = [
        format!("space mex build . -o {package}"),
        format!("space mex verify {package}"),
        format!("space mex inspect {package}"),
    ];
    let next: Vec<&str> = next.iter().map(String::as_str).collect();
    make(name, &files(name, now), &next)
}

fn in_language(name: &str, now: Moment, language: Language) -> Vec<(String, Vec<u8>)> {
    let fill = |text: &str| {
        text.replace("%name%", name)
            .replace("%main%", MAIN)
            .replace("%created%", &now.to_string())
            .replace("%language%", toolchain::name(language))
    };
    let mut files = space::files(MAIN, language);
    space::place(&mut files, MAIN, Kind::Io);
    for (file, _) in &mut files {
        *file = format!("{MAIN}/{file}");
    }
    files.push(("manifest.yaml".into(), fill(include_str!("../../../templates/mex/language/manifest.yaml"))));
    files.push(("topology.yaml".into(), fill(include_str!("../../../templates/mex/language/topology.yaml"))));
    files.push(("README.md".into(), fill(include_str!("../../../templates/mex/language/README.md"))));
    files.push((".gitignore".into(), "*.mex\n".into()));
    files.into_iter().map(|(file, text)| (file, text.into_bytes())).collect()
}

fn files(name: &str, now: Moment) -> Vec<(String, Vec<u8>)> {
    let own = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("  owner:")).map(|line| {
            let key = |key: &str| line.starts_with(&format!("  {key}:"));
            match () {
                () if key("created") => format!("  created: {now}"),
                () if key("publisher") => "  publisher: unknown".to_owned(),
                () if key("version") => "  version: 0.1.0".to_owned(),
                () => line.replace(NAME, name),
            }
        });
        lines.fold(String::new(), |text, line| text + &line + "\n").into_bytes()
    };
    let mut files: Vec<_> =
        NAMED.iter().map(|(file, text)| ((*file).to_owned(), own(&String::from_utf8_lossy(text)))).collect();
    files.extend(FILES.iter().map(|(file, content)| ((*file).to_owned(), content.to_vec())));
    let readme = include_str!("../../../templates/mex/README.md").replace("%name%", name);
    files.push(("README.md".to_owned(), readme.into_bytes()));
    files.push((".gitignore".to_owned(), b"*.mex\n".to_vec()));
    files
}
