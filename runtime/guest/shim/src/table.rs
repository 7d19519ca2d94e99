//! A guest's table: elements of four bytes, as its descriptor says.

use core::ptr::with_exposed_provenance_mut;
use sci::linkage::descriptor;

/// A table of the guest's own. References in it mean the same everywhere: a realm has one instance.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Address of its descriptor.
    descriptor: u64,
    maximum: Option<u64>,
}

impl Table {
    /// The table of a descriptor.
    ///
    /// # Safety
    /// As long as the table is used, the descriptor's words and as many elements as its capacity says are memory that
    /// nothing else refers to while a method runs; its size is never above its capacity.
    pub unsafe fn new(descriptor: u64, maximum: Option<u64>) -> Self {
        Self { descriptor, maximum }
    }

    fn word(&self, at: u64) -> *mut u64 {
        with_exposed_provenance_mut((self.descriptor + at) as usize)
    }

    fn get(&self, at: u64) -> u64 {
        // SAFETY: a word of the descriptor, by the promise to `new`.
        unsafe { self.word(at).read() }
    }

    /// Says where its elements lie.
    pub fn place(&self, elements: u64) {
        // SAFETY: a word of the descriptor, by the promise to `new`.
        unsafe { self.word(descriptor::BASE).write(elements) }
    }

    /// Elements from an index on, if so many are there.
    fn range(&self, at: u32, count: u32) -> Option<*mut u32> {
        let inside = u64::from(at) + u64::from(count) <= self.get(descriptor::SIZE);
        let address = self.get(descriptor::BASE) + 4 * u64::from(at);
        inside.then(|| with_exposed_provenance_mut(address as usize))
    }

    /// Sets elements; `None` if so many are not there.
    pub fn fill(&self, at: u32, value: u32, count: u32) -> Option<()> {
        let first = self.range(at, count)?;
        for index in 0..count as usize {
            // SAFETY: the range is inside, by the promise to `new`.
            unsafe { first.add(index).write(value) };
        }
        Some(())
    }

    /// Adds elements; gives how many there were, or nothing if there is no room.
    pub fn grow(&self, value: u32, count: u32) -> Option<u32> {
        let before = self.get(descriptor::SIZE);
        let size = before + u64::from(count);
        let most = self.maximum.unwrap_or(u64::MAX).min(self.get(descriptor::CAPACITY));
        if size > most {
            return None;
        }
        // SAFETY: a word of the descriptor, and not above the capacity.
        unsafe { self.word(descriptor::SIZE).write(size) };
        self.fill(before as u32, value, count)?;
        Some(before as u32)
    }

    /// Copies elements of a table, which may be this one; `None` if either has not so many.
    pub fn copy(&self, from: &Self, at: u32, start: u32, count: u32) -> Option<()> {
        let (from, to) = (from.range(start, count)?, self.range(at, count)?);
        // SAFETY: both ranges are inside, by the promise to `new`; they may overlap.
        unsafe { from.copy_to(to, count as usize) };
        Some(())
    }

    /// Copies items of a segment, which has so many; `None` if either has not so many.
    ///
    /// # Safety
    /// The segment's items lie at the address and are none of the table's elements.
    pub unsafe fn init(&self, items: u64, length: u32, at: u32, start: u32, count: u32) -> Option<()> {
        start.checked_add(count).filter(|end| *end <= length)?;
        let to = self.range(at, count)?;
        let from = with_exposed_provenance_mut::<u32>((items + 4 * u64::from(start)) as usize);
        // SAFETY: the caller's promise for the items, that to `new` for the elements.
        unsafe { from.copy_to(to, count as usize) };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with its elements, of which eight have room.
    struct Whole {
        elements: Box<[u32; 8]>,
        words: Box<[u64; 4]>,
    }

    impl Whole {
        fn new(first: &[u32]) -> Self {
            let mut elements = Box::new([0; 8]);
            elements[..first.len()].copy_from_slice(first);
            let words = Box::new([0, first.len() as u64, 8, 0]);
            Self { elements, words }
        }

        fn table(&mut self, maximum: Option<u64>) -> Table {
            let words = (&raw mut *self.words).expose_provenance() as u64;
            // SAFETY: the words and the elements live as long as the test's value, which it looks at between calls.
            let table = unsafe { Table::new(words, maximum) };
            table.place((&raw mut *self.elements).expose_provenance() as u64);
            table
        }

        fn now(&self) -> &[u32] {
            &self.elements[..self.words[1] as usize]
        }
    }

    #[test]
    fn elements_are_set_where_they_are() {
        let mut whole = Whole::new(&[1, 2, 3]);
        let table = whole.table(None);
        assert_eq!(table.fill(1, 9, 2), Some(()));
        assert_eq!(
            (table.fill(3, 9, 0), table.fill(2, 9, 2), table.fill(u32::MAX, 9, u32::MAX)),
            (Some(()), None, None)
        );
        assert_eq!(whole.now(), [1, 9, 9]);
    }

    #[test]
    fn a_table_grows_to_its_maximum_and_its_room() {
        let mut whole = Whole::new(&[1]);
        let table = whole.table(Some(3));
        assert_eq!((table.grow(7, 2), table.grow(7, 1), table.grow(7, 0)), (Some(1), None, Some(3)));
        assert_eq!(whole.now(), [1, 7, 7]);
        let table = whole.table(None);
        assert_eq!((table.grow(8, 6), table.grow(8, 5), table.grow(8, u32::MAX)), (None, Some(3), None));
    }

    #[test]
    fn copies_may_overlap_and_stay_inside() {
        let mut whole = Whole::new(&[1, 2, 3, 4]);
        let table = whole.table(None);
        assert_eq!(table.copy(&table, 1, 0, 3), Some(()));
        assert_eq!(whole.now(), [1, 1, 2, 3]);
        let table = whole.table(None);
        assert_eq!((table.copy(&table, 2, 0, 3), table.copy(&table, 0, 2, 3)), (None, None));
    }

    #[test]
    fn segments_are_copied_within_their_length() {
        let mut whole = Whole::new(&[0, 0, 0]);
        let table = whole.table(None);
        let items = [5_u32, 6, 7];
        let place = items.as_ptr().expose_provenance() as u64;
        // SAFETY: the items lie there.
        let init = |length, at, start, count| unsafe { table.init(place, length, at, start, count) };
        assert_eq!((init(3, 1, 1, 2), init(2, 0, 1, 2), init(3, 2, 0, 2)), (Some(()), None, None));
        assert_eq!((init(0, 3, 0, 0), init(3, 0, u32::MAX, u32::MAX)), (Some(()), None));
        assert_eq!(whole.now(), [0, 6, 7]);
    }
}
