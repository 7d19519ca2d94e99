//! A parser and a grammar: two modules that share a memory, a table and globals. The test links them as the parser's
//! own loader does.

use crate::{compile, surroundings};
use space_host::{Extern, Global, Memory, Table, Trap, Value, ValueType};
use std::rc::Rc;
use tests_modules::guest::{Guest, Surroundings};

const SOURCE: &str = "const f = async (a, b) => `${a}-${b ?? /x+/g}`;\n\
                      class C extends D { #p = 1; get q() { return this.#p ** 2; } }\n";

/// Where the parser's data lie, its stack above them, and its heap above that: constants of its loader.
const DATA: i32 = 1024;
const STACK_LOW: i32 = 16_704;
const STACK_HIGH: i32 = 82_240;
/// Functions that the parser puts into the table, from 1.
const PARSER_TABLE: u64 = 31;

/// What the grammar's `dylink.0` section asks for.
const GRAMMAR_BYTES: u64 = 381_780;
const GRAMMAR_ALIGN: u64 = 16;
const GRAMMAR_TABLE: u64 = 7;

struct Shared {
    with: Surroundings,
    table: Table,
}

fn shared() -> Shared {
    let with = surroundings();
    let store = with.store.clone();
    let global =
        |mutable, value| Extern::Global(Global::new(&store, mutable, &Value::I32(value)).expect("room"));
    let table = Table::new(&store, ValueType::Function, PARSER_TABLE, None).expect("a table");
    let with = with
        .provide("env.memory", Extern::Memory(Memory::new(512, Some(32_768)).expect("a memory")))
        .provide("env.__indirect_function_table", Extern::Table(table.clone()))
        .provide("env.__stack_pointer", global(true, STACK_HIGH));
    Shared { with, table }
}

fn parser(shared: &Shared, image: &[u8]) -> Guest {
    let store = &shared.with.store;
    let global =
        |mutable, value| Extern::Global(Global::new(store, mutable, &Value::I32(value)).expect("room"));
    let source: Rc<[u16]> = SOURCE.encode_utf16().collect();
    let with = shared
        .with
        .clone()
        .provide("env.__memory_base", global(false, DATA))
        .provide("env.__table_base", global(false, 1))
        .provide("GOT.mem.__stack_low", global(true, STACK_LOW))
        .provide("GOT.mem.__stack_high", global(true, STACK_HIGH))
        .provide("GOT.mem.__heap_base", global(true, STACK_HIGH))
        .serve("env.tree_sitter_progress_callback", |_, _| Ok(0))
        .serve("env.tree_sitter_parse_callback", move |guest, words| {
            let rest = source.get(words[1] as usize..).unwrap_or_default();
            let units: Vec<u8> = rest.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            guest.write(words[0], &units)?;
            guest.write(words[0] + units.len() as u64, &[0, 0])?;
            guest.set_word(words[4], rest.len() as u64)?;
            Ok(0)
        });
    let guest = with.instantiate(image).expect("instantiates");
    guest.call("__wasm_apply_data_relocs", &[]).expect("relocates");
    guest.call("__wasm_call_ctors", &[]).expect("initialises");
    guest
}

fn grammar(shared: &Shared, parser: &Guest, image: &[u8]) -> Guest {
    let base = parser.call("calloc", &[GRAMMAR_BYTES + GRAMMAR_ALIGN, 1]).expect("room");
    let base = base.next_multiple_of(GRAMMAR_ALIGN);
    let first = shared.table.grow(GRAMMAR_TABLE, &Value::Function(None)).expect("grows");
    let store = &shared.with.store;
    let global = |value| Extern::Global(Global::new(store, false, &Value::I32(value)).expect("room"));
    let export = |name| parser.instance.export(name).expect("is exported");
    let with = shared
        .with
        .clone()
        .provide("env.__memory_base", global(base as i32))
        .provide("env.__table_base", global(first as i32))
        .provide("env.iswspace", export("iswspace"))
        .provide("env.iswalpha", export("iswalpha"));
    let guest = with.instantiate(image).expect("instantiates");
    guest.call("__wasm_apply_data_relocs", &[]).expect("relocates");
    guest.call("__wasm_call_ctors", &[]).expect("initialises");
    guest
}

/// The tree of the source in words, and its nodes.
fn parse(guest: &Guest, language: u64) -> Result<(String, u64), Trap> {
    let transfer = guest.call("ts_init", &[])?;
    let (newest, oldest) = (guest.word(transfer)?, guest.word(transfer + 4)?);
    assert!((oldest..=newest).contains(&guest.call("ts_language_abi_version", &[language])?));
    guest.call("ts_parser_new_wasm", &[])?;
    let (parser, input) = (guest.word(transfer)?, guest.word(transfer + 4)?);
    assert_eq!(guest.call("ts_parser_set_language", &[parser, language])?, 1);
    let tree = guest.call("ts_parser_parse_wasm", &[parser, input, 0, 0, 0])?;
    guest.call("ts_tree_root_node_wasm", &[tree])?;
    let nodes = guest.call("ts_node_descendant_count_wasm", &[tree])?;
    guest.call("ts_tree_root_node_wasm", &[tree])?;
    let text = guest.call("ts_node_to_string_wasm", &[tree])?;
    Ok((guest.text_to_zero(text)?, nodes))
}

#[test]
fn a_parser_loads_a_grammar() {
    let Some(parser_image) = compile("web-tree-sitter/web-tree-sitter.wasm") else { return };
    let Some(grammar_image) = compile("tree-sitter-javascript/tree-sitter-javascript.wasm") else { return };
    let shared = shared();
    let parser = parser(&shared, &parser_image);
    let grammar = grammar(&shared, &parser, &grammar_image);
    let language = grammar.call("tree_sitter_javascript", &[]).expect("a language");
    let (tree, nodes) = parse(&parser, language).expect("parses");
    assert_eq!((tree.as_str(), nodes), (TREE, NODES));
}

const NODES: u64 = 68;
const TREE: &str = "(program (lexical_declaration (variable_declarator name: (identifier) value: (arrow_function \
    parameters: (formal_parameters (identifier) (identifier)) body: (template_string \
    (template_substitution (identifier)) (string_fragment) (template_substitution (binary_expression \
    left: (identifier) right: (regex pattern: (regex_pattern) flags: (regex_flags)))))))) \
    (class_declaration name: (identifier) (class_heritage (identifier)) body: (class_body member: \
    (field_definition property: (private_property_identifier) value: (number)) member: \
    (method_definition name: (property_identifier) parameters: (formal_parameters) body: \
    (statement_block (return_statement (binary_expression left: (member_expression object: (this) \
    property: (private_property_identifier)) right: (number))))))))";
