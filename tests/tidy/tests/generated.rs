//! Pages that are written from tables in code. `BLESS=1 cargo test -p tests-tidy` writes them anew.

use std::fmt::Write as _;

use sci::contract::RULES;
use sci::status::{Fault, Status};
use sci::syscall::CALLS;
use sci::vocabulary::{INTERFACES, Served, Shape};
use tests_tidy::root;

fn same(page: &str, wanted: &str) {
    let path = root().join(page);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, wanted).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{page} differs from the tables in sci; run BLESS=1 cargo test -p tests-tidy");
}

#[test]
fn system_calls() {
    let mut page = String::from(
        "# System calls\n\nGenerated from `sci/src/syscall.rs`, `sci/src/status.rs` and `sci/src/vocabulary.rs`.\n\n\
         A component calls a gate function through a slot of its image; the functions' SysV signatures are the ABI. \
         Each answers a status in `rax` and a value in `rdx`. What no correct image can do is not a status but a \
         fault, which goes to the supervisor.\n\n## Calls\n\n| number | call | value | in this kernel | what it does |\n\
         |---|---|---|---|---|\n",
    );
    for call in CALLS {
        let (arguments, value) =
            (call.arguments.join(", "), if call.value.is_empty() { "none" } else { call.value });
        let state = if call.implemented { "yes" } else { "`unsupported`" };
        let _ = writeln!(
            page,
            "| {} | `{}({arguments})` | {value} | {state} | {} |",
            call.number, call.name, call.summary
        );
    }
    page.push_str("\n## Statuses\n\n| number | name | meaning |\n|---|---|---|\n");
    for status in Status::ALL {
        let _ = writeln!(page, "| {} | `{}` |{} |", status.number(), status.name(), status.meaning());
    }
    page.push_str("\n## Faults\n\n| number | name | meaning |\n|---|---|---|\n");
    for fault in Fault::ALL {
        let _ = writeln!(page, "| {} | `{}` |{} |", fault.number(), fault.name(), fault.meaning());
    }
    page.push_str("\n## Interfaces\n\nA right is a method: bit *i* of a capability's mask is method *i*.\n");
    for interface in INTERFACES {
        let _ = write!(
            page,
            "\n### {}\n\n{}\n\n| bit | method | carried out by | what it does |\n|---|---|---|---|\n",
            interface.name, interface.summary
        );
        for (bit, method) in interface.methods.iter().enumerate() {
            let arguments: Vec<String> = method
                .arguments
                .iter()
                .map(|argument| format!("{}: {}", argument.name.replace('_', "-"), argument.shape.layout()))
                .collect();
            let result =
                method.result.map_or(String::new(), |shape: Shape| format!(" -> {}", shape.layout()));
            let error = if method.fallible { " ! Status" } else { "" };
            let by = match method.served {
                Served::Message => "a message".to_owned(),
                Served::Kernel(call) => format!("`{call}`"),
                Served::Inline => "generated code".to_owned(),
            };
            let signature = format!("{}({}){result}{error}", method.name, arguments.join(", "));
            let _ = writeln!(page, "| {bit} | `{signature}` | {by} | {} |", method.summary);
        }
    }
    same("docs/system-calls.md", &page);
}

#[test]
fn contract_rules() {
    let mut page = String::from(
        "# Contract rules\n\nGenerated from `sci/src/contract.rs`. Every image satisfies every rule: the compiler's \
         link checks them, `space check` prints them, and the kernel's admission runs the same functions.\n\n\
         | id | name | what holds |\n|---|---|---|\n",
    );
    for rule in RULES {
        let _ = writeln!(page, "| {} | {} | {} |", rule.id, rule.name, rule.sentence);
    }
    same("docs/contract-rules.md", &page);
}
