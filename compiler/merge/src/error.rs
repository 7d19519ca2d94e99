//! Why modules cannot be merged.

use sci::guest::MEMORY_EXPORT;

/// Why modules cannot be merged, and the file at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: Box<Reason>,
}

/// Why a module cannot be merged with the others. As text, what follows on the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is refused by itself. The text stands for itself.
    #[error(transparent)]
    Module(#[from] compiler_wasm::Error),
    /// Another one has its name.
    #[error("is linked as `{name}`, and so is {other}")]
    Twice {
        /// The name.
        name: String,
        /// The other file.
        other: String,
    },
    /// It imports what the other module does not export.
    #[error("imports `{import}`, but {exporter} exports no `{item}`")]
    Missing {
        /// Module and item.
        import: String,
        /// The item.
        item: String,
        /// The file that should export it.
        exporter: String,
    },
    /// It imports something as another type than it has.
    #[error("imports `{import}` as `{wanted}`, but {exporter} exports `{given}`")]
    Type {
        /// Module and item.
        import: String,
        /// What is imported, as text.
        wanted: String,
        /// The file that exports.
        exporter: String,
        /// What is exported, as text.
        given: String,
    },
    /// An import is bound to an export that is that import again.
    #[error("imports `{import}`, which leads back to this import: no module defines it")]
    NoEnd {
        /// Module and item.
        import: String,
    },
    /// Globals have first values that follow from each other.
    #[error("has a global, number {global}, whose first value follows from itself")]
    Initializer {
        /// Its number in the file.
        global: u32,
    },
    /// The host would take its addresses for others.
    #[error(
        "calls the host by `{import}`, but its memory is not the export `{MEMORY_EXPORT}` of {main}, where the host reads and writes"
    )]
    ForeignMemory {
        /// Module and item.
        import: String,
        /// The main module's file.
        main: String,
    },
    /// Its initialiser cannot be called.
    #[error("exports `{INITIALIZE}` as `{given}`; it is to be `(func)`")]
    Initialize {
        /// What is exported, as text.
        given: String,
    },
    /// It names constants of other modules so often, and they are so long, that the result would be too large.
    #[error("names constants of other modules whose values take more than {limit} bytes")]
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
}

/// The export that sets a module's language up.
pub(crate) const INITIALIZE: &str = "_initialize";

impl Reason {
    /// The error of a file.
    pub(crate) fn of(self, file: &str) -> Error {
        Error { file: file.to_owned(), reason: Box::new(self) }
    }
}

impl Error {
    fn sentence(&self) -> String {
        match &*self.reason {
            Reason::Module(why) => why.to_string(),
            reason => format!("{} {reason}", self.file),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let file = &self.file;
        match &*self.reason {
            Reason::Twice { .. } => Some("link each module under a name of its own".into()),
            Reason::ForeignMemory { main, .. } => Some(format!(
                "one memory for both: {file} imports what {main} exports as `{MEMORY_EXPORT}`, or {main} imports \
                 the memory of {file} and exports it so"
            )),
            _ => None,
        }
    }
}
