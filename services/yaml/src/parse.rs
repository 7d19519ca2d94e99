//! Text to tree.

use std::borrow::Cow;
use std::cell::Cell;
use std::str::Chars;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use crate::core_schema::{ScalarKind, is_ambiguous};
use crate::error::{Error, ErrorKind, shown};
use crate::node::{Entry, Key, Mapping, Node, Place, Scalar, Value};

/// Bytes of a text that most readers allow.
pub const BYTES_MAX: usize = 1024 * 1024;
/// How deep mappings and lists may nest.
pub const DEPTH_MAX: usize = 32;
/// Characters that the scanner may read beyond the last node it gave. It keeps a scalar, and a list or mapping in
/// brackets that could be a key, until the end is there: without a bound, 1 MiB of brackets fills 200 MiB.
pub const AHEAD_MAX: usize = 64 * 1024;

/// What the scanner says of an alias whose anchor it has not seen: anchors are refused before any alias is met.
const UNKNOWN_ANCHOR: &str = "while parsing node, found unknown anchor";
/// What the scanner says of lists and mappings in brackets that nest deeper than it counts, which is deeper than
/// [`DEPTH_MAX`].
const RECURSION_LIMIT: &str = "recursion limit exceeded";

/// Reads a text of at most `bytes_max` bytes.
pub fn parse(bytes: &[u8], bytes_max: usize) -> Result<Node, Error> {
    if bytes.len() > bytes_max {
        return Err(ErrorKind::TooLarge { bytes: bytes.len(), most: bytes_max }.at(Place::START));
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            return Err(ErrorKind::NotUtf8.at(end(good)));
        }
    };
    check_characters(text)?;
    Builder::default().run(text)
}

/// The place after a text.
fn end(text: &str) -> Place {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Place { line: text.matches('\n').count() as u32 + 1, column: last.chars().count() as u32 + 1 }
}

/// Refuses characters that no string of the subset holds, tabs as indentation, and directives. A zero byte ends
/// the scanner's text; nothing behind it may go unread.
fn check_characters(text: &str) -> Result<(), Error> {
    let mut in_document = false;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let place = |column: usize| Place { line: at as u32 + 1, column: column as u32 + 1 };
        let line = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n')).unwrap_or(line);
        if !in_document && line.starts_with('%') {
            return Err(ErrorKind::Directive.at(place(0)));
        }
        in_document |= !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let mut indentation = true;
        for (column, letter) in line.chars().enumerate() {
            match letter {
                '\t' if indentation => return Err(ErrorKind::TabIndentation.at(place(column))),
                '\t' => {}
                '\u{feff}' => return Err(ErrorKind::ByteOrderMark.at(place(column))),
                '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => {
                    return Err(ErrorKind::ControlCharacter(letter).at(place(column)));
                }
                _ if letter.is_control() => return Err(ErrorKind::ControlCharacter(letter).at(place(column))),
                _ => indentation &= letter == ' ',
            }
        }
    }
    Ok(())
}

/// How far the scanner may read.
struct Ahead {
    bound: Cell<usize>,
    met: Cell<bool>,
}

/// A text's characters, up to the bound.
struct Letters<'t> {
    rest: Chars<'t>,
    read: usize,
    ahead: &'t Ahead,
}

impl Iterator for Letters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.next()?;
        if self.read == self.ahead.bound.get() {
            self.ahead.met.set(true);
            return None;
        }
        self.read += 1;
        Some(letter)
    }
}

/// A mapping or a list whose end is not there yet.
enum Open {
    Sequence { place: Place, items: Vec<Node> },
    Mapping { place: Place, mapping: Mapping, key: Option<Key> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder {
    fn run(mut self, text: &str) -> Result<Node, Error> {
        let ahead = Ahead { bound: Cell::new(AHEAD_MAX), met: Cell::new(false) };
        let mut parser = Parser::new_from_iter(Letters { rest: text.chars(), read: 0, ahead: &ahead });
        let mut last = Place::START;
        while let Some(next) = parser.next_event() {
            // What the scanner makes of a text that was cut is no news.
            if ahead.met.get() {
                return Err(ErrorKind::TooLong { most: AHEAD_MAX }.at(last));
            }
            let (event, span) = next.map_err(|error| scan_error(&error))?;
            ahead.bound.set(span.end.index() + AHEAD_MAX);
            last = place(span.end);
            self.event(event, span)?;
        }
        self.root.ok_or(ErrorKind::Empty.at(Place::START))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let place = place(span.start);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(ErrorKind::SecondDocument.at(place));
                }
            }
            Event::Alias(_) => return Err(ErrorKind::Alias.at(place)),
            Event::Scalar(text, style, anchor, tag) => {
                plain_node(anchor, tag.is_some(), place)?;
                self.scalar(text, style, span)?;
            }
            Event::SequenceStart(anchor, tag) => {
                plain_node(anchor, tag.is_some(), place)?;
                self.begin(Open::Sequence { place, items: Vec::new() }, "a list", place)?;
            }
            Event::MappingStart(anchor, tag) => {
                plain_node(anchor, tag.is_some(), place)?;
                let mapping = Open::Mapping { place, mapping: Mapping::default(), key: None };
                self.begin(mapping, "a mapping", place)?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence { place, items }) => self.value(place, Value::Sequence(items)),
                Some(Open::Mapping { place, mapping, .. }) => {
                    unique_keys(&mapping)?;
                    self.value(place, Value::Mapping(mapping));
                }
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// The place for a key that is due, if one is.
    fn due_key(&mut self) -> Option<&mut Option<Key>> {
        match self.open.last_mut() {
            Some(Open::Mapping { key, .. }) if key.is_none() => Some(key),
            _ => None,
        }
    }

    fn begin(&mut self, open: Open, found: &'static str, place: Place) -> Result<(), Error> {
        if self.due_key().is_some() {
            return Err(ErrorKind::KeyNotString { found }.at(place));
        }
        if self.open.len() == DEPTH_MAX {
            return Err(ErrorKind::TooDeep { most: DEPTH_MAX }.at(place));
        }
        self.open.push(open);
        Ok(())
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, span: Span) -> Result<(), Error> {
        let place = place(span.start);
        let plain = style == ScalarStyle::Plain;
        let kind = if plain { ScalarKind::of_plain(&text) } else { ScalarKind::String };
        if let Some(key) = self.due_key() {
            if plain && text == "<<" {
                return Err(ErrorKind::MergeKey.at(place));
            }
            if kind != ScalarKind::String {
                return Err(ErrorKind::KeyNotString { found: kind.describe() }.at(place));
            }
            *key = Some(Key { place, text: text.into_owned() });
            return Ok(());
        }
        if plain && is_ambiguous(&text) {
            return Err(ErrorKind::AmbiguousWord(text.into_owned()).at(place));
        }
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let multi_line = block || span.end.line() > span.start.line();
        self.value(place, Value::Scalar(Scalar { text: text.into_owned(), kind, multi_line }));
        Ok(())
    }

    fn value(&mut self, place: Place, value: Value) {
        let node = Node { place, value };
        match self.open.last_mut() {
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { mapping, key, .. }) => {
                // Keys and values alternate: an event is a value only where a key waits for one.
                if let Some(key) = key.take() {
                    mapping.entries.push(Entry { key, value: node });
                }
            }
            None => self.root = Some(node),
        }
    }
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

fn scan_error(error: &ScanError) -> Error {
    let kind = match error.info() {
        UNKNOWN_ANCHOR => ErrorKind::Alias,
        RECURSION_LIMIT => ErrorKind::TooDeep { most: DEPTH_MAX },
        info => ErrorKind::Syntax(shown(info)),
    };
    kind.at(place(*error.marker()))
}

fn plain_node(anchor: usize, tagged: bool, place: Place) -> Result<(), Error> {
    if anchor > 0 {
        return Err(ErrorKind::Anchor.at(place));
    }
    if tagged {
        return Err(ErrorKind::Tag.at(place));
    }
    Ok(())
}

/// Refuses the first key that is there already.
fn unique_keys(mapping: &Mapping) -> Result<(), Error> {
    let mut keys: Vec<&Key> = mapping.entries.iter().map(|entry| &entry.key).collect();
    keys.sort_by(|a, b| (&a.text, a.place).cmp(&(&b.text, b.place)));
    let twice = keys.windows(2).filter(|pair| pair[0].text == pair[1].text).min_by_key(|pair| pair[1].place);
    match twice {
        Some(pair) => {
            Err(ErrorKind::DuplicateKey { key: shown(&pair[0].text), first: pair[0].place }.at(pair[1].place))
        }
        None => Ok(()),
    }
}
