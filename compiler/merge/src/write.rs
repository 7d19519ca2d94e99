//! Writing the one module.

use crate::error::Error;
use crate::item::{Item, Kind, Type};
use crate::link::Program;
use crate::module::Module;
use crate::numbers::Numbers;
use crate::rewrite::{Refused, Rewriter, refused};
use std::collections::BTreeSet;
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, ImportSection, MemorySection, NameMap,
    NameSection, StartSection, TableSection, TypeSection,
};

/// The name of the function that calls those of the modules at the start.
const START_NAME: &str = "space start";

/// Writes the modules as one.
pub(crate) fn write(program: &Program<'_>, numbers: &Numbers<'_>) -> Result<Vec<u8>, Error> {
    let mut rewriter = Rewriter::new(program, numbers)?;
    let mut sections = Sections::default();
    for number in program.order.iter().copied() {
        rewriter.enter(number);
        let module = &program.modules[number];
        sections.add(&mut rewriter, module).map_err(|error| refused(error, module))?;
    }
    sections.declare(&rewriter.referenced);
    sections.surround(&mut rewriter).map_err(|error| refused(error, program.main()))?;
    Ok(sections.finish(program, numbers))
}

/// The sections of the result.
#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
}

impl Sections {
    /// Writes what a module defines.
    fn add(&mut self, rewriter: &mut Rewriter<'_, '_>, module: &Module<'_>) -> Result<(), Refused> {
        for index in module.defined(Kind::Function) {
            self.functions.function(rewriter.type_index(module.functions[index as usize])?);
        }
        if let Some(section) = &module.table_section {
            rewriter.parse_table_section(&mut self.tables, section.clone())?;
        }
        for index in module.defined(Kind::Global) {
            let ty = rewriter.global_type(module.globals[index as usize])?;
            self.globals.global(ty, &rewriter.initial(index));
        }
        if let Some(section) = &module.elements {
            rewriter.parse_element_section(&mut self.elements, section.clone())?;
        }
        for body in &module.bodies {
            rewriter.parse_function_body(&mut self.code, body.clone())?;
        }
        if let Some(section) = &module.data {
            rewriter.parse_data_section(&mut self.data, section.clone())?;
        }
        Ok(())
    }

    /// Declares the functions that code refers to: what declared them before may be an export that is gone.
    fn declare(&mut self, referenced: &BTreeSet<u32>) {
        if !referenced.is_empty() {
            let functions: Vec<u32> = referenced.iter().copied().collect();
            self.elements.declared(Elements::Functions(functions.into()));
        }
    }

    /// Writes what belongs to no module: types, imports, memories.
    fn surround(&mut self, rewriter: &mut Rewriter<'_, '_>) -> Result<(), Refused> {
        let numbers = rewriter.numbers;
        for ty in &numbers.types {
            let ty = rewriter.func_type((*ty).clone())?;
            self.types.ty().func_type(&ty);
        }
        for (module, item, ty) in &numbers.imports {
            let ty = match ty {
                Type::Function(ty) => EntityType::Function(numbers.type_number(ty)),
                Type::Table(ty) => EntityType::Table(rewriter.table_type(*ty)?),
                Type::Memory(ty) => EntityType::Memory(rewriter.memory_type(*ty)?),
                Type::Global(ty) => EntityType::Global(rewriter.global_type(*ty)?),
            };
            self.imports.import(module, item, ty);
        }
        for memory in &numbers.memories {
            let Type::Memory(ty) = rewriter.program.ty(*memory) else { continue };
            self.memories.memory(rewriter.memory_type(ty)?);
        }
        Ok(())
    }

    /// Writes exports, start and names, and puts everything together.
    fn finish(mut self, program: &Program<'_>, numbers: &Numbers<'_>) -> Vec<u8> {
        let mut names = names(program, numbers);
        let start = match program.starts.as_slice() {
            [] => None,
            [one] => Some(numbers.number(*one)),
            several => {
                // It has the type of those that it calls.
                let Type::Function(ty) = program.ty(several[0]) else { unreachable!("it is a function") };
                self.functions.function(numbers.type_number(ty));
                self.code.function(&call_all(several.iter().map(|start| numbers.number(*start))));
                names.append(numbers.functions, START_NAME);
                Some(numbers.functions)
            }
        };
        let mut exports = ExportSection::new();
        for (name, item) in program.main_exports() {
            exports.export(name, export_kind(item.kind), numbers.number(item));
        }
        let mut name_section = NameSection::new();
        name_section.functions(&names);

        let mut module = wasm_encoder::Module::new();
        module
            .section(&self.types)
            .section(&self.imports)
            .section(&self.functions)
            .section(&self.tables)
            .section(&self.memories)
            .section(&self.globals)
            .section(&exports);
        if let Some(function_index) = start {
            module.section(&StartSection { function_index });
        }
        module
            .section(&self.elements)
            .section(&DataCountSection { count: self.data.len() })
            .section(&self.code)
            .section(&self.data)
            .section(&name_section);
        module.finish()
    }
}

fn export_kind(kind: Kind) -> ExportKind {
    match kind {
        Kind::Function => ExportKind::Func,
        Kind::Table => ExportKind::Table,
        Kind::Memory => ExportKind::Memory,
        Kind::Global => ExportKind::Global,
    }
}

fn call_all(functions: impl Iterator<Item = u32>) -> Function {
    let mut body = Function::new([]);
    let mut instructions = body.instructions();
    for function in functions {
        instructions.call(function);
    }
    instructions.end();
    body
}

/// The names of the functions that are defined: those of linked modules behind the module's name.
fn names(program: &Program<'_>, numbers: &Numbers<'_>) -> NameMap {
    let mut names = NameMap::new();
    for number in program.order.iter().copied() {
        let module = &program.modules[number];
        for index in module.defined(Kind::Function) {
            let own = module.function_name(index);
            let name = if program.is_main(number) { own } else { format!("{}.{own}", module.name) };
            names.append(numbers.number(Item { module: number, kind: Kind::Function, index }), &name);
        }
    }
    names
}
