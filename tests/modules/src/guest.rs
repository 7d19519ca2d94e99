//! A module's instance, and what stands for its imports.

use sci::sign::public_key;
use space_host::{
    Caller, Error, Extern, ExternType, FunctionType, Instance, Memory, Module, Store, Trap, Value, ValueType,
};
use std::collections::HashMap;
use std::rc::Rc;
use tests_conformance::image;

/// The code that stands for an import: integers and bits of floats in, and out if there is a result.
type Code = dyn Fn(&Guest, &[u64]) -> Result<u64, Trap>;

/// What stands for a module's imports.
#[derive(Clone)]
pub struct Surroundings {
    /// Where its instance will live.
    pub store: Store,
    functions: HashMap<String, Rc<Code>>,
    objects: HashMap<String, Extern>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Surroundings").field("objects", &self.objects.keys()).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Nothing yet, in a new store.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { store: Store::new()?, functions: HashMap::new(), objects: HashMap::new() })
    }

    /// Serves the function `module.item`. A function that is not served traps with its name.
    #[must_use]
    pub fn serve(mut self, name: &str, code: impl Fn(&Guest, &[u64]) -> Result<u64, Trap> + 'static) -> Self {
        self.functions.insert(name.to_owned(), Rc::new(code));
        self
    }

    /// Provides `module.item`.
    #[must_use]
    pub fn provide(mut self, name: &str, object: Extern) -> Self {
        self.objects.insert(name.to_owned(), object);
        self
    }

    /// The instance of an image.
    pub fn instantiate(&self, image: &[u8]) -> Result<Guest, Error> {
        let module = Module::load(image, &[public_key(&image::SEED)])?;
        let mut imports = Vec::new();
        for (from, item, wanted) in module.imports() {
            let name = format!("{from}.{item}");
            let given = match (self.objects.get(&name), wanted) {
                (Some(object), _) => object.clone(),
                (None, ExternType::Function(ty)) => self.function(&name, ty),
                (None, _) => {
                    return Err(Error::Missing { module: from.to_owned(), item: item.to_owned() });
                }
            };
            imports.push(given);
        }
        let memory = imports.iter().find_map(memory);
        let instance = Instance::new(&self.store, &module, &imports)?;
        Ok(Guest::new(instance, memory))
    }

    fn function(&self, name: &str, ty: FunctionType) -> Extern {
        let (name, code) = (name.to_owned(), self.functions.get(name).cloned());
        let imported = self.objects.values().find_map(memory);
        let result = ty.results.first().copied();
        Extern::Function(self.store.function(ty, move |caller: &Caller<'_>, arguments| {
            let code = code.as_ref().ok_or_else(|| Trap::Host(format!("`{name}` is not served")))?;
            let instance = caller.instance().ok_or_else(|| Trap::Host("nobody calls".into()))?;
            let guest = Guest::new(instance, imported.clone());
            let bits: Vec<u64> = arguments.iter().map(bits).collect();
            let given = code(&guest, &bits)?;
            Ok(result.map(|ty| value(ty, given)).into_iter().collect())
        }))
    }
}

fn memory(object: &Extern) -> Option<Memory> {
    if let Extern::Memory(memory) = object { Some(memory.clone()) } else { None }
}

fn bits(value: &Value) -> u64 {
    match value {
        Value::I32(value) => u64::from(*value as u32),
        Value::I64(value) => *value as u64,
        Value::F32(bits) => u64::from(*bits),
        Value::F64(bits) => *bits,
        Value::V128(_) | Value::Function(_) | Value::External(_) => 0,
    }
}

fn value(ty: ValueType, bits: u64) -> Value {
    match ty {
        ValueType::I32 => Value::I32(bits as i32),
        ValueType::I64 => Value::I64(bits as i64),
        ValueType::F32 => Value::F32(bits as u32),
        ValueType::F64 => Value::F64(bits),
        ty => Value::zero(ty),
    }
}

/// An instance, its memory at hand.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The instance.
    pub instance: Instance,
    memory: Option<Memory>,
}

fn outside() -> Trap {
    Trap::Host("a range outside the memory".into())
}

impl Guest {
    fn new(instance: Instance, imported: Option<Memory>) -> Self {
        let memory = imported.or_else(|| {
            let module = instance.module().clone();
            let (name, _) = module.exports().find(|(_, ty)| matches!(ty, ExternType::Memory(..)))?;
            instance.memory(name)
        });
        Self { instance, memory }
    }

    /// Calls an exported function: integers and bits of floats in, and out; 0 if there is no result.
    pub fn call(&self, name: &str, arguments: &[u64]) -> Result<u64, Trap> {
        let function = self.instance.function(name);
        let function = function.ok_or_else(|| Trap::Host(format!("there is no function `{name}`")))?;
        let ty = function.ty();
        let arguments: Vec<Value> =
            ty.parameters.iter().zip(arguments).map(|(ty, bits)| value(*ty, *bits)).collect();
        Ok(function.call(&arguments)?.first().map_or(0, bits))
    }

    /// Its memory.
    pub fn memory(&self) -> Result<&Memory, Trap> {
        self.memory.as_ref().ok_or_else(|| Trap::Host("the guest has no memory".into()))
    }

    /// Bytes of its memory.
    pub fn read(&self, at: u64, length: u64) -> Result<Vec<u8>, Trap> {
        let memory = self.memory()?;
        if length > memory.bytes() {
            return Err(outside());
        }
        let mut bytes = vec![0; length as usize];
        memory.read(at, &mut bytes).ok_or_else(outside)?;
        Ok(bytes)
    }

    /// Puts bytes into its memory.
    pub fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Trap> {
        self.memory()?.write(at, bytes).ok_or_else(outside)
    }

    /// A word of its memory.
    pub fn word(&self, at: u64) -> Result<u64, Trap> {
        let bytes = self.read(at, 4)?;
        Ok(bytes.first_chunk().map_or(0, |word| u64::from(u32::from_le_bytes(*word))))
    }

    /// Puts a word into its memory.
    pub fn set_word(&self, at: u64, word: u64) -> Result<(), Trap> {
        self.write(at, &(word as u32).to_le_bytes())
    }

    /// Text of its memory.
    pub fn text(&self, at: u64, length: u64) -> Result<String, Trap> {
        Ok(String::from_utf8_lossy(&self.read(at, length)?).into_owned())
    }

    /// Text of its memory, up to a zero.
    pub fn text_to_zero(&self, at: u64) -> Result<String, Trap> {
        let mut bytes = Vec::new();
        loop {
            match self.read(at + bytes.len() as u64, 1)?.as_slice() {
                [0] => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
                byte => bytes.extend_from_slice(byte),
            }
        }
    }
}
