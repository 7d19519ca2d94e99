//! Pages that are written from tables in code. `BLESS=1 cargo test -p tests-tidy` writes them anew.

use std::fmt::Write as _;

use sci::contract::RULES;
use sci::guest::{
    Access, Errno, ErrorCode, FUNCTIONS, GuestCapability, LIFECYCLE, MEMORY_EXPORT, MODULES, Module,
    VERSIONS, WASI_FUNCTIONS, WASI_MODULE,
};
use sci::limits::guest as guest_limits;
use sci::status::{Fault, Status};
use sci::syscall::CALLS;
use sci::vocabulary::{INTERFACES, Served, Shape};
use services_mex::{Part, Rule, limits};
use services_topology::rules::{Level, RULES as TOPOLOGY_RULES};
use tests_tidy::root;

fn same(page: &str, wanted: &str) {
    let path = root().join(page);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, wanted).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{page} differs from the tables in code; run BLESS=1 cargo test -p tests-tidy");
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

#[test]
fn package_rules() {
    let mut page = String::from(
        "# Rules of packages\n\nGenerated from `services/mex/src/rule.rs`. A package that breaks one is refused by its \
         id, with the place, what was found there, and the remedy. All but the last two tables are the structural \
         level; trust is judged apart. Texts are held against the rules of YAML, too, and topologies, spaces and \
         worlds against theirs: `docs/topology-rules.md`.\n",
    );
    for part in Part::ALL {
        let _ = write!(page, "\n## {}\n\n| id | what holds | remedy |\n|---|---|---|\n", part.name());
        for rule in Rule::ALL.iter().filter(|rule| rule.part() == *part) {
            let _ = writeln!(page, "| `{}` | {} | {} |", rule.id(), rule.sentence(), rule.remedy());
        }
    }
    page.push_str("\n## Limits\n\n| limit | value |\n|---|---|\n");
    for (what, limit) in limits::ALL {
        let _ = writeln!(page, "| {what} | {limit} |");
    }
    same("docs/mex-rules.md", &page);
}

#[test]
fn topology_rules() {
    let mut page = String::from(
        "# Rules of topologies\n\nGenerated from `services/yaml/src/rules.rs` and `services/topology/src/rules.rs`. What a \
         topology, a space or a world breaks is reported with its place, its space, the rule's id and a remedy. \
         `docs/topology.md` describes the formats.\n\n\
         ## Text\n\nOf every file in YAML, looking at the text alone.\n\n| id | what holds | otherwise |\n|---|---|---|\n",
    );
    for rule in services_yaml::RULES {
        let _ = writeln!(page, "| `{}` | {} | {} |", rule.id, rule.sentence, rule.remedy);
    }
    let levels = [
        ("Structural", "Of one file.", Level::Structural),
        ("Semantic", "Of topology, spaces, world and code together.", Level::Semantic),
    ];
    for (title, summary, level) in levels {
        let _ = write!(page, "\n## {title}\n\n{summary}\n\n| id | what holds | otherwise |\n|---|---|---|\n");
        for rule in TOPOLOGY_RULES.iter().filter(|rule| rule.level == level) {
            let _ = writeln!(page, "| `{}` | {} | {} |", rule.id, rule.sentence, rule.remedy);
        }
    }
    same("docs/topology-rules.md", &page);
}

#[test]
fn guest_abi() {
    let mut page = format!(
        "# Guest ABI\n\nGenerated from `sci/src/guest.rs`, the files in `sci/src/guest` and `sci/src/limits.rs`.\n\n\
         What a WebAssembly guest imports from its host and exports to it. This is version {} of the table, the number \
         that `z.version` answers. The table only grows: a guest compiled today runs on every later host.\n",
        VERSIONS.len()
    );
    guest_lifecycle(&mut page);
    page.push_str(GUEST_RULES);
    page.push_str("\n## Error codes\n\n| result | name | meaning |\n|---|---|---|\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(page, "| {} | `{}` | {} |", code.number(), code.name(), code.meaning());
    }
    page.push_str(
        "\n## Functions\n\nA host that has no devices, no agents or no cache binds their functions all the \
         same; a call answers `unsupported`, and `z.has` says so beforehand.\n",
    );
    for module in MODULES {
        guest_module(&mut page, module);
    }
    guest_capabilities(&mut page);
    guest_wasi(&mut page);
    page.push_str(
        "\n## Limits\n\nThey may be raised, never lowered.\n\n| limit | value | what |\n|---|---|---|\n",
    );
    for limit in guest_limits::ALL {
        let _ = writeln!(page, "| `{}` | {} | {} |", limit.name, limit.value, limit.summary);
    }
    same("docs/guest-abi.md", &page);
}

/// What holds for every function alike.
const GUEST_RULES: &str = "
## Calls, results, buffers

- A result is one `i32`: 0 for success, below 0 an error code, above 0 bytes, a count or a handle.
- Addresses, lengths, capacities and handles are unsigned. An empty range may begin anywhere. \
A buffer lies in memory as a whole, however little is written.
- Text is UTF-8. Keys, names and JSON are text; messages, values and inputs are bytes.
- The guest owns every buffer. The host keeps no address past a call.
- `out` and `cap` are a buffer for a result. Where the result does not fit, the call answers the bytes that it needs, \
more than `cap`, and nothing is written or consumed: call again with a larger buffer. Functions that write as much \
as fits say so.
- A result that cannot be had twice is kept by the host, one for each space: the call answers its bytes, `mem.take` \
fetches it, and the next call that keeps one replaces it.
- A module that imports a function without its capability is not instantiated. A call without it, however it came \
about, aborts the space.
- A call checks its capability first, then whether the host serves it, then lengths against their limits \
(`too-large`), then addresses (`fault`), then text (`malformed`), then the rest.
- A blob and a value share their key: writing one replaces the other.
";

fn guest_lifecycle(page: &mut String) {
    let _ = write!(
        page,
        "\n## Lifecycle\n\nA guest exports its memory as `{MEMORY_EXPORT}`, and functions that the host calls in this \
         order. None has a parameter. Of `_initialize` and `_start` it exports one or none, never both. In a topology \
         the others are required; `space run` takes a module with `_start` alone.\n\n| export | type | called |\n|---|---|---|\n"
    );
    for export in LIFECYCLE {
        let kind = if export.may_answer { "`() -> ()` or `() -> i32`" } else { "`() -> ()`" };
        let _ = writeln!(page, "| `{}` | {kind} | {} |", export.item, export.summary);
    }
    page.push_str("\nAn answer below 0 says that the call failed.\n");
}

fn guest_module(page: &mut String, module: &Module) {
    let types: Vec<&str> = module.types.iter().map(|kind| kind.name()).collect();
    let _ = write!(
        page,
        "\n### {}\n\n{} For {} spaces.\n\n```wat\n",
        module.name,
        module.summary,
        types.join(", ")
    );
    let functions = || FUNCTIONS.iter().filter(|function| function.module == module.name);
    for function in functions() {
        let _ =
            writeln!(page, "(import \"{}\" \"{}\" {})", function.module, function.item, function.signature);
    }
    page.push_str("```\n\n| number | function | capability | what it does |\n|---|---|---|---|\n");
    for function in functions() {
        let capabilities: Vec<String> =
            function.capabilities.iter().map(|capability| format!("`{}`", capability.name())).collect();
        let capability = if capabilities.is_empty() { "none".to_owned() } else { capabilities.join(" or ") };
        let _ = writeln!(
            page,
            "| {} | `{}.{}` | {capability} | {} |",
            function.number, function.module, function.item, function.summary
        );
    }
}

fn guest_capabilities(page: &mut String) {
    page.push_str(
        "\n## Capabilities\n\nOnes that begin with `x-` are extensions of `samoza/v1`; a strict validation refuses them.\n\n\
         | bit | capability | what its holder may do |\n|---|---|---|\n",
    );
    for capability in GuestCapability::ALL {
        let _ = writeln!(
            page,
            "| {} | `{}` | {} |",
            capability.number(),
            capability.name(),
            capability.meaning()
        );
    }
}

fn guest_wasi(page: &mut String) {
    let _ = write!(
        page,
        "\n## WASI\n\nToolchains import from `{WASI_MODULE}` whether a program needs it or not, so these imports always \
         bind, and what they can do is bounded by the capabilities above. Any other name of the module is refused.\n\n```wat\n"
    );
    for function in WASI_FUNCTIONS {
        let _ = writeln!(page, "(import \"{WASI_MODULE}\" \"{}\" {})", function.item, function.signature);
    }
    page.push_str("```\n\n| function | what it does | bounded by | without it |\n|---|---|---|---|\n");
    for function in WASI_FUNCTIONS {
        let capability =
            function.access.capability().map_or("none".to_owned(), |needed| format!("`{}`", needed.name()));
        let without = match function.access {
            Access::Always => "the same".to_owned(),
            Access::Refused(errno) => format!("always {}", errno.name()),
            Access::RefusedWithout(_, errno) => errno.name().to_owned(),
            Access::ReducedWithout(_, words) => words.to_owned(),
        };
        let _ = writeln!(page, "| `{}` | {} | {capability} | {without} |", function.item, function.summary);
    }
    let errors: Vec<String> =
        Errno::ALL.iter().map(|errno| format!("{} {}", errno.name(), errno.number())).collect();
    let _ = writeln!(page, "\nError numbers: {}.", errors.join(", "));
}
