//! `space doctor`

use boot::Qemu;
use compiler_driver::files;
use compiler_driver::keys::{DEVELOPMENT, Store};
use serde_json::json;

use crate::commands::apps::{parent, state};
use crate::print;
use crate::report::{Exit, Failure};
use crate::toolchain;

/// One thing looked at.
struct Finding {
    name: &'static str,
    state: String,
    /// What to do, if it is wrong.
    remedy: Option<String>,
    /// Whether `space` itself needs it.
    needed: bool,
}

impl Finding {
    fn good(name: &'static str, state: impl Into<String>) -> Self {
        Self { name, state: state.into(), remedy: None, needed: true }
    }

    fn bad(name: &'static str, state: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: state.into(), remedy: Some(remedy.into()), needed: true }
    }
}

/// Looks at everything that `space` needs, and at what builds spaces in other languages; fails if something is
/// missing of what it needs itself.
pub fn run(as_json: bool) -> Result<(), Failure> {
    let findings: Vec<Finding> =
        [version(), kernel(), qemu(), keys()].into_iter().chain(state()).chain(toolchains()).collect();
    if as_json {
        let listed: Vec<_> = findings
            .iter()
            .map(|finding| json!({
                    "name": finding.name, "state": finding.state, "remedy": finding.remedy, "needed": finding.needed
                }))
            .collect();
        print::json(&json!(listed))?;
    } else {
        let mut text = String::new();
        for finding in &findings {
            let word = match (&finding.remedy, finding.needed) {
                (None, _) => "ok",
                (Some(_), true) => "missing",
                (Some(_), false) => "absent",
            };
            text += &format!("{word:<8} {:<8} {}\n", finding.name, finding.state);
            if let Some(remedy) = &finding.remedy {
                text += &format!("{:<17} {remedy}\n", "");
            }
        }
        if findings.iter().any(|finding| !finding.needed && finding.remedy.is_some()) {
            text += "What is absent is needed only by `space new space --lang` of that name.\n";
        }
        print::text(&text)?;
    }
    match findings.iter().filter(|finding| finding.needed && finding.remedy.is_some()).count() {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Environment, "doctor", format!("{count} of these must be mended"))),
    }
}

/// What applications have on this machine.
fn state() -> Vec<Finding> {
    // Without a folder for keys there is none for this, and that is said above.
    let Ok(home) = parent::home() else { return Vec::new() };
    let finding = |name, found: state::Found| match found {
        Ok(state) => Finding::good(name, state),
        Err((state, remedy)) => Finding::bad(name, state, remedy),
    };
    let mut findings = vec![Finding::good("state", state::folder(&home))];
    findings.extend(state::applications(&home).into_iter().map(|app| Finding::good("app", app)));
    findings.extend([
        finding("disk", state::disk(&home)),
        finding("parent", state::parent(&home)),
        Finding::good("port", state::port(&home)),
    ]);
    findings
}

/// What spaces in other languages are built with.
fn toolchains() -> impl Iterator<Item = Finding> {
    toolchain::parts().into_iter().map(|part| {
        let finding = match part.state {
            Ok(state) => Finding::good(part.language, state),
            Err(state) => Finding::bad(part.language, state, part.install),
        };
        Finding { needed: false, ..finding }
    })
}

fn version() -> Finding {
    Finding::good("space", crate::arguments::LONG_VERSION.replace('\n', ", "))
}

fn kernel() -> Finding {
    let os: Vec<&str> = boot::OS.iter().map(|(name, _)| *name).collect();
    Finding::good("kernel", format!("{} bytes, with {}", boot::KERNEL.len(), os.join(", ")))
}

fn qemu() -> Finding {
    let Some(qemu) = Qemu::find() else {
        return Finding::bad("qemu", Qemu::missing(), boot::qemu::REMEDY);
    };
    match qemu.version() {
        Ok(version) => Finding::good("qemu", format!("{version} at {}", qemu.path().display())),
        Err(error) => Finding::bad("qemu", format!("{}: {error}", qemu.path().display()), boot::qemu::REMEDY),
    }
}

fn keys() -> Finding {
    let wrong = |error: compiler_driver::Error| {
        let remedy = error.help().unwrap_or_else(|| "see `space key list`".to_owned());
        Finding::bad("keys", error.to_string(), remedy)
    };
    let store = match Store::open() {
        Ok(store) => store,
        Err(error) => return wrong(error),
    };
    let (keys, broken) = match store.list() {
        Ok(found) => found,
        Err(error) => return wrong(error),
    };
    if let Some(error) = broken.into_iter().next() {
        return wrong(error);
    }
    if keys.iter().any(|key| key.name == DEVELOPMENT) {
        return Finding::good("keys", format!("{} in {}", keys.len(), store.folder().display()));
    }
    match files::create_private_folder(store.folder()).and_then(|()| files::is_writable(store.folder())) {
        Ok(()) => Finding::good("keys", format!("the first build makes one in {}", store.folder().display())),
        Err(error) => wrong(error),
    }
}
