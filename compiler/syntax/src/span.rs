//! Places in source text: [`FileId`], [`Span`], and the [`Sources`] they point into.
//!
//! A span is a half-open range of byte offsets in one file. Every node of the tree and every diagnostic
//! carries spans; only [`Sources`] turns them back into lines and columns.

/// A file in a [`Sources`], by the order in which it was added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(pub u32);

/// A half-open range of byte offsets in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file that the offsets are counted in.
    pub file: FileId,
    /// The offset of the first byte.
    pub start: u32,
    /// The offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// The smallest span that covers `self` and `other`, which lie in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as an index into the text of its file.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// The files of one compilation: their names, their texts, and where their lines begin.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

impl Sources {
    /// Adds a file. `name` is shown in diagnostics as given and is never opened.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(offset(self.files.len()));
        let text = text.into();
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| offset(at + 1))).collect();
        self.files.push(Source { name: name.into(), text, line_starts });
        id
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The name `file` was added under; empty for a file of another `Sources`.
    pub fn name(&self, file: FileId) -> &str {
        self.source(file).map_or("", |source| &source.name)
    }

    /// The whole text of `file`; empty for a file of another `Sources`.
    pub fn text(&self, file: FileId) -> &str {
        self.source(file).map_or("", |source| &source.text)
    }

    /// The text under `span`; empty where the span does not fit the file.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or("")
    }

    /// The line and column of the byte at `offset`. Past the end it is the end of the file.
    pub fn position(&self, file: FileId, offset: u32) -> Position {
        let Some(source) = self.source(file) else { return Position { line: 1, column: 1 } };
        let line = source.line_starts.partition_point(|&start| start <= offset).saturating_sub(1);
        let start = source.line_starts[line] as usize;
        let bytes = source.text.as_bytes();
        let end = (offset as usize).clamp(start, bytes.len());
        // Bytes that begin a character: all but the continuation bytes 0b10xx_xxxx.
        let column = bytes[start..end].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        Position { line: self::offset(line + 1), column: self::offset(column + 1) }
    }

    fn source(&self, file: FileId) -> Option<&Source> {
        self.files.get(file.0 as usize)
    }
}

/// An offset or a count as it is stored; sources are limited to far less than 4 GiB.
pub(crate) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a.in", "é = 1\nb\n");
        assert_eq!(sources.position(file, 0), Position { line: 1, column: 1 });
        assert_eq!(sources.position(file, 2), Position { line: 1, column: 2 });
        assert_eq!(sources.position(file, 7), Position { line: 2, column: 1 });
        assert_eq!(sources.position(file, 99), Position { line: 3, column: 1 });
    }

    #[test]
    fn spans_join_in_either_order() {
        let (a, b) = (Span::new(FileId(0), 3, 5), Span::new(FileId(0), 9, 12));
        assert_eq!(a.to(b), Span::new(FileId(0), 3, 12));
        assert_eq!(b.to(a), a.to(b));
    }
}
