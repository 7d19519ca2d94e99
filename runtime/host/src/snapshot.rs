//! An instance's state as bytes, and back into an instance of the same module.
//!
//! Taken between calls, of what is the instance's own. References to functions are kept as the module knows them, so
//! that they mean the same in another store. A snapshot's bytes are no authority: what is restored is checked as a
//! stranger's.

use crate::error::Error;
use crate::function::Kind;
use crate::instance::{Inner, Instance};
use crate::module::Module;
use crate::object::{Extern, Memory};
use crate::store::{self, Store};
use crate::value::ValueType;
use sci::linkage::{self, FOREIGN_BIT, PAGE_BYTES, STORE_BIT};

/// What a snapshot's bytes begin with; the last one is the version.
const MAGIC: [u8; 8] = *b"SPSNAP\0\x01";
/// Bytes of a digest, of the module and at the end.
const DIGEST_BYTES: usize = 32;
/// Bytes of memory that are kept or left out together.
const BLOCK_BYTES: usize = 4096;
/// Blocks in a page of memory.
const PAGE_BLOCKS: u64 = PAGE_BYTES / BLOCK_BYTES as u64;

/// Why an instance is not taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A call is in progress.
    #[error("the instance is in a call")]
    Busy,
    /// Others see a part of its state, or it sees a part of theirs.
    #[error("{0} of the instance is shared with others")]
    Shared(&'static str),
    /// It holds a reference that means nothing elsewhere.
    #[error("the instance holds {0}")]
    Foreign(&'static str),
    /// The snapshot is another module's.
    #[error("the snapshot is of another module")]
    OtherModule,
    /// The snapshot does not fit the module, or its bytes are no snapshot.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    /// There is less room than the state needs.
    #[error("{0} of the snapshot needs more room than there is")]
    Room(&'static str),
    /// The instance that it should go to was not made.
    #[error(transparent)]
    Instance(#[from] Error),
}

type Result<T> = std::result::Result<T, SnapshotError>;

/// A memory's content; what is left out is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    pages: u32,
    /// Blocks by number, ascending.
    blocks: Vec<(u32, Vec<u8>)>,
}

/// The state of an instance between two calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The image's.
    digest: [u8; DIGEST_BYTES],
    memories: Vec<Content>,
    tables: Vec<Vec<u32>>,
    /// Of the globals that change.
    globals: Vec<u128>,
    /// Whether each segment of elements, then of data, was dropped.
    elements: Vec<bool>,
    data: Vec<bool>,
    fuel: Option<i64>,
}

impl Instance {
    /// Takes the instance's state: memories, tables, globals, segments, fuel.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let inner = &self.inner;
        if inner.activation.is_busy() {
            return Err(SnapshotError::Busy);
        }
        inner.is_alone()?;
        let store = &self.store.0;
        let mut globals = Vec::new();
        for global in inner.globals.iter().filter(|global| global.0.mutable) {
            globals.push(inner.portable(store, global.0.ty, global.read_bits(store))?);
        }
        let mut tables = Vec::new();
        for table in &inner.tables {
            let words = (0..table.size()).map(|index| {
                let word = table.word(index).unwrap_or_default();
                Ok(inner.portable(store, table.0.element, word.into())? as u32)
            });
            tables.push(words.collect::<Result<_>>()?);
        }
        let module = &inner.module.0;
        let dropped = |place: u64| inner.word(place) == 0;
        Ok(Snapshot {
            digest: module.digest,
            memories: inner.memories.iter().map(content).collect(),
            tables,
            globals,
            elements: module.elements.iter().map(|segment| dropped(segment.length)).collect(),
            data: module.data.iter().map(|length| dropped(*length)).collect(),
            fuel: self.fuel(),
        })
    }

    /// An instance in the state of a snapshot. The module's start function is not called again; bounds of the store
    /// hold, and fuel is the lesser of what is left and what the store gives.
    pub fn restore(store: &Store, module: &Module, imports: &[Extern], snapshot: &Snapshot) -> Result<Self> {
        if snapshot.digest != module.0.digest {
            return Err(SnapshotError::OtherModule);
        }
        // Before anything of others could be written to.
        if imports.iter().any(|import| match import {
            Extern::Function(_) => false,
            Extern::Table(_) | Extern::Memory(_) => true,
            Extern::Global(global) => global.0.mutable,
        }) {
            return Err(SnapshotError::Shared("an import"));
        }
        let instance = Self::unstarted(store, module, imports)?;
        instance.inner.put(store, snapshot)?;
        Ok(instance)
    }
}

impl Inner {
    /// Whether nobody else sees its state, and it sees nobody's.
    fn is_alone(&self) -> Result<()> {
        let mut imports = self.module.0.imports.iter();
        let is_shared = |memory: &Memory| {
            let users = memory.0.users.borrow();
            users.iter().filter_map(|(user, _)| user.upgrade()).any(|user| user.number != self.number)
        };
        if imports.any(|(_, _, kind)| matches!(kind, linkage::Extern::Memory(_)))
            || self.memories.iter().any(is_shared)
        {
            return Err(SnapshotError::Shared("a memory"));
        }
        if self.tables.iter().any(|table| table.0.owner != Some(self.number) || table.0.shared.get()) {
            return Err(SnapshotError::Shared("a table"));
        }
        let mut globals = self.globals.iter().filter(|global| global.0.mutable);
        if globals.any(|global| global.0.owner != Some(self.number) || global.0.shared.get()) {
            return Err(SnapshotError::Shared("a global"));
        }
        Ok(())
    }

    /// A word of its state.
    fn word(&self, place: u64) -> u32 {
        let mut word = [0; 4];
        // A place that the image states wrongly reads as nothing.
        let _ = self.activation.slab().read(place, &mut word);
        u32::from_le_bytes(word)
    }

    /// Bits of a value as they mean the same in any instance of the module.
    fn portable(&self, store: &store::Inner, ty: ValueType, bits: u128) -> Result<u128> {
        Ok(match ty {
            ValueType::I32 | ValueType::F32 => u128::from(bits as u32),
            ValueType::I64 | ValueType::F64 => u128::from(bits as u64),
            ValueType::V128 => bits,
            ValueType::External if bits as u32 == 0 => 0,
            ValueType::External => return Err(SnapshotError::Foreign("a reference of the host")),
            ValueType::Function => u128::from(self.portable_function(store, bits as u32)?),
        })
    }

    fn portable_function(&self, store: &store::Inner, word: u32) -> Result<u32> {
        if word & (FOREIGN_BIT | STORE_BIT) != FOREIGN_BIT | STORE_BIT {
            return Ok(word);
        }
        let id = word & !(FOREIGN_BIT | STORE_BIT);
        if let Kind::Guest { instance, function, .. } = &*store.kind(id)
            && *instance == self.number
            && let Some(way) = self.module.0.ways.get(function)
        {
            return Ok(way.place);
        }
        let imported = self.functions.iter().position(|function| *function == id);
        imported
            .map(|number| FOREIGN_BIT | number as u32)
            .ok_or(SnapshotError::Foreign("a function of another instance or of the host"))
    }

    /// Whether bits that come from anybody are a value of a type in this instance.
    fn admits(&self, ty: ValueType, bits: u128) -> bool {
        match ty {
            ValueType::I32 | ValueType::F32 => bits <= u128::from(u32::MAX),
            ValueType::I64 | ValueType::F64 => bits <= u128::from(u64::MAX),
            ValueType::V128 => true,
            ValueType::External => bits == 0,
            ValueType::Function => u32::try_from(bits).is_ok_and(|word| {
                let imported = (word & FOREIGN_BIT != 0).then_some((word & !FOREIGN_BIT) as usize);
                match imported {
                    Some(number) => number < self.functions.len(),
                    None => word == 0 || self.module.0.places.contains_key(&word),
                }
            }),
        }
    }

    /// Gives a fresh instance the state of a snapshot, each part checked.
    fn put(&self, store: &Store, snapshot: &Snapshot) -> Result<()> {
        let module = &self.module.0;
        let globals: Vec<_> = self.globals.iter().filter(|global| global.0.mutable).collect();
        let counts = [
            (globals.len(), snapshot.globals.len()),
            (self.tables.len(), snapshot.tables.len()),
            (self.memories.len(), snapshot.memories.len()),
            (module.elements.len(), snapshot.elements.len()),
            (module.data.len(), snapshot.data.len()),
            (usize::from(module.fuel.is_some()), usize::from(snapshot.fuel.is_some())),
        ];
        if counts.iter().any(|(has, given)| has != given) {
            return Err(SnapshotError::Damaged("it does not have the module's parts"));
        }
        for (global, bits) in globals.iter().zip(&snapshot.globals) {
            if !self.admits(global.0.ty, *bits) {
                return Err(SnapshotError::Damaged("a global has no value of its type"));
            }
            global.write_bits(&store.0, *bits);
        }
        for (table, words) in self.tables.iter().zip(&snapshot.tables) {
            if !words.iter().all(|word| self.admits(table.0.element, u128::from(*word))) {
                return Err(SnapshotError::Damaged("a table has no reference of its type"));
            }
            let more = (words.len() as u64).checked_sub(table.size());
            let more = more.ok_or(SnapshotError::Damaged("a table is smaller than at its beginning"))?;
            table.grow_words(more, 0).ok_or(SnapshotError::Room("a table"))?;
            for (index, word) in words.iter().enumerate() {
                table.set_word(index as u64, *word);
            }
        }
        for (memory, content) in self.memories.iter().zip(&snapshot.memories) {
            fill(memory, content)?;
        }
        let dropped = module.elements.iter().map(|segment| segment.length).zip(&snapshot.elements);
        for (place, _) in
            dropped.chain(module.data.iter().copied().zip(&snapshot.data)).filter(|(_, dropped)| **dropped)
        {
            let _ = self.activation.slab().write(place, &[0; 4]);
        }
        if let (Some(place), Some(fuel)) = (module.fuel, snapshot.fuel) {
            let mut given = [0; 8];
            let _ = self.activation.slab().read(place, &mut given);
            let fuel = fuel.min(i64::from_le_bytes(given));
            let _ = self.activation.slab().write(place, &fuel.to_le_bytes());
        }
        Ok(())
    }
}

fn content(memory: &Memory) -> Content {
    let mut blocks = Vec::new();
    let mut block = vec![0; BLOCK_BYTES];
    for number in 0..memory.bytes() / BLOCK_BYTES as u64 {
        if memory.read(number * BLOCK_BYTES as u64, &mut block).is_some()
            && block.iter().any(|byte| *byte != 0)
        {
            blocks.push((number as u32, block.clone()));
        }
    }
    Content { pages: memory.size() as u32, blocks }
}

fn fill(memory: &Memory, content: &Content) -> Result<()> {
    let first = memory.size();
    let more = u64::from(content.pages).checked_sub(first);
    let more = more.ok_or(SnapshotError::Damaged("a memory is smaller than at its beginning"))?;
    if more > 0 {
        memory.grow(more).ok_or(SnapshotError::Room("a memory"))?;
    }
    // What grew is zero.
    let (mut block, zeros) = (vec![0; BLOCK_BYTES], vec![0; BLOCK_BYTES]);
    for number in 0..first * PAGE_BLOCKS {
        let at = number * BLOCK_BYTES as u64;
        if memory.read(at, &mut block).is_some() && block != zeros {
            memory.write(at, &zeros);
        }
    }
    for (number, block) in &content.blocks {
        let written = memory.write(u64::from(*number) * BLOCK_BYTES as u64, block);
        written.ok_or(SnapshotError::Damaged("a memory has content beyond its end"))?;
    }
    Ok(())
}

impl Snapshot {
    /// As bytes: the same state has the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.digest);
        let count = |bytes: &mut Vec<u8>, count: usize| bytes.extend((count as u32).to_le_bytes());
        count(&mut bytes, self.memories.len());
        for memory in &self.memories {
            bytes.extend(memory.pages.to_le_bytes());
            count(&mut bytes, memory.blocks.len());
            for (number, block) in &memory.blocks {
                bytes.extend(number.to_le_bytes());
                bytes.extend(block);
            }
        }
        count(&mut bytes, self.tables.len());
        for table in &self.tables {
            count(&mut bytes, table.len());
            bytes.extend(table.iter().flat_map(|word| word.to_le_bytes()));
        }
        count(&mut bytes, self.globals.len());
        bytes.extend(self.globals.iter().flat_map(|bits| bits.to_le_bytes()));
        for segments in [&self.elements, &self.data] {
            count(&mut bytes, segments.len());
            bytes.extend(segments.iter().map(|dropped| u8::from(*dropped)));
        }
        bytes.push(u8::from(self.fuel.is_some()));
        bytes.extend(self.fuel.unwrap_or_default().to_le_bytes());
        let sum = sci::digest::sha256(&bytes);
        bytes.extend(sum);
        bytes
    }

    /// From bytes. Whether they fit a module shows when they are restored.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (content, sum) = bytes.split_last_chunk::<DIGEST_BYTES>().ok_or(SHORT)?;
        if sci::digest::sha256(content) != *sum {
            return Err(SnapshotError::Damaged("its checksum is another"));
        }
        let mut reader = Reader(content);
        if reader.take::<8>()? != MAGIC {
            return Err(SnapshotError::Damaged("it is no snapshot, or one of another version"));
        }
        let digest = reader.take()?;
        let memories = reader.list(8, Reader::memory)?;
        let tables = reader.list(4, |reader| reader.list(4, Reader::word))?;
        let globals = reader.list(16, |reader| Ok(u128::from_le_bytes(reader.take()?)))?;
        let elements = reader.list(1, Reader::flag)?;
        let data = reader.list(1, Reader::flag)?;
        let (has_fuel, fuel) = (reader.flag()?, i64::from_le_bytes(reader.take()?));
        if !reader.0.is_empty() || (!has_fuel && fuel != 0) {
            return Err(SnapshotError::Damaged("it goes on after its end"));
        }
        let fuel = has_fuel.then_some(fuel);
        Ok(Self { digest, memories, tables, globals, elements, data, fuel })
    }
}

const SHORT: SnapshotError = SnapshotError::Damaged("it ends early");

/// What is left of a snapshot's bytes.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn word(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn flag(&mut self) -> Result<bool> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [_] => Err(SnapshotError::Damaged("a flag is neither 0 nor 1")),
        }
    }

    /// Elements of at least so many bytes each, so that no count asks for more room than the bytes justify.
    fn list<T>(&mut self, least: usize, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.word()? as usize;
        if count.checked_mul(least).is_none_or(|bytes| bytes > self.0.len()) {
            return Err(SHORT);
        }
        (0..count).map(|_| element(self)).collect()
    }

    fn memory(&mut self) -> Result<Content> {
        let pages = self.word()?;
        let mut last = None;
        let blocks = self.list(4 + BLOCK_BYTES, |reader| {
            let number = reader.word()?;
            if last.replace(number).is_some_and(|last| last >= number) {
                return Err(SnapshotError::Damaged("blocks of a memory are out of order"));
            }
            Ok((number, reader.take::<BLOCK_BYTES>()?.to_vec()))
        })?;
        Ok(Content { pages, blocks })
    }
}

const _: () = assert!(PAGE_BYTES.is_multiple_of(BLOCK_BYTES as u64));
